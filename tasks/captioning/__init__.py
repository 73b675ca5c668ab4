"""Captioning: say in a sentence what a picture shows.

Worked example of the generated scenes, two handwritten digits one above the other:

    picture     24 x 24 pixels of grey
    references  a seven above an eight
                an eight below a seven

Captions are lower-case words without punctuation (`words`), and so are the references they are scored against. A row
is a picture with all its captions: a network is trained to say each of them, its perplexity is that of all of them,
and what it says of its own accord is held against all at once:

    exact_match  share of captions that are one of the references, word by word
    bleu1 … 4    BLEU with n-grams up to that length, from 0 to 100, by sacrebleu
    cider_d      CIDEr-D, from 0 to 10 (`cider`)

The split "shuffled" is test with each picture's captions held against another picture: what a network still scores
there it owes to the language alone. The full control is a network that was trained so (`shuffled=true`).
"""

import functools
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import datasets
import numpy as np
import torch
from torchmetrics import Metric

from rnnbench import Batch, Prediction, Sample, Sources, Spec, Task, Tokens, UserError
from rnnbench.data.repeats import repeats
from rnnbench.data.vocabulary import UNKNOWN, Vocabulary
from rnnbench.errors import at_least
from rnnbench.metrics import CrossEntropy, TextMetric

from .captioned import Captioned
from .flickr8k import flickr8k
from .folder import folder
from .photographs import Photograph, decoded
from .samples import caption_sample
from .scenes import scenes
from .scores import bleu, cider, exact_match
from .views import Views
from .words import words

SIDE = 64  # pixels of a photograph, unless the person wants another
PRETRAINED_SIDE = 224  # of one that a pretrained network sees, as most were trained on


class Captioning(Task):
    """Say in a sentence what a picture shows."""

    shape = "one_to_many"
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal["scenes", "flickr8k", "folder"] = "scenes",
        path: str | None = None,
        side: int | None = None,
        minimum_count: int = 5,
        pretrained: str | None = None,
        shuffled: bool = False,
        skip_corrupt: bool = False,
    ) -> None:
        """
        Args:
            dataset: "scenes" are generated, two handwritten digits each, always there; "flickr8k" has 8,000 photographs
                with five captions each; "folder" is your own at `path`.
            path: with dataset "folder": a folder of pictures with a table metadata.csv, columns file_name and text; one
                folder is cut 80 / 10 / 10 % by hash, or it has folders train, validation and test of that kind.
            side: photographs become squares of so many pixels a side; None is 64, and 224 for a pretrained network.
                Scenes have 24.
            minimum_count: words that are rarer in the captions of train are unknown.
            pretrained: a network of timm through which photographs are seen, such as resnet18.a1_in1k: its features in
                place of pixels. Its weights come from the hub.
            shuffled: give the pictures of each split to other captions at random: the control that shows what
                language alone scores.
            skip_corrupt: leave out pictures that can not be read, and count them among the facts.
        """
        super().__init__(sources)
        if (dataset == "folder") != (path is not None):
            raise ValueError("task.path=FOLDER goes with task.dataset=folder, and folder with a path")
        for name, value in {"side": side, "pretrained": pretrained}.items():
            if dataset == "scenes" and value is not None:
                raise ValueError(f"{name} is for photographs, and task.dataset=scenes has none; leave it out")
        at_least(1, minimum_count=minimum_count)
        side = side or (PRETRAINED_SIDE if pretrained else SIDE)
        at_least(8, side=side)
        self.dataset, self.path, self.side, self.minimum_count = dataset, path, side, minimum_count
        self.pretrained = pretrained
        self.shuffled, self.skip_corrupt = shuffled, skip_corrupt

    @functools.cached_property
    def captioned(self) -> Mapping[str, Captioned]:
        """The pictures and captions of each split."""
        if self.dataset == "scenes":
            return scenes()
        if self.dataset == "flickr8k":
            return flickr8k(self.sources, self.side, skip_corrupt=self.skip_corrupt)
        return folder(Path(str(self.path)).expanduser(), self.side, skip_corrupt=self.skip_corrupt)

    @functools.cached_property
    def views(self) -> Views:
        """What a network is given of the pictures."""
        return Views(self.captioned, self.pretrained)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of train's captions, most frequent first."""
        said = itertools.chain.from_iterable(self.captioned["train"].captions)
        vocabulary = Vocabulary.of(itertools.chain.from_iterable(map(words, said)), minimum_count=self.minimum_count)
        if len(vocabulary) < 2:
            raise UserError(f"no word stands {self.minimum_count} times in train; set task.minimum_count=1")
        return vocabulary

    def describe(self) -> Spec:
        vision = f"pretrained {self.pretrained}" if self.pretrained else "no pretrained vision network"
        setting = "unseen combinations" if self.dataset == "scenes" else vision
        metric = "exact_match" if self.dataset == "scenes" else "bleu4"
        return Spec(
            inputs=self.views.kind,
            targets=Tokens(len(self.vocabulary)),
            metric=metric,
            direction="max",
            chance=self._of_commonest(metric),
            dataset=self.dataset,
            setting=f"{setting}, shuffled pictures" if self.shuffled else setting,
            unit="words",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        found = {name: self._split(name, shuffled=self.shuffled) for name in self.captioned}
        return found if self.shuffled else {**found, "shuffled": self._split("test", shuffled=True)}

    def fingerprint(self) -> str:
        """That of pixels and captions: features may differ in their last digits from machine to machine."""
        if not self.pretrained:
            return super().fingerprint()
        digest = hashlib.sha256(str(self.shuffled).encode())
        for name, captioned in sorted(self.captioned.items()):
            digest.update(name.encode() + captioned.pixels.tobytes() + json.dumps(captioned.captions).encode())
        return digest.hexdigest()[:16]

    def metrics(self) -> Mapping[str, Metric]:
        return {**self._text_metrics(), "perplexity": CrossEntropy("perplexity")}

    def facts(self) -> Mapping[str, int | float | str]:
        captioned, unknown = self.captioned, self.vocabulary.number(UNKNOWN)
        targets = [caption for row in self.data["test"]["targets"] for caption in row]
        return {
            **{f"{name}_pictures": len(split.captions) for name, split in captioned.items()},
            **{f"{name}_skipped": split.skipped for name, split in captioned.items() if split.skipped},
            **repeats({name: self.data[name] for name in captioned}),
            "vocabulary": len(self.vocabulary),
            "test_words": sum(map(len, targets)),
            "test_unknown": sum(caption.count(unknown) for caption in targets),
            "commonest_caption": self._commonest,
            **{f"{name}_of_commonest": self._of_commonest(name) for name in self._text_metrics()},
        }

    def text(self, tokens: Sequence[int]) -> str:
        return " ".join(self.vocabulary.decode(tokens))

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        samples = []
        for row, tokens in enumerate(prediction.hypotheses):
            pixels = self.views.picture(batch.inputs[row])
            weights = None if prediction.attention is None else prediction.attention[row].float().cpu().numpy()
            references = batch.references[row] if batch.references else ()
            samples.append(caption_sample(pixels, self.vocabulary.decode(tokens), references, weights))
        return samples

    def encode(self, prompt: str) -> Batch:
        """A picture's file."""
        path = Path(prompt).expanduser()
        if not path.is_file():
            raise UserError(f"there is no picture '{prompt}'; give the path of one, such as --prompt photograph.jpg")
        channels, side, _ = self.captioned["train"].pixels.shape[1:]
        pixels = decoded([Photograph(prompt, path.read_bytes, [])], side, skip_corrupt=False).pixels
        if channels == 1:
            pixels = pixels.mean(1).astype(np.uint8)
        return Batch.question(torch.from_numpy(self.views.of(pixels)[:, None].copy()))

    def _text_metrics(self) -> dict[str, TextMetric]:
        exact = {"exact_match": exact_match()} if self.dataset == "scenes" else {}
        return {**exact, **{f"bleu{order}": bleu(order) for order in (1, 2, 3, 4)}, "cider_d": cider()}

    def _of_commonest(self, name: str) -> float:
        """What one scores in test who says of every picture what is said most often in train."""
        references: list[Sequence[str]] = [*self.captioned["test"].captions]
        return self._text_metrics()[name].score([self._commonest] * len(references), references)

    @functools.cached_property
    def _commonest(self) -> str:
        said = Counter(" ".join(words(one)) for several in self.captioned["train"].captions for one in several)
        return min(said, key=lambda caption: (-said[caption], caption))

    def _split(self, name: str, *, shuffled: bool) -> datasets.Dataset:
        inputs, captions = self.views.splits[name], self.captioned[name].captions
        if shuffled:
            inputs = inputs[np.random.default_rng(0).permutation(len(inputs))]
        targets = [[self.vocabulary.encode(words(one)) for one in several] for several in captions]
        return datasets.Dataset.from_dict({"inputs": inputs, "targets": targets, "references": captions})
