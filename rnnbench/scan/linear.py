"""The linear recurrence, h_t = a_t h_{t-1} + b_t, elementwise, real or complex.

One autograd function with a fused multiply-add a step, in place of a graph of T small nodes. Prefix-sum forms (Martin &
Cundy 2018, arXiv 1709.04057) do more work, and log-space ones lose digits; on a CPU both are slower.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


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
    working = torch.float32 if kind in (torch.float16, torch.bfloat16) else kind
    h = torch.zeros_like(b[0], dtype=working) if h is None else h.to(working)
    states = _LinearScan.apply(a.to(working), b.to(working), h)
    assert isinstance(states, Tensor)
    return states.to(kind)


class _LinearScan(torch.autograd.Function):
    """With g_t = dL/dh_t + conj(a_{t+1}) g_{t+1}: db_t = g_t, da_t = conj(h_{t-1}) g_t, dh_0 = conj(a_1) g_1."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        states = torch.empty_like(b, memory_format=torch.contiguous_format)
        before = h
        for a_t, b_t, h_t in zip(_steps(a, b), b.unbind(), states.unbind(), strict=True):
            torch.addcmul(b_t, a_t, before, out=h_t)
            before = h_t
        ctx.save_for_backward(a, h, states)
        return states

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        a, h, states = ctx.saved_tensors
        (outer,) = gradients
        factors = _steps(a.conj().resolve_conj(), states)
        inner = torch.empty_like(states)
        after = inner[-1].copy_(outer[-1])
        for a_t, outer_t, g_t in zip(factors[:0:-1], outer.unbind()[-2::-1], inner.unbind()[-2::-1], strict=True):
            torch.addcmul(outer_t, a_t, after, out=g_t)
            after = g_t
        grad_a = grad_h = None
        if ctx.needs_input_grad[0]:
            grad_a = _gradient_of_factors(a, h, states, inner)
        if ctx.needs_input_grad[2]:
            grad_h = (factors[0] * after).sum_to_size(h.shape)
        return grad_a, inner, grad_h


def _steps(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return a.unbind() if a.dim() == b.dim() else (a,) * len(b)


def _gradient_of_factors(a: Tensor, h: Tensor, states: Tensor, inner: Tensor) -> Tensor:
    gradient = torch.empty_like(inner)
    torch.mul(states[:-1].conj(), inner[1:], out=gradient[1:])
    torch.mul(h.conj(), inner[0], out=gradient[0])
    return gradient.sum_to_size(a.shape)
