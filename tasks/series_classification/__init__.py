"""Time-series classification: say of what kind a whole series is, such as who spoke.

Worked example, of JapaneseVowels: 20 steps of 12 numbers that describe a vowel -> the 3rd of 9 speakers.

Train and test are as the archives cut them. The archives hold nothing out for validation: a fifth of train is, of each
class alike, drawn once for all. Channels are scaled by mean and standard deviation of the rest of train.
"""

import functools
from collections.abc import Mapping
from typing import ClassVar, Literal

import datasets
import numpy as np
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from rnnbench import Batch, Prediction, Reals, Sample, Sources, Spec, Task, Tokens
from rnnbench.data.repeats import repeats

from .archives import read_cases
from .pictures import pictured
from .ts_files import Cases

HELD_OUT = 5  # one of so many cases of train is for validation


class SeriesClassification(Task):
    """Say of what kind a series is."""

    shape = "many_to_one"
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal[
            "cylinder_bell_funnel", "gunpoint", "italy_power", "japanese_vowels", "ts"
        ] = "cylinder_bell_funnel",
        path: list[str] | None = None,
    ) -> None:
        """
        Args:
            dataset: "cylinder_bell_funnel" is generated, always there; "ts" are the files at `path`.
            path: with dataset "ts": two files in the archives' .ts format, train and test.
        """
        super().__init__(sources)
        if (dataset == "ts") != (path is not None) or len(path or "  ") != 2:
            raise ValueError("task.path=[TRAIN.ts,TEST.ts] goes with task.dataset=ts, and ts with two paths")
        self.dataset, self.paths = dataset, path or []

    @functools.cached_property
    def cases(self) -> Mapping[str, Cases]:
        """The cases of each split, on the scale of train."""
        train, test = read_cases(self.dataset, self.sources, self.paths)
        kept, held = held_out(train)
        steps = np.concatenate(kept.values).astype(np.float64)
        mean, deviation = steps.mean(0), np.where(steps.std(0) > 0, steps.std(0), 1)
        return {
            name: Cases([((x - mean) / deviation).astype(np.float32) for x in part.values], part.labels, train.classes)
            for name, part in {"train": kept, "validation": held, "test": test}.items()
        }

    @property
    def classes(self) -> list[str]:
        """The labels, by class number."""
        return self.cases["train"].classes

    def describe(self) -> Spec:
        labels = self.cases["train"].labels
        commonest = max(self.classes, key=labels.count)
        return Spec(
            inputs=Reals(self.cases["train"].values[0].shape[1]),
            targets=Tokens(len(self.classes)),
            metric="accuracy",
            direction="max",
            chance=self.cases["test"].labels.count(commonest) / len(self.cases["test"].labels),
            dataset=self.dataset,
            setting="whole series",
            unit="steps",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        numbers = {label: number for number, label in enumerate(self.classes)}
        return {
            name: datasets.Dataset.from_dict(
                {"inputs": cases.values, "targets": [numbers[label] for label in cases.labels]}
            )
            for name, cases in self.cases.items()
        }

    def metrics(self) -> Mapping[str, Metric]:
        classes = len(self.classes)
        return {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
        }

    def facts(self) -> Mapping[str, int | float | str]:
        counts = {f"{name}_series": len(cases.labels) for name, cases in self.cases.items()}
        return {**counts, "classes": len(self.classes), **repeats(self.data)}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return [pictured(self.classes, prediction, batch, row) for row in range(len(batch.inputs))]


def held_out(cases: Cases) -> tuple[Cases, Cases]:
    """What is kept for training, and one case in `HELD_OUT` of each class, drawn by a fixed seed."""
    random = np.random.RandomState(0)
    held: set[int] = set()
    for label in sorted(set(cases.labels)):
        places = [place for place, other in enumerate(cases.labels) if other == label]
        held.update(int(place) for place in random.permutation(places)[: round(len(places) / HELD_OUT)])
    parts = [[place for place in range(len(cases.labels)) if (place in held) == is_held] for is_held in (False, True)]
    kept, validation = (
        Cases([cases.values[place] for place in part], [cases.labels[place] for place in part], cases.classes)
        for part in parts
    )
    return kept, validation
