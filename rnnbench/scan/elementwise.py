"""Recurrences that are not linear, but have no product in the loop: a unit of the state sees its own past only.

The states come from the plain loop, without a graph. Once they are known, all steps can be looked at together: one
call of the step function on all of them gives what a step's gradients need and, since it is elementwise, the T
derivatives of a state by the one before as vectors. So the only loop of the backward is a linear one, as in
`rnnbench.scan.linear`, and the gradients of weights are summed once, whatever the cell.

T time steps; K parts of the state: one for a vector, two for position and velocity.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.scan.linear import HALF, multiply_add_in_turn

Parts = Sequence[Tensor]
Step = Callable[[Parts, Parts, Parts], Parts]
"""A step's inputs, the state before it and the weights, to the state after it; elementwise."""


def elementwise_scan(step: Step, inputs: Parts, state: Parts, weights: Parts = ()) -> tuple[Tensor, ...]:
    """All states of s_t = step(x_t, s_{t-1}, w). The last one is the state to carry on.

    Half precision is carried in float32.

    Args:
        step: the recurrence. It is called with one step, [...], and with all of them, [T, ...], and must mean the same
            both ways: no reduction, no product over units, no randomness, nothing in place.
        inputs: what the steps read, each [T, ...], T >= 1, such as [T, B, H]. Time comes first.
        state: the K parts of the state before the first step, each [...], all of one shape.
        weights: what else has gradients, such as [H]; broadcast to the state.

    Returns:
        The K parts of the states, each [T, ...], of the type of the state.
    """
    kind = state[0].dtype
    before = [part.float() if kind in HALF else part for part in state]
    states = _ElementwiseScan.apply(step, (len(inputs), len(state)), *inputs, *before, *weights)
    assert isinstance(states, tuple)
    return tuple(part.to(kind) for part in states)


class _ElementwiseScan(torch.autograd.Function):
    """With J_t[k, j] = ds_t[k] / ds_{t-1}[j] and g_t[j] = dL/ds_t[j] + sum_k J_{t+1}[k, j] g_{t+1}[k].

    Inputs and weights get the gradients that `step` gives them for g; the first state gets sum_k J_1[k, j] g_1[k].
    """

    @staticmethod
    def forward(ctx: Any, step: Step, counts: tuple[int, int], *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, state, weights = _split(tensors, counts)
        states = []
        for inputs_t in zip(*(part.unbind() for part in inputs), strict=True):
            state = step(inputs_t, state, weights)
            states.append(state)
        parts = tuple(torch.stack(part) for part in zip(*states, strict=True))
        ctx.step, ctx.counts = step, counts
        ctx.save_for_backward(*tensors, *parts)
        return parts

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        tensors, states = ctx.saved_tensors[: -len(gradients)], ctx.saved_tensors[-len(gradients) :]
        inputs, state, weights = _split([tensor.detach().requires_grad_() for tensor in tensors], ctx.counts)
        with torch.enable_grad():
            past = [_delay(first.detach(), part).requires_grad_() for first, part in zip(state, states, strict=True)]
            values = ctx.step(inputs, past, weights)
        slopes = [
            torch.autograd.grad(value, past, torch.ones_like(value), retain_graph=True, allow_unused=True)
            for value in values
        ]
        inner, first = _back_through_time(slopes, gradients)
        needed = [*ctx.needs_input_grad[2:][: len(inputs)], *ctx.needs_input_grad[2 + len(inputs) + len(state) :]]
        found = _gradients(values, [*inputs, *weights], needed, inner)
        return None, None, *found[: len(inputs)], *first, *found[len(inputs) :]


def _split(tensors: Parts, counts: tuple[int, int]) -> tuple[Parts, Parts, Parts]:
    inputs, parts = counts
    return tensors[:inputs], tensors[inputs : inputs + parts], tensors[inputs + parts :]


def _delay(first: Tensor, states: Tensor) -> Tensor:
    return torch.cat([first[None], states[:-1]])


def _back_through_time(slopes: Sequence[Sequence[Tensor | None]], outer: Parts) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients g of all states, and of the one before the first."""
    inner = [part.clone(memory_format=torch.contiguous_format) for part in outer]
    first = [torch.zeros_like(part[0]) for part in inner]
    steps = [(start, *part.unbind()) for start, part in zip(first, inner, strict=True)]
    edges = [
        zip(steps[j][-2::-1], slope.unbind()[::-1], steps[k][:0:-1], strict=True)
        for k, row in enumerate(slopes)
        for j, slope in enumerate(row)
        if slope is not None
    ]
    # All edges of the last step, then all of the one before it: a step's gradient is whole before it is passed on.
    turns = [edge for step in zip(*edges, strict=True) for edge in step]
    multiply_add_in_turn([to for to, _, _ in turns], [slope for _, slope, _ in turns], [source for *_, source in turns])
    return inner, first


def _gradients(values: Parts, tensors: Parts, needed: Sequence[bool], outer: Parts) -> list[Tensor | None]:
    wanted = [tensor for tensor, need in zip(tensors, needed, strict=True) if need]
    found = iter(torch.autograd.grad(values, wanted, outer, allow_unused=True) if wanted else ())
    return [next(found) if need else None for need in needed]
