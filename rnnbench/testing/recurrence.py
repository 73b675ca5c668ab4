"""Checks that there is one recurrence, however it is run: by step, by forward, in chunks, in one step.

B rows, T time steps, I input size, O output size.
"""

import torch

from rnnbench.backbone import State, tensors
from rnnbench.testing.check import ContractError, Make, after, hidden
from rnnbench.testing.independence import INDEPENDENT
from rnnbench.testing.probe import (
    BATCH,
    CUT,
    EXACT,
    INPUTS,
    LONG,
    STEPS,
    build,
    difference,
    first_difference,
    inputs,
    loop,
)

__tracebackhide__ = hidden


@after(*INDEPENDENT)
def none_is_the_initial_state(make: Make) -> None:
    """A state of None and `initial_state` give the same outputs."""
    backbone = build(make)
    with torch.no_grad():
        given, _ = backbone(inputs(), backbone.initial_state(BATCH))
        size = difference(backbone(inputs())[0], given)
    if size > EXACT:
        raise ContractError(
            f"forward without a state differs by {size:.0e} from initial_state: does it begin elsewhere?"
        )


@after(*INDEPENDENT, none_is_the_initial_state)
def step_equals_forward_in_float64(make: Make) -> None:
    """In float64, to 1e-10."""
    _same_as_loop(make, torch.float64, EXACT, LONG)


@after(*INDEPENDENT, none_is_the_initial_state, step_equals_forward_in_float64)
def step_equals_forward(make: Make) -> None:
    """In float32, to 1e-5 over few steps; to 1e-4 over many, through which rounding grows."""
    _same_as_loop(make, torch.float32, 1e-5, STEPS)
    _same_as_loop(make, torch.float32, 1e-4, LONG)


def _same_as_loop(make: Make, dtype: torch.dtype, tolerance: float, steps: int) -> None:
    backbone, x_BTI = build(make, dtype), inputs(steps, dtype)
    with torch.no_grad():
        fast, slow = backbone(x_BTI), loop(backbone, x_BTI)
    found = first_difference(fast[0], slow[0], tolerance)
    if found:
        t, size = found
        raise ContractError(f"forward differs from step by {size:.0e} at t={t}: {_guess(dtype, t)}")
    _same_state("forward", fast[1], slow[1], tolerance, "does forward return the state after the last step?")


def _guess(dtype: torch.dtype, t: int) -> str:
    if dtype != torch.float64:
        return "in float64 they agree: is it rounding, such as an exp or a division of large numbers?"
    if t == 0:
        return "is a bias, a gate or an activation of the formula missing in one of them?"
    if t % 8 == 0:
        return f"is what crosses the border of a chunk of {t} steps wrong?"
    return "is the state carried from step to step as the formula says?"


def _same_state(who: str, found: State, expected: State, tolerance: float, guess: str) -> None:
    for index, (ours, theirs) in enumerate(zip(tensors(found), tensors(expected), strict=False)):
        size = difference(ours, theirs) if ours.shape == theirs.shape else torch.inf
        if size > tolerance:
            where = f" in tensor {index}" if len(tensors(expected)) > 1 else ""
            raise ContractError(f"the last state of {who} differs by {size:.0e}{where}, its outputs agree: {guess}")


@after(*INDEPENDENT, step_equals_forward_in_float64)
def chunks_equal_the_whole(make: Make) -> None:
    """Two uneven halves, the state carried from one to the other, give the outputs and the state of the whole."""
    backbone, x_BTI = build(make), inputs(LONG)
    with torch.no_grad():
        whole, last = backbone(x_BTI)
        first, state = backbone(x_BTI[:, :CUT])
        second, carried = backbone(x_BTI[:, CUT:], state)
        found = first_difference(torch.cat([first, second], 1), whole, EXACT)
        forgets = difference(second, backbone(x_BTI[:, CUT:])[0]) < EXACT
    if found:
        t, size = found
        guess = "is the returned state not that after the last step?"
        if t < CUT:
            guess = "does what comes later change it? (is_causal)"
        elif forgets:
            guess = "is the state of the previous chunk ignored?"
        raise ContractError(f"two chunks differ from the whole by {size:.0e} at t={t} (cut at {CUT}): {guess}")
    _same_state("two chunks", carried, last, EXACT, "is a part of the state not carried on?")


@after(*INDEPENDENT, step_equals_forward_in_float64)
def takes_one_step_and_one_row(make: Make) -> None:
    """A single row, a single step, and both."""
    backbone = build(make)
    with torch.no_grad():
        for rows, steps in ((1, 1), (1, STEPS), (BATCH, 1)):
            x_BTI = inputs()[:rows, :steps]
            (found, state), (expected, after) = backbone(x_BTI), loop(backbone, x_BTI)
            shapes = [tensor.shape for tensor in tensors(state)]
            guess = "is a dimension of size one squeezed away or broadcast?"
            if found.shape != expected.shape or shapes != [tensor.shape for tensor in tensors(after)]:
                raise ContractError(
                    f"inputs {[rows, steps, INPUTS]} give outputs {list(found.shape)} and state "
                    f"{[list(shape) for shape in shapes]}: {guess}"
                )
            size = difference(found, expected)
            if size > EXACT:
                raise ContractError(f"inputs {[rows, steps, INPUTS]} differ by {size:.0e} from step: {guess}")


ONE_RECURRENCE = (*INDEPENDENT, step_equals_forward_in_float64, step_equals_forward, chunks_equal_the_whole)
