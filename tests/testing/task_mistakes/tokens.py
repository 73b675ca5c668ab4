"""Tasks on tokens without a mistake, of which those with one are made: a class, an answer, a description."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnnbench import Batch, Pictures, Prediction, Sample, Sources, Spec, Task, Tokens, UserError
from rnnbench.metrics import CrossEntropy, RowMetric
from rnnbench.text_metrics import exact_match

ROWS = {"train": 60, "validation": 20, "test": 100}


class First(Task):
    """Many to one, tokens: which of four symbols came first. No mistake."""

    shape = "many_to_one"

    def __init__(self, sources: Sources, *, length: int = 6) -> None:
        super().__init__(sources)
        self.length = length

    def describe(self) -> Spec:
        return Spec(
            inputs=Tokens(4),
            targets=Tokens(4),
            metric="accuracy",
            direction="max",
            chance=0.25,
            dataset="first",
            setting=str(self.length),
        )

    def rows(self) -> np.ndarray:
        """All rows, each another."""
        codes = np.random.default_rng(0).choice(4**self.length, sum(ROWS.values()), replace=False)
        return codes[:, None] // 4 ** np.arange(self.length) % 4

    def splits(self) -> Mapping[str, datasets.Dataset]:
        parts = np.split(self.rows(), np.cumsum(list(ROWS.values()))[:-1])
        return {name: self.split(part) for name, part in zip(ROWS, parts, strict=True)}

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": rows, "targets": rows[:, 0]})

    def metrics(self) -> Mapping[str, Metric]:
        return {"accuracy": MulticlassAccuracy(4, average="micro")}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        said = zip(batch.inputs.tolist(), prediction.outputs.softmax(-1), strict=True)
        return [self.sample(row, odds) for row, odds in said]

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        values, classes = odds.sort(descending=True)
        choices = {str(number): value for number, value in zip(classes.tolist(), values.tolist(), strict=True)}
        return Sample(" ".join(map(str, row)), f"first was {odds.argmax()}", choices)

    def encode(self, prompt: str) -> Batch:
        words = prompt.split()
        if not words or not set(words) <= set("0123"):
            raise UserError("a prompt is some of the symbols 0 1 2 3, such as --prompt '0 1 1'")
        inputs_BT = torch.tensor([[int(word) for word in words]])
        return Batch(inputs_BT, inputs_BT[:, 0], torch.ones(1, dtype=torch.bool), torch.tensor([len(words)]))


class RowNats(RowMetric):
    """Mean over rows of the mean nats a step of each."""

    full_state_update = False
    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("rows", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.total: Tensor
        self.rows: Tensor

    def update(self, outputs_BTV: Tensor, targets_BT: Tensor, mask_BT: Tensor) -> None:
        nats_BT = torch.nn.functional.cross_entropy(outputs_BTV.transpose(1, 2), targets_BT, reduction="none")
        counts_B = mask_BT.sum(1)
        self.total += (nats_BT.where(mask_BT, 0.0).sum(1) / counts_B.clamp(min=1)).sum().double()
        self.rows += (counts_B > 0).sum()

    def compute(self) -> Tensor:
        return self.total / self.rows


def said(**changes: Any) -> Any:
    """`describe` of the class above, but for some of what it says."""

    def describe(self: Any) -> Spec:
        return dataclasses.replace(First.describe(self), **changes)

    return describe


class Backwards(First):
    """Unaligned, tokens: says in letters, and of its own accord, some of what it read, backwards. No mistake."""

    shape = "many_to_many_unaligned"

    def describe(self) -> Spec:
        return dataclasses.replace(First.describe(self), metric="exact", chance=0.0)

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        parts = [row[: 3 + row[0]] for row in rows]  # as many as the first says
        texts = [["".join("abcd"[token] for token in row[::-1])] for row in parts]
        return datasets.Dataset.from_dict(
            {"inputs": rows, "targets": [row[::-1] for row in parts], "references": texts}
        )

    def metrics(self) -> Mapping[str, Metric]:
        return {"exact": exact_match(), "nats": CrossEntropy("nats")}

    def text(self, tokens: Sequence[int]) -> str:
        return "".join("abcd"[token] for token in tokens)

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        rows = zip(batch.inputs.tolist(), prediction.hypotheses, strict=True)
        return [Sample(str(read), self.text(said) or "nothing") for read, said in rows]

    def encode(self, prompt: str) -> Batch:
        return Batch.question(First.encode(self, prompt).inputs)


class Forwards(Backwards):
    """Unaligned, and the targets come in the order of the inputs. No mistake."""

    monotonic = True

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        parts = [row[: 1 + row[0] % 3] for row in rows]
        texts = [["".join("abcd"[token] for token in row)] for row in parts]
        return datasets.Dataset.from_dict({"inputs": rows, "targets": parts, "references": texts})

    def metrics(self) -> Mapping[str, Metric]:
        return {"exact": exact_match()}


class Described(Backwards):
    """One to many: says in one of two ways what stands first in a picture. No mistake."""

    shape = "one_to_many"

    def describe(self) -> Spec:
        return dataclasses.replace(super().describe(), inputs=Pictures(1, 4))

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        pictures = np.zeros((len(rows), 16), np.uint8)
        pictures[:, : rows.shape[1]] = 80 * rows
        targets = [[[first], [first, first]] for first in rows[:, 0]]
        texts = [[self.text(one) for one in several] for several in targets]
        return datasets.Dataset.from_dict({"inputs": pictures, "targets": targets, "references": texts})

    encode = Task.encode
