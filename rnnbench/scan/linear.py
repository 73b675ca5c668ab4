"""The linear recurrence, h_t = a_t h_{t-1} + b_t, elementwise, real or complex.

One autograd function with one multiply-add a step, in place of a graph of T small nodes. Prefix-sum forms (Martin &
Cundy 2018, arXiv 1709.04057) do more work, and log-space ones lose digits; on a CPU both are slower. So are two real
scans in place of a complex one: four multiply-adds instead of one.
"""

from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

HALF = (torch.float16, torch.bfloat16)
untracked = getattr(torch._C, "_AutoDispatchBelowADInplaceOrView", nullcontext)
"""Within it torch keeps no book of views and versions, a seventh of a scan's time: for memory that is still its own."""
Tensors = tuple[Tensor, ...] | list[Tensor]


def linear_scan(a: Tensor, b: Tensor, h: Tensor | None = None) -> Tensor:
    """All states h_1 … h_T of h_t = a_t h_{t-1} + b_t. The last one is the state to carry on.

    Half precision is summed in float32.

    Args:
        a: factors [T, ...], or [...] where they are the same at every step; broadcast to `b`.
        b: inputs [T, ...], T >= 1, such as [T, B, H]. Time comes first: a step is then one piece of memory.
        h: the state before the first step, [...]; None means zeros.

    Returns:
        The states, shaped as `b`, of the type that `a` and `b` have in common.
    """
    kind = torch.promote_types(a.dtype, b.dtype)
    h = torch.zeros_like(b[0], dtype=kind) if h is None else h
    if linear_path(b, kind) == "triton":
        from rnnbench.scan.linear_cuda import triton_scan

        return triton_scan(a.to(kind), b.to(kind), h)
    working = torch.float32 if kind in HALF else kind
    states = _LinearScan.apply(a.to(working), b.to(working), h.to(working))
    assert isinstance(states, Tensor)
    return states.to(kind)


def linear_path(b: Tensor, kind: torch.dtype | None = None) -> Literal["triton", "loop"]:
    """What runs a scan over `b`: one fused kernel, or a multiply-add a step.

    Args:
        b: inputs as of `linear_scan`; only their device and type matter.
        kind: the type that `a` and `b` have in common, where it is not that of `b`.
    """
    fits = b.is_cuda and (kind or b.dtype) in (torch.float32, *HALF)
    return "triton" if fits and find_spec("triton") else "loop"


def multiply_add_in_turn(targets: Tensors, factors: Tensors, sources: Tensors) -> None:
    """``target += factor * source`` for each triple, one after the other: a target may be a later triple's source."""
    if targets and targets[0].device.type == "cpu":
        # Here a list operation is a loop without Python's share, a third of the time; elsewhere it has no order.
        torch._foreach_addcmul_(targets, factors, sources)  # pyright: ignore[reportPrivateImportUsage]
        return
    for target, factor, source in zip(targets, factors, sources, strict=True):
        target.addcmul_(factor, source)


class _LinearScan(torch.autograd.Function):
    """With g_t = dL/dh_t + conj(a_{t+1}) g_{t+1}: db_t = g_t, da_t = conj(h_{t-1}) g_t, dh_0 = conj(a_1) g_1."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        states = b.clone(memory_format=torch.contiguous_format)
        with untracked():
            steps = states.unbind()
            ctx.factors = _steps(a, b)  # T views are not free: the backward takes them from here
            multiply_add_in_turn(steps, ctx.factors, (h, *steps[:-1]))
        ctx.save_for_backward(a, h, states)
        return states

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        a, h, states = ctx.saved_tensors
        inner = gradients[0].clone(memory_format=torch.contiguous_format)
        with untracked():
            factors = _steps(a.conj().resolve_conj(), states) if a.is_complex() else ctx.factors
            steps = inner.unbind()
            multiply_add_in_turn(steps[-2::-1], factors[:0:-1], steps[:0:-1])
        grad_a = grad_h = None
        if ctx.needs_input_grad[0]:
            grad_a = _gradient_of_factors(a, h, states, inner)
        if ctx.needs_input_grad[2]:
            grad_h = (factors[0] * steps[0]).sum_to_size(h.shape)
        return grad_a, inner, grad_h


def _steps(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return a.unbind() if a.dim() == b.dim() else (a,) * len(b)


def _gradient_of_factors(a: Tensor, h: Tensor, states: Tensor, inner: Tensor) -> Tensor:
    gradient = torch.empty_like(inner)
    torch.mul(states[:-1].conj(), inner[1:], out=gradient[1:])
    torch.mul(h.conj(), inner[0], out=gradient[0])
    return gradient.sum_to_size(a.shape)
