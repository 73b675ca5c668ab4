"""Tasks with a value to say at every step, without a mistake: symbols, bits and numbers, in rows and as a stream."""

import dataclasses
from collections.abc import Mapping

import datasets
import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from rnnbench import Batch, Bits, Prediction, Reals, Sample, Spec, Task, Tokens
from rnnbench.metrics import CrossEntropy

from .tokens import ROWS, RowNats


class Echo(Task):
    """Aligned, tokens, rows of unequal length and a mask: the symbol of two steps before. No mistake."""

    shape = "many_to_many_aligned"

    def describe(self) -> Spec:
        return Spec(
            inputs=Tokens(5),
            targets=Tokens(5),
            metric="nats",
            direction="min",
            chance=np.log(5),
            dataset="echo",
            setting="two steps",
            causal=True,
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        generator = np.random.default_rng(1)
        return {name: self.split(rows, generator) for name, rows in ROWS.items()}

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        inputs = [generator.integers(0, 5, generator.integers(12, 20)) for _ in range(rows)]
        masks = [np.arange(len(row)) >= 2 for row in inputs]
        return datasets.Dataset.from_dict({"inputs": inputs, "targets": [np.roll(x, 2) for x in inputs], "mask": masks})

    def metrics(self) -> Mapping[str, Metric]:
        return {"nats": CrossEntropy("nats"), "row_nats": RowNats()}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        said = prediction.outputs.argmax(-1).tolist()
        return [Sample(str(row), str(echo)) for row, echo in zip(batch.inputs.tolist(), said, strict=True)]


class Beats(Task):
    """Aligned, bits, one that predicts itself: two drums, each with a rhythm of its own. No mistake."""

    shape = "many_to_many_aligned"

    def describe(self) -> Spec:
        return Spec(
            inputs=Bits(2),
            targets=Bits(2),
            metric="nats",
            direction="min",
            chance=2 * np.log(2),
            dataset="beats",
            setting="two drums",
            unit="beats",
            start=0,
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        generator = np.random.default_rng(2)
        return {name: self.split(rows, generator) for name, rows in ROWS.items()}

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": (generator.random((rows, 15, 2)) < [0.5, 0.3]).astype(np.uint8)})

    def metrics(self) -> Mapping[str, Metric]:
        return {"nats": BitNats()}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        assert prediction.continuation is not None
        drawn = prediction.continuation.int().tolist()
        return [Sample(str(row.int().tolist()), str(beats)) for row, beats in zip(batch.inputs, drawn, strict=True)]


class BitNats(Metric):
    """Cross entropy summed over the bits of a step, mean over steps."""

    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("nats", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.nats: Tensor
        self.count: Tensor

    def update(self, outputs_NV: Tensor, targets_NV: Tensor) -> None:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(outputs_NV, targets_NV, reduction="sum")
        self.nats += loss.double()
        self.count += len(outputs_NV)

    def compute(self) -> Tensor:
        return self.nats / self.count


class Squares(Metric):
    """Mean over all numbers."""

    full_state_update = False
    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.total: Tensor
        self.count: Tensor

    def update(self, outputs_NV: Tensor, targets_NV: Tensor) -> None:
        self.total += (outputs_NV - targets_NV).square().sum().double()
        self.count += targets_NV.numel()

    def compute(self) -> Tensor:
        return self.total / self.count


class Wave(Task):
    """Many to one, numbers: the next four steps of a noisy wave of period eight, by copying the last. No mistake."""

    shape = "many_to_one"

    def describe(self) -> Spec:
        return Spec(
            inputs=Reals(1),
            targets=Reals(4),
            metric="mse",
            direction="min",
            chance=0.02,  # twice the variance of the noise
            dataset="wave",
            setting="4",
            causal=True,
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        generator = np.random.default_rng(3)
        wave = np.sin(np.arange(400) * np.pi / 4) + 0.1 * generator.normal(size=400)
        windows = np.lib.stride_tricks.sliding_window_view(wave.astype(np.float32), 16)
        parts = {"train": windows[:250], "validation": windows[270:300], "test": windows[320:]}
        return {name: self.split(part) for name, part in parts.items()}

    def split(self, part: np.ndarray) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": part[:, :12], "targets": part[:, 12:]})

    def metrics(self) -> Mapping[str, Metric]:
        return {"mse": Squares()}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        rows = zip(batch.inputs, prediction.outputs, strict=True)
        return [Sample(str(row.flatten().tolist()), str(said.tolist())) for row, said in rows]


class Drift(Wave):
    """Aligned, numbers, one unbroken stream: the wave's next value; by copying, the first ones unknown. No mistake."""

    shape = "many_to_many_aligned"
    stream = True

    def describe(self) -> Spec:
        return dataclasses.replace(super().describe(), targets=Reals(1), start=0, chance=0.04)

    def splits(self) -> Mapping[str, datasets.Dataset]:
        generator = np.random.default_rng(4)
        wave = np.sin(np.arange(900) * np.pi / 4) + 0.1 * generator.normal(size=900)
        parts = np.split(wave.astype(np.float32), [500, 700])
        return {name: datasets.Dataset.from_dict({"inputs": [part]}) for name, part in zip(ROWS, parts, strict=True)}
