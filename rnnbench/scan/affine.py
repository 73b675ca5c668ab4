"""The product that stands before a scan, W x + b for all steps at once.

torch gives it to MKL, which on a processor that is not Intel's leaves half of it unused; oneDNN, which torch.nn.LSTM
runs on, does not (measured on one with AVX-512: 160–200 GFLOP/s instead of 75–95).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

FEW = 64
"""Rows below which the call costs more than the product gains."""


def affine(linear: nn.Linear, x: Tensor) -> Tensor:
    """What `linear` gives for `x` [..., I]: [..., O]. By oneDNN where that can be, in float32 on a CPU."""
    if not _fits(linear, x):
        return linear(x)
    y = _Affine.apply(x, linear.weight, linear.bias)
    assert isinstance(y, Tensor)
    return y


def _fits(linear: nn.Linear, x: Tensor) -> bool:
    float32_on_cpu = x.device.type == "cpu" and x.dtype == linear.weight.dtype == torch.float32
    enough = x.numel() >= FEW * x.shape[-1]
    return float32_on_cpu and enough and _has_onednn() and not torch.is_autocast_enabled("cpu")


def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _product(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, w, b, "none", [], "")


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, w)
        return _product(x, w, b)

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        outer = gradients[0].contiguous()
        rows = outer.flatten(end_dim=-2)
        for_x, for_w, for_b = ctx.needs_input_grad
        return (
            _product(outer, w.t()) if for_x else None,
            _product(rows.t(), x.reshape(-1, x.shape[-1]).t()) if for_w else None,
            rows.sum(0) if for_b else None,
        )
