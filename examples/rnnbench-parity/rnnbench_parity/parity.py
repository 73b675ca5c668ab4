"""Running parity: after each bit, whether the ones so far are even or odd in number.

Worked example:

    inputs   0 1 1 0 1
    targets  0 1 0 0 1

A single bit of memory solves it, and nothing that forgets does: a standard test of what recurrent networks can track.
Rows are drawn without repetition, so that train, validation and test share none. The further split "twice_as_long"
shows whether a network has found the rule or has only learnt rows as long as those that it was trained on.
"""

from collections.abc import Mapping

import datasets
import numpy as np
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnnbench import Batch, Bits, Prediction, Sample, Sources, Spec, Task, Tokens

ROWS = {"train": 4000, "validation": 500, "test": 1000}


class Parity(Task):
    """Say after each bit whether the ones so far are even or odd in number."""

    shape = "many_to_many_aligned"

    def __init__(self, sources: Sources, *, length: int = 16) -> None:
        """
        Args:
            length: bits in a row.
        """
        super().__init__(sources)
        if not 14 <= length <= 31:  # shorter rows are too few; those twice as long are numbered by 62 bits
            raise ValueError(f"length must be from 14 to 31, got {length}")
        self.length = length

    def describe(self) -> Spec:
        return Spec(
            inputs=Bits(1),
            targets=Tokens(2),
            metric="accuracy",
            direction="max",
            chance=0.5,
            dataset="parity",
            setting=f"length {self.length}",
            unit="bits",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        generator = np.random.default_rng(0)
        rows = _rows(generator, sum(ROWS.values()), self.length)
        parts = dict(zip(ROWS, np.split(rows, np.cumsum(list(ROWS.values()))[:-1]), strict=True))
        parts["twice_as_long"] = _rows(generator, ROWS["test"], 2 * self.length)
        return {
            name: datasets.Dataset.from_dict({"inputs": part, "targets": part.cumsum(1) % 2})
            for name, part in parts.items()
        }

    def metrics(self) -> Mapping[str, Metric]:
        return {"accuracy": MulticlassAccuracy(2, average="micro")}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        read, said = batch.inputs.squeeze(-1).int().tolist(), prediction.outputs.argmax(-1).tolist()
        return [Sample(_text(bits), _text(parities)) for bits, parities in zip(read, said, strict=True)]


def _rows(generator: np.random.Generator, count: int, length: int) -> np.ndarray:
    """So many different rows of bits, [count, length]."""
    numbers = generator.choice(2**length, count, replace=False)
    return (numbers[:, None] >> np.arange(length)) % 2


def _text(bits: list[int]) -> str:
    return " ".join(map(str, bits))
