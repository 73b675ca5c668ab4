"""Tasks with one mistake each in loss, metrics, direction or chance."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnnbench import Batch, Spec
from rnnbench.metrics import CrossEntropy

from .steps import Drift, Echo, Squares, Wave
from .tokens import Backwards, First, RowNats, said


class OtherLetters(Backwards):
    """Reads targets otherwise than the references are written."""

    def text(self, tokens: Sequence[int]) -> str:
        return "".join("abdc"[token] for token in tokens)


class LossOfRows(First):
    """Forgets the mean."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(outputs, batch.targets, reduction="none")


class LossOfChoice(First):
    """Counts misses."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return (outputs.argmax(-1) != batch.targets).float().mean()


class LossOfNothing(First):
    """Takes the logarithm of zero."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return (outputs * 0).sum().log()


class RoundedLoss(First):
    """Rounds."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return super().loss(outputs.round(), batch)


class MaskedLoss(Echo):
    """Learns from padding."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), batch.targets.flatten())


class UnmaskedRowNats(RowNats):
    def update(self, outputs_BTV: Tensor, targets_BT: Tensor, mask_BT: Tensor) -> None:
        super().update(outputs_BTV, targets_BT, torch.ones_like(mask_BT))


class MaskedMetric(Echo):
    """Scores padding."""

    def metrics(self) -> Mapping[str, Metric]:
        return {"nats": CrossEntropy("nats"), "row_nats": UnmaskedRowNats()}


class MeanOfMeans(Squares):
    def update(self, outputs_NV: Tensor, targets_NV: Tensor) -> None:
        self.total += (outputs_NV - targets_NV).square().mean().double()
        self.count += 1


class BatchMeans(Wave):
    """Averages over batches."""

    def metrics(self) -> Mapping[str, Metric]:
        return {"mse": MeanOfMeans()}


class StreamMeans(Drift):
    """Averages over stretches of a stream."""

    def metrics(self) -> Mapping[str, Metric]:
        return {"mse": MeanOfMeans()}


class OtherDirection(First):
    """Wants little accuracy."""

    describe = said(direction="min")


class Blind(Squares):
    def update(self, outputs_NV: Tensor, targets_NV: Tensor) -> None:
        super().update(targets_NV, targets_NV)


class BlindMetric(Wave):
    """Compares targets with themselves."""

    def metrics(self) -> Mapping[str, Metric]:
        return {"mse": Blind()}


class ZeroIsBackground(MulticlassAccuracy):
    def update(self, preds: Tensor, target: Tensor) -> None:
        super().update(preds, torch.where(target == 0, 1, target))


class LostClass(First):
    """Never counts class 0 as right."""

    def metrics(self) -> Mapping[str, Metric]:
        return {"accuracy": ZeroIsBackground(4, average="micro")}


class InPercent(First):
    """Has its chance in percent."""

    describe = said(chance=25.0)


class Modest(First):
    """Has a chance that anyone beats."""

    describe = said(chance=0.01)


class Boastful(Wave):
    """Calls a chance what no copy of the series reaches."""

    def describe(self) -> Spec:
        return dataclasses.replace(super().describe(), chance=0.005)


class Reversed(First):
    """Climbs."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        loss = super().loss(outputs, batch)
        return 2 * loss.detach() - loss
