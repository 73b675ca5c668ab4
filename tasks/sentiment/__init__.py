"""Sentiment: say which class a sentence or a review belongs to, from its words in their order.

Worked example of the Stanford Sentiment Treebank, two classes:

    inputs   not  a  bad  journey  at  all  .
    target   positive

Words are lower-case and cut as in the Penn Treebank; those that train does not have twice are unknown. Accuracy is the
share of test rows whose most probable class is the true one; macro F1 the unweighted mean of the classes' F1.
"""

import functools
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import datasets
import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from rnnbench import Batch, Prediction, Sample, Sources, Spec, Task, Tokens, UserError
from rnnbench.data.repeats import repeats
from rnnbench.data.vocabulary import UNKNOWN, Vocabulary
from rnnbench.errors import at_least

from .corpora import Corpus, read_corpus
from .samples import text_sample
from .words import words


class Sentiment(Task):
    """Say which class a sentence belongs to."""

    shape = "many_to_one"
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal["generated", "sst2", "sst5", "sst3", "mr", "imdb", "trec", "csv"] = "generated",
        path: str | list[str] | None = None,
        vocabulary_size: int | None = None,
        last_words: int | None = None,
    ) -> None:
        """
        Args:
            dataset: "generated" is a grammar of our own with negation and contrast, always there; "csv" is the table
                or tables at `path`.
            path: with dataset "csv": UTF-8 tables with columns text and label. One is cut 80 / 10 / 10 % by hash; two
                are train and test; three are train, validation and test.
            vocabulary_size: keep this many of the most frequent words of train; None keeps all that occur twice.
            last_words: keep at most this many words of a text, the last ones; None keeps all.
        """
        super().__init__(sources)
        self.paths = [Path(one).expanduser() for one in ([path] if isinstance(path, str) else path or [])]
        if (dataset == "csv") != (1 <= len(self.paths) <= 3):
            raise ValueError("task.path=FILE, or two or three files, goes with task.dataset=csv, and csv with a path")
        if vocabulary_size is not None:
            at_least(2, vocabulary_size=vocabulary_size)
        if last_words is not None:
            at_least(1, last_words=last_words)
        self.dataset, self.vocabulary_size, self.last_words = dataset, vocabulary_size, last_words

    @functools.cached_property
    def corpus(self) -> Corpus:
        """The texts and classes of each split."""
        return read_corpus(self.dataset, self.sources, self.paths)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of train, most frequent first."""
        read = (word for text, _ in self.corpus.train for word in words(text))
        return Vocabulary.of(read, size=self.vocabulary_size, minimum_count=2)

    def describe(self) -> Spec:
        return Spec(
            inputs=Tokens(len(self.vocabulary)),
            targets=Tokens(len(self.corpus.classes)),
            metric="accuracy",
            direction="max",
            chance=1 / len(self.corpus.classes),
            dataset=self.dataset,
            setting=f"last {self.last_words} words" if self.last_words else "whole text",
            unit="words",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: self._split(name) for name in ("train", "validation", "test")}

    def metrics(self) -> Mapping[str, Metric]:
        classes = len(self.corpus.classes)
        return {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
        }

    def facts(self) -> Mapping[str, int | float | str]:
        corpus, unknown = self.corpus, self.vocabulary.number(UNKNOWN)
        most, _ = Counter(name for _, name in corpus.train).most_common(1)[0]
        rows = self.data["test"].with_format("numpy")["inputs"]
        return {
            **{f"{name}_rows": len(split) for name, split in self.data.items()},
            **repeats(self.data),
            "test_words": sum(len(row) for row in rows),
            "test_unknown": sum(int((row == unknown).sum()) for row in rows),
            "vocabulary": len(self.vocabulary),
            "accuracy_of_commonest": sum(name == most for _, name in corpus.test) / len(corpus.test),
        }

    def encode(self, prompt: str) -> Batch:
        numbers = torch.from_numpy(self._numbers(prompt)).long()
        if not len(numbers):
            raise UserError('the prompt holds no words; give a sentence, such as --prompt "not bad at all"')
        none = torch.zeros(1, dtype=torch.long)
        return Batch(numbers[None], none, none.bool(), none + len(numbers))

    def unknown(self, prompt: str) -> list[str]:
        return [word for word in words(prompt) if word not in self.vocabulary]

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return [self._sample(prediction, batch, row) for row in range(len(batch.lengths))]

    def _sample(self, prediction: Prediction, batch: Batch, row: int) -> Sample:
        length = int(batch.lengths[row])
        read = self.vocabulary.decode(batch.inputs[row, :length].tolist())
        trace_TC = None if prediction.trace is None else prediction.trace[row, :length]
        truth = int(batch.targets[row]) if batch.mask[row] else None
        return text_sample(read, prediction.outputs[row], trace_TC, self.corpus.classes, truth)

    def _split(self, name: str) -> datasets.Dataset:
        rows = getattr(self.corpus, name)
        inputs = [self._numbers(text) for text, _ in rows]
        targets = [self.corpus.classes.index(label) for _, label in rows]
        return datasets.Dataset.from_dict({"inputs": inputs, "targets": targets})

    def _numbers(self, text: str) -> np.ndarray:
        return self.vocabulary.encode(words(text)[-(self.last_words or 0) :])
