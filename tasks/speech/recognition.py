"""Speech recognition: write down what is said, character by character.

Worked example, of AN4: 1.4 seconds at 16,000 Hz -> 138 frames of 40 log-mel energies, stacked by three to 46 steps of
120 numbers -> "rubout g m e f three nine".

Characters come in the order of the sound and are fewer than its steps: CTC learns to say them, a network at each step a
character or nothing. The character error rate is the number of characters to insert, delete or substitute until all
texts are right, over the number of characters in them; the word error rate is that of words (jiwer). A network that
says nothing has 1. Texts are compared as they are written: write all in one case, with or without punctuation.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import datasets
import numpy as np
from numpy.typing import NDArray
from torchmetrics import Metric

from rnnbench import Batch, Prediction, Reals, Sample, Sources, Spec, Tokens, UserError
from rnnbench.data.repeats import repeats
from rnnbench.data.vocabulary import Vocabulary
from rnnbench.learners.ctc_search import shortest_path
from rnnbench.metrics import TextMetric

from .digits import spoken_digits
from .reading import read_folder
from .recordings import Corpus, Recording
from .samples import alignment_png, wav
from .scores import error_rate
from .spoken import Spoken

AN4 = (
    "the data set 'an4' was not found in {where}: the hub has it as an archive only (espnet/an4, an4_sphere.tar.gz); "
    "put its recordings into an4/train and an4/test, a metadata.csv with file_name,transcription,speaker in each, and "
    "set RNNBENCH_DATA to the folder above"
)


class Speech(Spoken):
    """Write down what is said."""

    shape = "many_to_many_unaligned"
    monotonic = True

    def __init__(
        self, sources: Sources, *, dataset: Literal["digits", "an4", "folder"] = "digits", **options: Any
    ) -> None:
        """
        Args:
            dataset: "digits" are strings of digits spoken by a small formant synthesiser, always there; "an4" is CMU's
                AN4, spelled words, dates and numbers; "folder" is your own at `path`, with a column transcription.
            options: those of every task on recordings.
        """
        super().__init__(sources, dataset=dataset, **options)

    def read(self) -> Corpus:
        if self.dataset == "digits":
            return spoken_digits(shortest=1, longest=5)
        if self.dataset == "folder":
            return self.own_folder("transcription")
        found = self.sources.files("an4", ["train/metadata.csv", "test/metadata.csv"])
        if not found:
            raise UserError(AN4.format(where=self.sources.data_dir or "RNNBENCH_DATA, which is not set"))
        return read_folder(found[0].parent.parent, "transcription", self.skip_unreadable)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The characters of train, most frequent first."""
        return Vocabulary.of("".join(recording.text for recording in self.corpus.splits["train"]))

    def describe(self) -> Spec:
        return Spec(
            inputs=Reals(self.mels * self.stacked_frames),
            targets=Tokens(len(self.vocabulary)),
            metric="cer",
            direction="min",
            chance=1.0,
            dataset=self.dataset,
            setting="characters",
            unit="steps",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: self._split(name, recordings) for name, recordings in self.corpus.splits.items()}

    def metrics(self) -> Mapping[str, Metric]:
        return {"cer": TextMetric(error_rate("cer")), "wer": TextMetric(error_rate("wer"))}

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(self.vocabulary.decode(tokens))

    def facts(self) -> Mapping[str, int | float | str]:
        texts = {name: [one.text for one in recordings] for name, recordings in self.corpus.splits.items()}
        commonest = Counter(texts["train"]).most_common(1)[0][0]
        always = error_rate("cer")([commonest] * len(texts["test"]), [[text] for text in texts["test"]])
        words = {word for text in texts["train"] for word in text.split()}
        return {
            **super().facts(),
            "vocabulary": len(self.vocabulary),
            "test_unknown_characters": sum(one not in self.vocabulary for text in texts["test"] for one in text),
            "test_unknown_words": sum(word not in words for text in texts["test"] for word in text.split()),
            "cer_of_commonest": round(always, 4),
            **repeats(self.data),
        }

    def encode(self, prompt: str) -> Batch:
        return Batch.question(self.ask(prompt))

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return [self._sample(prediction, batch, row) for row in range(len(batch.lengths))]

    def _split(self, name: str, recordings: list[Recording]) -> datasets.Dataset:
        inputs = self.inputs(name)
        targets = [self.vocabulary.encode(recording.text) for recording in recordings]
        references = [[recording.text] for recording in recordings]
        self._check_room(recordings, [len(steps) for steps in inputs], targets)
        return datasets.Dataset.from_dict({"inputs": inputs, "targets": targets, "references": references})

    def _check_room(
        self, recordings: Sequence[Recording], steps: Sequence[int], targets: Sequence[NDArray[np.integer]]
    ) -> None:
        for recording, there, target in zip(recordings, steps, targets, strict=True):
            needed = shortest_path(target.tolist())
            if there < needed:
                raise UserError(
                    f"{recording.where}: '{recording.text}' needs {needed} steps (a character each, one more between "
                    f"two alike), and {recording.seconds:.2f} seconds of sound have {there}; mend the line, or set "
                    f"task.stacked_frames below {self.stacked_frames}"
                )

    def _sample(self, prediction: Prediction, batch: Batch, row: int) -> Sample:
        inputs_TI = batch.inputs[row, : batch.lengths[row]].cpu()
        heard = self.text(prediction.hypotheses[row])
        title = f"'{self.text(batch.targets[row, batch.mask[row]].tolist())}'" if batch.references else "your recording"
        files = {}
        if recording := self.recording(inputs_TI):
            files["recording.wav"] = wav(recording)
            title += f", {recording.seconds:.1f} seconds"
        belief_TV = prediction.outputs[row, : len(inputs_TI)].float().softmax(-1).cpu()
        characters, frames = self.vocabulary.tokens, self.stacked_frames
        files["alignment.png"] = alignment_png(f"heard '{heard}'", inputs_TI, belief_TV, characters, frames)
        return Sample(title, f"heard '{heard}'", files=files)
