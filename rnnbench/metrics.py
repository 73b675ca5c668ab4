"""Metrics that torchmetrics lacks or computes in another way.

Each holds sums and counts, so that it is exact however the data is cut into batches.
"""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchmetrics import Metric

Unit = Literal["nats", "bits", "perplexity"]


class Mean(Metric):
    """Mean of batch means by their counts, in float64. A NaN shows; torchmetrics' own drops it, or else the weights."""

    full_state_update = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.total: Tensor
        self.count: Tensor

    def update(self, mean: Tensor, count: int) -> None:
        """Adds `count` values of a mean, a scalar."""
        self.total += mean.double() * count
        self.count += count

    def compute(self) -> Tensor:
        """The mean of all values."""
        return self.total / self.count


class RowMetric(Metric):
    """A metric over rows, such as the mean over pieces of a piece's mean.

    It is updated with whole padded rows: outputs [B, T, V], targets [B, T] or [B, T, V], and their mask [B, T].
    """


class CrossEntropy(Metric):
    """Mean of -log p(target) over every target seen, summed in float64.

    Args:
        unit: "nats" or "bits" a target, or "perplexity", e to the nats.
    """

    higher_is_better = False
    full_state_update = False

    def __init__(self, unit: Unit, **options: Any) -> None:
        super().__init__(**options)
        self.unit = unit
        self.add_state("nats", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.nats: Tensor
        self.count: Tensor

    def update(self, outputs_NV: Tensor, targets_N: Tensor) -> None:
        """Adds N targets: `outputs_NV` are logits, `targets_N` class numbers."""
        self.nats += nn.functional.cross_entropy(outputs_NV.float(), targets_N, reduction="sum").double()
        self.count += len(targets_N)

    def compute(self) -> Tensor:
        """The mean in `unit`."""
        mean = self.nats / self.count
        if self.unit == "perplexity":
            return mean.exp()
        return mean / math.log(2) if self.unit == "bits" else mean
