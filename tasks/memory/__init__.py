"""Memory: exactly defined problems that show what a recurrent network can hold on to, and for how long.

Worked example, dataset "recall" with length 10 and two pairs: two keys with their values, then the keys again, of which
the network is to say the values (`·` is blank):

    inputs   k2 v7 k5 v1 ·  ·  k5 ·  k2 ·
    answers                    v1    v7

Every problem is drawn by a generator of fixed seed. No row of validation or test stands in train, save where a problem
has too few rows for that (`facts` counts them). The split "twice_as_long" is the problem at twice the length that was
trained on, the rest being equal: what was learnt as a rule holds there, what was learnt by heart does not.
"""

import functools
from collections.abc import Mapping
from typing import Literal

import datasets
import numpy as np
from torch import Tensor
from torchmetrics import MeanSquaredError, Metric
from torchmetrics.classification import MulticlassAccuracy

from rnnbench import Batch, Prediction, Sample, Sources, Spec, Task, Tokens
from rnnbench.data.repeats import repeats
from rnnbench.errors import at_least
from rnnbench.metrics import CrossEntropy

from .copying import Copy, SelectiveCopy
from .languages import Parity, Tomita
from .order import Adding, TemporalOrder
from .problem import Problem, Rows, draw_unseen
from .recall import NoisyRecall, Recall

PROBLEMS: Mapping[str, type[Problem]] = {
    "adding": Adding,
    "copy": Copy,
    "selective_copy": SelectiveCopy,
    "recall": Recall,
    "noisy_recall": NoisyRecall,
    "temporal_order": TemporalOrder,
    "parity": Parity,
    "tomita": Tomita,
}
EVALUATED = 1000  # rows of each split but train
SEED = 20


class Memory(Task):
    """Hold on to what was seen: adding, copying, recall, temporal order, regular languages."""

    shape = "many_to_many_aligned"

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal[
            "adding", "copy", "selective_copy", "recall", "noisy_recall", "temporal_order", "parity", "tomita"
        ] = "selective_copy",
        length: int | None = None,
        symbols: int | None = None,
        items: int | None = None,
        pairs: int | None = None,
        grammar: int | None = None,
        train_rows: int = 4_000,
    ) -> None:
        """
        Args:
            dataset: the problem.
            length: steps to remember over; None is the problem's own default, as with the options that follow.
            symbols: how many different ones there are, of those that copy, selective_copy, recall, noisy_recall
                and temporal_order have.
            items: symbols to copy, or symbols whose order counts.
            pairs: keys with their values, of recall and noisy_recall.
            grammar: which of Tomita's, 1 to 7.
            train_rows: how many rows train has.
        """
        super().__init__(sources)
        at_least(1, train_rows=train_rows)
        given = {"length": length, "symbols": symbols, "items": items, "pairs": pairs, "grammar": grammar}
        self.problem = _build(dataset, {name: value for name, value in given.items() if value is not None})
        self.dataset, self.train_rows, self.shape = dataset, train_rows, self.problem.shape

    def describe(self) -> Spec:
        problem = self.problem
        hardness = {**problem.hardness, "train_rows": self.train_rows}
        return Spec(
            inputs=problem.inputs,
            targets=problem.targets,
            metric=problem.metric,
            direction="max" if problem.metric == "accuracy" else "min",
            chance=problem.chance,
            dataset=self.dataset,
            setting=" ".join(f"{name} {value}" for name, value in hardness.items()),
            unit="steps",
        )

    @functools.cached_property
    def rows(self) -> Mapping[str, Rows]:
        """The rows of each split."""
        longer, seen = self.problem.twice_as_long(), set[bytes]()
        wanted = {
            "train": (self.problem, self.train_rows),
            "validation": (self.problem, EVALUATED),
            "test": (self.problem, EVALUATED),
            "twice_as_long": (longer, EVALUATED),
        }
        return {
            name: draw_unseen(problem, np.random.default_rng([SEED, number]), count, seen)
            for number, (name, (problem, count)) in enumerate(wanted.items())
        }

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: datasets.Dataset.from_dict(rows.columns()) for name, rows in self.rows.items()}

    def metrics(self) -> Mapping[str, Metric]:
        targets = self.problem.targets
        if not isinstance(targets, Tokens):
            return {"mean_squared_error": MeanSquaredError()}
        return {
            "accuracy": MulticlassAccuracy(targets.size, average="micro", ignore_index=self.problem.blank),
            "cross_entropy": CrossEntropy("nats"),
        }

    def facts(self) -> Mapping[str, int | float | str]:
        return {"different_train_rows": len(set(self.rows["train"].keys())), **repeats(self.data)}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return [self._sample(*row) for row in zip(
            batch.inputs, batch.targets, batch.mask, batch.lengths, prediction.outputs, strict=True
        )]  # fmt: skip

    def _sample(self, inputs: Tensor, targets: Tensor, mask: Tensor, length: Tensor, outputs: Tensor) -> Sample:
        """One row: its inputs, the right answers, and what the network said."""
        problem = self.problem
        said = outputs.argmax(-1) if isinstance(problem.targets, Tokens) else outputs
        if problem.shape == "many_to_many_aligned":
            counts = mask & (targets != problem.blank) if problem.blank is not None else mask
            targets, said = targets[counts], said[counts]
        right, given = (problem.say(np.atleast_1d(answers.numpy())) for answers in (targets, said))
        return Sample(problem.show(inputs[:length].numpy()), f"right  {right}\nsaid   {given}")


def _build(dataset: str, given: Mapping[str, int]) -> Problem:
    """The problem of that name; options that it does not have are wrong."""
    kind = PROBLEMS[dataset]
    has = kind.options()
    for name in given:
        if name not in has:
            raise ValueError(f"{dataset} has no {name}; what makes it harder is {', '.join(has)}")
    return kind(**given)
