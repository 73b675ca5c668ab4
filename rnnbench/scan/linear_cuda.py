"""The linear recurrence on a CUDA device, in Triton; `rnnbench.scan.linear` is the reference and says when it is used.

A program goes through time with its channels' state in registers, in float32 whatever the type of the tensors. Where
there are fewer channels than the device has room for, time is cut into chunks: a first pass sums each chunk up as
h -> P h + E, a scan over these few finds the state that each chunk begins with, and the chunks then run side by side.

T time steps, C chunks, N channels (all other axes as one).
"""

# Triton makes plain numbers of a call into its constexpr, and of a kernel with [] one for a grid.
# pyright: reportArgumentType=false, reportIndexIssue=false

from typing import Any

import torch
import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 128
"""Channels of a program."""
PROGRAMS_PER_PROCESSOR = 4
SHORTEST_CHUNK = 32


@triton.jit
def _scan_kernel(a, b, start, states, steps, width, length, BLOCK: tl.constexpr):
    """From the first step to the last: h = a h + b, h from `start` [C, N] on."""
    chunk = tl.program_id(1).to(tl.int64)
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < width
    h = tl.load(start + chunk * width + channel, mask=inside, other=0.0)
    place = chunk * length * width + channel
    for _ in range(min(length, steps - tl.program_id(1) * length)):
        a_t = tl.load(a + place, mask=inside, other=0.0).to(tl.float32)
        h = a_t * h + tl.load(b + place, mask=inside, other=0.0).to(tl.float32)
        tl.store(states + place, h.to(states.dtype.element_ty), mask=inside)
        place += width


@triton.jit
def _gradient_kernel(a, outer, before, start, grad_a, grad_b, steps, width, length, BLOCK: tl.constexpr):
    """From the last step to the first: g = outer + m, da = h_{t-1} g, db = g, m = a g; m from `start` [C, N] on."""
    chunk = tl.program_id(1).to(tl.int64)
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < width
    here = min(length, steps - tl.program_id(1) * length)
    m = tl.load(start + chunk * width + channel, mask=inside, other=0.0)
    place = (chunk * length + here - 1) * width + channel
    for _ in range(here):
        g = tl.load(outer + place, mask=inside, other=0.0).to(tl.float32) + m
        h = tl.load(before + place, mask=inside, other=0.0).to(tl.float32)
        tl.store(grad_b + place, g.to(grad_b.dtype.element_ty), mask=inside)
        tl.store(grad_a + place, (h * g).to(grad_a.dtype.element_ty), mask=inside)
        m = tl.load(a + place, mask=inside, other=0.0).to(tl.float32) * g
        place -= width


@triton.jit
def _summary_kernel(a, b, product, end, steps, width, length, BACKWARDS: tl.constexpr, BLOCK: tl.constexpr):
    """Of each chunk the P and E [C, N] of h -> P h + E, or of m -> P m + E when read backwards."""
    chunk = tl.program_id(1).to(tl.int64)
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < width
    here = min(length, steps - tl.program_id(1) * length)
    p = tl.full((BLOCK,), 1.0, tl.float32)
    e = tl.zeros((BLOCK,), tl.float32)
    place = chunk * length * width + channel
    if BACKWARDS:
        place += (here - 1) * width
    for _ in range(here):
        a_t = tl.load(a + place, mask=inside, other=0.0).to(tl.float32)
        b_t = tl.load(b + place, mask=inside, other=0.0).to(tl.float32)
        p *= a_t
        if BACKWARDS:
            e = a_t * (b_t + e)
            place -= width
        else:
            e = a_t * e + b_t
            place += width
    tl.store(product + chunk * width + channel, p, mask=inside)
    tl.store(end + chunk * width + channel, e, mask=inside)


def triton_scan(a: Tensor, b: Tensor, h: Tensor, chunk: int | None = None) -> Tensor:
    """As `linear_scan`, for real `a` and `b` of one type, float32 or half.

    Args:
        a: factors [T, ...] or [...].
        b: inputs [T, ...].
        h: the state before the first step, [...].
        chunk: steps of a chunk; None chooses for the device.
    """
    chunk = chunk or _chunk(b)
    channels = b[0].numel()
    flat = (
        part.expand(shape).reshape(-1, channels)
        for part, shape in ((a, b.shape), (b, b.shape), (h.float(), b.shape[1:]))
    )
    states = _TritonScan.apply(*flat, chunk)
    assert isinstance(states, Tensor)
    return states.view(b.shape)


class _TritonScan(torch.autograd.Function):
    """As `linear._LinearScan`, with m_t = a_t g_t, which is what a step hands to the one before it."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor, chunk: int) -> Tensor:
        a, b, h = a.contiguous(), b.contiguous(), h[0].contiguous()
        states = _states(a, b, _starts(a, b, h, chunk, backwards=False), chunk)
        ctx.chunk = chunk
        ctx.save_for_backward(a, h, states)
        return states

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        a, h, states = ctx.saved_tensors
        outer = gradients[0].contiguous()
        before = torch.cat([h[None].to(states.dtype), states[:-1]])
        grad_a, grad_b = torch.empty_like(a), torch.empty_like(outer)
        starts = _starts(a, outer, torch.zeros_like(h), ctx.chunk, backwards=True)
        run, (steps, width) = _gradient_kernel[_grid(outer, ctx.chunk)], outer.shape
        run(a, outer, before, starts, grad_a, grad_b, steps, width, ctx.chunk, BLOCK=BLOCK)
        return grad_a, grad_b, a[:1].float() * grad_b[:1].float(), None


def _states(a: Tensor, b: Tensor, starts: Tensor, chunk: int) -> Tensor:
    states = torch.empty_like(b)
    steps, width = b.shape
    _scan_kernel[_grid(b, chunk)](a, b, starts, states, steps, width, chunk, BLOCK=BLOCK)
    return states


def _starts(a: Tensor, b: Tensor, first: Tensor, chunk: int, *, backwards: bool) -> Tensor:
    """What each chunk begins with, [C, N]; backwards, the last one begins with `first`."""
    chunks = triton.cdiv(len(b), chunk)
    if chunks == 1:
        return first[None]
    steps, width = b.shape
    product, end = torch.empty(2, chunks, width, dtype=torch.float32, device=b.device)
    run = _summary_kernel[_grid(b, chunk)]
    run(a, b, product, end, steps, width, chunk, BACKWARDS=backwards, BLOCK=BLOCK)
    if backwards:
        product, end = product.flip(0), end.flip(0)
    starts = torch.cat([first[None], _states(product, end, first[None], chunks)[:-1]])
    return starts.flip(0) if backwards else starts


def _grid(b: Tensor, chunk: int) -> tuple[int, int]:
    return triton.cdiv(b.shape[1], BLOCK), triton.cdiv(b.shape[0], chunk)


def _chunk(b: Tensor) -> int:
    """One chunk where the channels alone fill the device; else as many as it has room for."""
    room = PROGRAMS_PER_PROCESSOR * torch.cuda.get_device_properties(b.device).multi_processor_count
    wanted = max(1, room // triton.cdiv(b[0].numel(), BLOCK))
    return max(SHORTEST_CHUNK, triton.cdiv(len(b), wanted))
