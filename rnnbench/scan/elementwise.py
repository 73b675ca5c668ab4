"""Recurrences that are not linear, but have no product in the loop: a unit of the state sees its own past only.

The states come from the plain loop, without a graph. Once they are known, many steps can be looked at together: one
call of the step function on all of them gives what their gradients need and, since it is elementwise, the derivatives
of each state by the one before as vectors. So the only loop of the backward is a linear one, as in
`rnnbench.scan.linear`, whatever the cell. A block of steps at a time keeps all of that in the cache.

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

BLOCK = 32
"""Steps that the backward looks at together."""


def elementwise_scan(step: Step, inputs: Parts, state: Parts, weights: Parts = ()) -> tuple[Tensor, ...]:
    """All states of s_t = step(x_t, s_{t-1}, w). The last one is the state to carry on.

    Half precision is carried in float32.

    Args:
        step: the recurrence. It is called with one step, [...], and with many, [steps, ...], and must mean the same
            both ways: no reduction, no product over units, no randomness, nothing in place.
        inputs: what the steps read, each [T, ...], T >= 1, such as [T, B, H]. Time comes first.
        state: the K parts of the state before the first step, each [...], all of one shape.
        weights: what else has gradients, such as [H]; broadcast to the state.

    Returns:
        The K parts of the states, each [T, ...], of the type of the state.
    """
    kind = state[0].dtype
    tensors = [part.float() if part.dtype in HALF else part for part in (*inputs, *state, *weights)]
    states = _ElementwiseScan.apply(step, (len(inputs), len(state)), *tensors)
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
        inputs, first, weights = _split(tensors, ctx.counts)
        grad_inputs = [torch.empty_like(part) for part in inputs]
        grad_weights = [torch.zeros_like(part) for part in weights]
        after = [torch.zeros_like(part) for part in first]
        for begin in range((len(states[0]) - 1) // BLOCK * BLOCK, -1, -BLOCK):
            block = slice(begin, begin + BLOCK)
            here = [part[block] for part in inputs]
            past = [_delayed(start, part, block) for start, part in zip(first, states, strict=True)]
            outer = [part[block] for part in gradients]
            for_inputs, after, for_weights = _block_gradients(ctx.step, here, past, weights, outer, after)
            for total, part in zip(grad_inputs, for_inputs, strict=True):
                total[block] = part
            for total, part in zip(grad_weights, for_weights, strict=True):
                total += part
        return None, None, *grad_inputs, *after, *grad_weights


def _split(tensors: Parts, counts: tuple[int, int]) -> tuple[Parts, Parts, Parts]:
    inputs, parts = counts
    return tensors[:inputs], tensors[inputs : inputs + parts], tensors[inputs + parts :]


def _delayed(first: Tensor, states: Tensor, block: slice) -> Tensor:
    """The states before those of the block."""
    if block.start:
        return states[block.start - 1 : min(block.stop, len(states)) - 1]
    return torch.cat([first[None], states[: min(block.stop, len(states)) - 1]])


def _block_gradients(
    step: Step, inputs: Parts, past: Parts, weights: Parts, outer: Parts, after: Parts
) -> tuple[Parts, Parts, Parts]:
    """The gradients of a block's inputs, of the state before it, and of the weights.

    Args:
        step: the recurrence.
        inputs: those of the block's steps.
        past: the states before each of them.
        weights: those of `step`.
        outer: what reaches the block's states from outside.
        after: what reaches the last of them from the block after it.
    """
    with torch.enable_grad():
        inputs, past, weights = (
            [part.detach().requires_grad_() for part in parts] for parts in (inputs, past, weights)
        )
        values = step(inputs, past, weights)
    slopes = [
        torch.autograd.grad(value, past, torch.ones_like(value), retain_graph=True, allow_unused=True)
        for value in values
    ]
    inner, before = _back_through_time(slopes, outer, after)
    found = torch.autograd.grad(values, [*inputs, *weights], inner, allow_unused=True, materialize_grads=True)
    return found[: len(inputs)], before, found[len(inputs) :]


def _back_through_time(slopes: Sequence[Sequence[Tensor | None]], outer: Parts, after: Parts) -> tuple[Parts, Parts]:
    """The gradients g of all states of a block, and what reaches the one before the first."""
    inner = [part.clone(memory_format=torch.contiguous_format) for part in outer]
    for part, last in zip(inner, after, strict=True):
        part[-1] += last
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
