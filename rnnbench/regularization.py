"""Regularisers of recurrent networks that torch lacks. All but the penalties are random in training and nothing else.

B rows, T time steps, I width, O output size, E embedding size, V words.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


class LockedDropout(nn.Module):
    """Variational dropout: a mask a row, the same at every step of a chunk (Gal & Ghahramani 2016, 1512.05287).

    Takes [B, T, I], or one step [B, I], which is a chunk of its own.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Drops elements of `x` and scales the others, in training."""
        if not (self.training and self.probability):
            return x
        mask = torch.ones_like(x[:, :1] if x.dim() == 3 else x)
        return x * nn.functional.dropout(mask, self.probability)


class EmbeddingDropout(nn.Module):
    """Drops whole words: all places of a word within a chunk, in every row (Gal & Ghahramani 2016, 1708.02182 §4.3)."""

    def __init__(self, probability: float, words: int) -> None:
        super().__init__()
        self.probability, self.words = probability, words

    def forward(self, x_BTE: Tensor, tokens_BT: Tensor) -> Tensor:
        """Drops words from the embedded `tokens_BT` and scales the others, in training."""
        if not (self.training and self.probability):
            return x_BTE
        mask_V = nn.functional.dropout(x_BTE.new_ones(self.words), self.probability)
        return x_BTE * mask_V[tokens_BT][..., None]


class ColumnDropout(nn.Module):
    """Drops whole columns of a matrix [..., out, in]: elements of what it multiplies."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, weight: Tensor) -> Tensor:
        """Drops columns and scales the others, in training."""
        mask = torch.ones_like(weight[..., :1, :])
        return weight * nn.functional.dropout(mask, self.probability, self.training)


def run_with_dropped(module: nn.Module, names: Sequence[str], drop: nn.Module, *inputs: Any) -> Any:
    """``module(*inputs)`` with the parameters `names` sent through `drop`; the parameters themselves stay whole."""
    return functional_call(module, {name: drop(attrgetter(name)(module)) for name in names}, inputs)


def activation_penalty(y_BTO: Tensor, mask_BT: Tensor) -> Tensor:
    """Activation regularisation (AR, 1708.01009): the mean square of the unmasked outputs."""
    return _mean(y_BTO.square().mean(-1), mask_BT)


def temporal_penalty(y_BTO: Tensor, mask_BT: Tensor) -> Tensor:
    """Temporal activation regularisation (TAR, 1708.01009): the mean square change between unmasked steps."""
    return _mean((y_BTO[:, 1:] - y_BTO[:, :-1]).square().mean(-1), mask_BT[:, 1:] & mask_BT[:, :-1])


def _mean(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    return torch.where(mask_BT, values_BT, 0.0).sum() / mask_BT.sum().clamp(min=1)
