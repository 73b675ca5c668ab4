"""Matrix products, by the fastest way that torch has.

On a CPU torch leaves products in float32 to MKL, which on AMD reaches less than half of what oneDNN does (90 against
210 GFLOP/s on the EPYC where both were measured). `torch.nn.LSTM` uses oneDNN, and so does this, through the operator
that torch's own compiler emits. A call of it takes some ten microseconds more, hence the least size; and rows that lie
apart in memory take a hundred times as long, hence the copies.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEAST = 2**20
"""Multiplications from which on oneDNN is the faster."""

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")


class Linear(nn.Linear):
    """`torch.nn.Linear` by the function `linear`, for the product that stands before a recurrence."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """W x + b."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """W x + b for each row of x, with gradients: `torch.nn.functional.linear`, faster.

    Args:
        x: [..., I].
        w: [O, I].
        b: [O].
    """
    rows = x.reshape(-1, x.shape[-1]).contiguous()
    if not _suits_onednn(rows, len(w)) or torch.is_autocast_enabled("cpu"):
        return torch.nn.functional.linear(x, w, b)
    y = _Linear.apply(rows, w, b)
    assert isinstance(y, Tensor)
    return y.view(*x.shape[:-1], len(w))


class Weight:
    """A matrix that multiplies step after step: brought into oneDNN's layout once, where that is used.

    Args:
        w: [O, I], or [heads, O, I].
        rows: how many are multiplied at a time.
    """

    def __init__(self, w: Tensor, rows: int) -> None:
        self.transposed = w.mT
        suits = w.dim() == 2 and _suits_onednn(w, rows)
        self.packed = torch.ops.mkldnn._reorder_linear_weight(w, rows) if suits else None

    def times(self, x: Tensor) -> Tensor:
        """W x for each row of x, [N, I] or [heads, N, I]; without gradients."""
        return x @ self.transposed if self.packed is None else _onednn(x, self.packed)

    def add_times(self, plus: Tensor, x: Tensor, out: Tensor) -> None:
        """Writes plus + W x for each row of x."""
        if self.packed is not None:
            torch.add(plus, _onednn(x, self.packed), out=out)
        elif x.dim() == 3:
            torch.baddbmm(plus, x, self.transposed, out=out)
        else:
            torch.addmm(plus, x, self.transposed, out=out)


def weight_gradient(d: Tensor, x: Tensor) -> Tensor:
    """The gradient of W in y = W x, all steps and rows together.

    Args:
        d: that of y, [T, B, O]; or [T, heads, B, O], where each head has a weight of its own.
        x: [T, B, I], or [T, heads, B, I].
    """
    d, x = (tensor.movedim(0, -3).flatten(-3, -2) for tensor in (d, x))
    if _suits_onednn(x, d.shape[-1]):
        # It copies its first factor: the smaller one.
        return _onednn(d.t(), x.t()) if d.shape[-1] < x.shape[-1] else _onednn(x.t(), d.t()).t()
    return d.mT @ x


def _suits_onednn(x: Tensor, columns: int) -> bool:
    return ONEDNN and x.numel() * columns >= LEAST and x.dim() == 2 and x.dtype is torch.float32 and x.is_cpu


def _onednn(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, w, b, "none", [], "")


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, w)
        return _onednn(x, w, b)

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        d = gradients[0].contiguous()
        needs_x, needs_w, needs_b = ctx.needs_input_grad
        grad_x = _onednn(d, w.t()) if needs_x else None
        grad_w = weight_gradient(d[None], x[None]) if needs_w else None
        return grad_x, grad_w, d.sum(0) if needs_b else None
