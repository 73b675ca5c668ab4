"""Language modelling: predict the next word or the next character of a text.

Worked example, level "word", of the Penn Treebank's first test sentence:

    inputs   <eos>  no  it  was  n't  black  monday
    targets  no     it  was n't  black monday  <eos>

The first input of every split is what ended the text before it, so that every token is scored, the first included.
Perplexity a word is exp of the mean negative log-likelihood (nats) a token; bits a character is that mean over ln 2.
"""

import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import datasets
import torch
from torchmetrics import Metric

from rnnbench import Batch, Prediction, Sample, Sources, Spec, Task, Tokens, UserError
from rnnbench.data.vocabulary import UNKNOWN, Vocabulary
from rnnbench.errors import at_least
from rnnbench.metrics import CrossEntropy

from .corpora import Corpus, read_corpus

END = "<eos>"
CHOICES = 100  # first choices of a sample
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[^\w\s]|_")


class LanguageModeling(Task):
    """Predict the next word or character of a text."""

    shape = "many_to_many_aligned"
    stream = True
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal["pydoc", "ptb", "wikitext2", "tinyshakespeare", "text"] = "pydoc",
        level: Literal["word", "character"] = "word",
        path: str | list[str] | None = None,
        vocabulary_size: int | None = None,
    ) -> None:
        """
        Args:
            dataset: "pydoc" is Python's own language reference, always there; "text" is the file or files at `path`.
            level: what a token is.
            path: with dataset "text": UTF-8 text files, read in this order.
            vocabulary_size: keep this many of the most frequent tokens of train; None keeps all (of untokenised text,
                all words that occur twice, so that the network learns what an unknown word is).
        """
        super().__init__(sources)
        if (dataset == "text") != (path is not None):
            raise ValueError("task.path=FILE goes with task.dataset=text, and text with a path")
        if vocabulary_size is not None:
            at_least(2, vocabulary_size=vocabulary_size)
        self.dataset, self.level, self.vocabulary_size = dataset, level, vocabulary_size
        self.paths = [path] if isinstance(path, str) else list(path or [])

    @functools.cached_property
    def corpus(self) -> Corpus:
        """The text of each split."""
        return read_corpus(self.dataset, self.sources, self.paths)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens of train, most frequent first."""
        text = self.tokens(self.corpus.train)
        once_is_too_rare = self.level == "word" and not self.corpus.tokenized
        return Vocabulary.of(text, size=self.vocabulary_size, minimum_count=2 if once_is_too_rare else 1)

    def describe(self) -> Spec:
        size = len(self.vocabulary)
        words = self.level == "word"
        return Spec(
            inputs=Tokens(size),
            targets=Tokens(size),
            metric="perplexity" if words else "bits_per_character",
            direction="min",
            chance=size if words else math.log2(size),
            dataset=self.dataset,
            setting=self.level,
            unit="words" if words else "characters",
            start=self._start,
        )

    @property
    def _start(self) -> int:
        return self.vocabulary.number(END if self.level == "word" else "\n")

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: self._split(name) for name in ("train", "validation", "test")}

    def metrics(self) -> Mapping[str, Metric]:
        if self.level == "word":
            return {"perplexity": CrossEntropy("perplexity")}
        return {"bits_per_character": CrossEntropy("bits")}

    def facts(self) -> Mapping[str, int | float | str]:
        unknown = self.vocabulary.number(UNKNOWN)
        rows = {name: split.with_format("numpy")[0]["inputs"] for name, split in self.data.items()}
        counts = {f"{name}_{self.spec.unit}": len(row) for name, row in rows.items()}
        return {**counts, "test_unknown": int((rows["test"] == unknown).sum()), "vocabulary": len(self.vocabulary)}

    def encode(self, prompt: str) -> Batch:
        numbers = torch.from_numpy(self.vocabulary.encode(self._prompt_tokens(prompt))).long()
        if not len(numbers):
            raise UserError('the prompt is empty; give some text, such as --prompt "The value of"')
        inputs_1T = torch.cat([numbers.new_full((1,), self._start), numbers])[None]
        return Batch.whole(inputs_1T, inputs_1T)

    def unknown(self, prompt: str) -> list[str]:
        return [token for token in self._prompt_tokens(prompt) if token not in self.vocabulary]

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        assert prediction.continuation is not None
        samples = []
        for inputs_T, outputs_TV, drawn_L in zip(
            batch.inputs, prediction.outputs, prediction.continuation, strict=True
        ):
            probability, number = outputs_TV[-1].float().softmax(-1).topk(min(CHOICES, len(self.vocabulary)))
            first = self.vocabulary.decode(number.tolist())
            choices = dict(zip(first, probability.tolist(), strict=True))
            samples.append(Sample(self._text(inputs_T.tolist()), self._text(drawn_L.tolist()), choices))
        return samples

    def tokens(self, text: str) -> list[str]:
        """Cuts a text into tokens: characters; or words, each line closed by `END`.

        Lines of a tokenised corpus are cut at spaces. Of any other text a line is a paragraph, lower-cased and cut into
        words, numbers and punctuation marks; empty lines count for nothing.
        """
        if self.level == "character":
            return list(text)
        lines = text.removesuffix("\n").split("\n")
        if self.corpus.tokenized:
            return [token for line in lines for token in [*line.split(), END]]
        return [token for line in lines if line.strip() for token in [*_WORD.findall(line.lower()), END]]

    def _split(self, name: str) -> datasets.Dataset:
        numbers = self.vocabulary.encode(self.tokens(getattr(self.corpus, name)))
        if len(numbers) < 2:
            raise UserError(
                f"the {name} split of {self.dataset} is too short: {len(numbers)} {self.level}s; use more text"
            )
        return datasets.Dataset.from_dict({"inputs": [numbers]})

    def _prompt_tokens(self, prompt: str) -> Sequence[str]:
        if self.level == "character":
            return list(prompt)
        tokens = _WORD.findall(prompt)
        return [token if token in self.vocabulary else token.lower() for token in tokens]

    def _text(self, numbers: Sequence[int]) -> str:
        tokens = self.vocabulary.decode(numbers)
        if self.level == "character":
            return "".join(tokens)
        text = " ".join("\n" if token == END else token for token in tokens)
        text = re.sub(r" ([.,;:!?)\]}%])", r"\1", text)
        return re.sub(r"([(\[{]) ", r"\1", text).replace(" \n ", "\n").strip()
