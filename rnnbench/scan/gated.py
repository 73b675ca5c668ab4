"""The linear recurrence of a forget gate, h_t = f_t h_{t-1} + (1 - f_t) v_t, elementwise.

A linear scan with a_t = f_t and b_t = (1 - f_t) v_t; here a step is one interpolation, so that neither 1 - f nor
(1 - f) v passes through memory, nor their gradients.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.scan.linear import HALF, linear_path, linear_scan, multiply_add_in_turn, untracked


def gated_scan(f: Tensor, v: Tensor, h: Tensor | None = None) -> Tensor:
    """All states h_1 … h_T of h_t = f_t h_{t-1} + (1 - f_t) v_t. The last one is the state to carry on.

    Half precision is summed in float32.

    Args:
        f: what is kept, [T, ...], T >= 1, such as [T, B, H]. Time comes first: a step is then one piece of memory.
        v: what comes in its place, shaped as `f`; both are real and of one type.
        h: the state before the first step, [...]; None means zeros.

    Returns:
        The states, shaped as `f`, of its type.
    """
    if linear_path(f) == "triton":
        return linear_scan(f, v - f * v, h)
    working = torch.float32 if f.dtype in HALF else f.dtype
    h = torch.zeros_like(f[0]) if h is None else h
    states = _GatedScan.apply(f.to(working), v.to(working), h.to(working))
    assert isinstance(states, Tensor)
    return states.to(f.dtype)


class _GatedScan(torch.autograd.Function):
    """With g_t = dL/dh_t + f_{t+1} g_{t+1}: df_t = (h_{t-1} - v_t) g_t, dv_t = (1 - f_t) g_t, dh_0 = f_1 g_1."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, v: Tensor, h: Tensor) -> Tensor:
        states = v.clone(memory_format=torch.contiguous_format)
        with untracked():
            steps = states.unbind()
            ctx.factors = f.unbind()  # T views are not free: the backward takes them from here
            _interpolate_in_turn(steps, (h, *steps[:-1]), ctx.factors)
        ctx.save_for_backward(f, v, h, states)
        return states

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        f, v, h, states = ctx.saved_tensors
        inner = gradients[0].clone(memory_format=torch.contiguous_format)
        with untracked():
            steps = inner.unbind()
            multiply_add_in_turn(steps[-2::-1], ctx.factors[:0:-1], steps[:0:-1])
        grad_h = ctx.factors[0] * steps[0]
        grad_f = torch.empty_like(states)
        torch.sub(states[:-1], v[1:], out=grad_f[1:])
        torch.sub(h, v[0], out=grad_f[0])
        return grad_f.mul_(inner), inner.addcmul_(f, inner, value=-1), grad_h


def _interpolate_in_turn(targets: tuple[Tensor, ...], ends: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> None:
    if targets[0].device.type == "cpu":  # as in `multiply_add_in_turn`
        torch._foreach_lerp_(targets, ends, weights)  # pyright: ignore[reportPrivateImportUsage]
        return
    for target, end, weight in zip(targets, ends, weights, strict=True):
        target.lerp_(end, weight)
