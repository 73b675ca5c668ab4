"""Checks of how outputs follow from inputs in time: step and forward, chunks, past and future, rows.

B rows, T time steps, I input size, O output size.
"""

import torch
from torch import Tensor

from rnnbench.backbone import Backbone, State, detach, tensors
from rnnbench.testing.probe import (
    BATCH,
    CUT,
    INPUTS,
    LONG,
    STEPS,
    ContractError,
    Make,
    build,
    difference,
    first_difference,
    hidden,
    inputs,
    loop,
)

__tracebackhide__ = hidden
EXACT = 1e-10  # in float64


def gives_what_it_says(make: Make) -> None:
    """Outputs are [B, T, `output_size`] from forward and [B, `output_size`] from step."""
    backbone = build(make)
    with torch.no_grad():
        y_BTO, _ = backbone(inputs())
        y_BO, _ = backbone.step(inputs()[:, 0], backbone.initial_state(BATCH))
    size = backbone.output_size
    if y_BTO.shape == (STEPS, BATCH, size):
        raise ContractError(f"forward gives [T, B, O] = {list(y_BTO.shape)}: is a transpose(0, 1) missing at its end?")
    for name, found, expected in (("forward", y_BTO, [BATCH, STEPS, size]), ("step", y_BO, [BATCH, size])):
        if list(found.shape) != expected:
            guess = "is output_size set to what comes out?" if found.shape[-1] != size else "is a dimension lost?"
            raise ContractError(f"{name} gives {list(found.shape)}, expected {expected} by its output_size: {guess}")


def step_equals_forward(make: Make) -> None:
    """In float32, to 1e-5."""
    _same_as_loop(make, torch.float32, 1e-5)


def step_equals_forward_in_float64(make: Make) -> None:
    """In float64, to 1e-10."""
    _same_as_loop(make, torch.float64, EXACT)


def _same_as_loop(make: Make, dtype: torch.dtype, tolerance: float) -> None:
    backbone, x_BTI = build(make, dtype), inputs(LONG, dtype)
    with torch.no_grad():
        fast, slow = backbone(x_BTI), loop(backbone, x_BTI)
    found = first_difference(fast[0], slow[0], tolerance)
    if found:
        t, size = found
        raise ContractError(f"forward differs from step by {size:.0e} at t={t}: {_guess(make, backbone, x_BTI, t)}")
    _same_state("forward", fast[1], slow[1], tolerance, "does forward return the state after the last step?")


def _guess(make: Make, backbone: Backbone, x_BTI: Tensor, t: int) -> str:
    if _reads_on(backbone, x_BTI):
        return "does it see later steps? (is_causal)"
    if x_BTI.dtype != torch.float64 and _agree_in_float64(make):
        return "in float64 they agree: is it rounding, such as an exp or a division of large numbers?"
    if t == 0:
        return "is a bias, a gate or an activation of the formula missing in one of them?"
    if t % 8 == 0:
        return f"is what crosses the border of a chunk of {t} steps wrong?"
    return "is the state carried from step to step as the formula says?"


def _reads_on(backbone: Backbone, x_BTI: Tensor) -> bool:
    with torch.no_grad():
        return difference(backbone(x_BTI[:, :1])[0], backbone(x_BTI)[0][:, :1]) > 1e-4


def _agree_in_float64(make: Make) -> bool:
    backbone, x_BTI = build(make), inputs(LONG)
    with torch.no_grad():
        return difference(backbone(x_BTI)[0], loop(backbone, x_BTI)[0]) < EXACT


def _same_state(who: str, found: State, expected: State, tolerance: float, guess: str) -> None:
    for index, (ours, theirs) in enumerate(zip(tensors(found), tensors(expected), strict=False)):
        size = difference(ours, theirs) if ours.shape == theirs.shape else torch.inf
        if size > tolerance:
            where = f" in tensor {index}" if len(tensors(expected)) > 1 else ""
            raise ContractError(f"the last state of {who} differs by {size:.0e}{where}, its outputs agree: {guess}")


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


def is_causal(make: Make) -> None:
    """The gradient of an output with respect to every later input is zero, exactly."""
    backbone, x_BTI, t = build(make), inputs(LONG).requires_grad_(), LONG // 2
    y_BTO, _ = backbone(x_BTI)
    (gradient,) = torch.autograd.grad(y_BTO[:, t].sum(), x_BTI, allow_unused=True)
    if gradient is None:
        return
    later = gradient[:, t + 1 :]
    if later.count_nonzero():
        near = t + 1 + int(later.abs().amax((0, 2)).nonzero()[0])
        size = float(later.abs().max())
        guess = "is something summed, normalised or transformed over the whole of time?"
        if near == t + 1 and not later[:, 1:].count_nonzero():
            guess = "is a window or a shift off by one step?"
        raise ContractError(f"the output at t={t} depends on the input at t={near} (gradient {size:.0e}): {guess}")


def rows_are_independent(make: Make) -> None:
    """No row's outputs or state depend on another row: gradients are zero, exactly, and a row alone gives the same."""
    backbone, x_BTI = build(make), inputs().requires_grad_()
    y_BTO, state = backbone(x_BTI)
    parts = [part[1] for part in [y_BTO, *tensors(state)] if part.requires_grad]
    total = sum(torch.view_as_real(part).sum() if part.is_complex() else part.sum() for part in parts)
    guess = "is something normalised or summed over the batch, or is batch not the first dimension of the state?"
    if isinstance(total, Tensor):
        (gradient,) = torch.autograd.grad(total, x_BTI, allow_unused=True)
        others = x_BTI.new_zeros(1) if gradient is None else gradient[[0, 2]]
        if others.count_nonzero():
            size = float(others.abs().max())
            raise ContractError(f"a row depends on another (gradient {size:.0e}): {guess}")
    with torch.no_grad():
        size = difference(backbone(x_BTI[1:2])[0], y_BTO[1:2])
    if size > EXACT:
        raise ContractError(f"a row alone differs by {size:.0e} from the same row in a batch: {guess}")


def padding_changes_nothing_before_it(make: Make) -> None:
    """Neither what stands after a row's end nor how much of it changes the outputs before."""
    backbone, x_BTI = build(make), inputs(LONG)
    lengths = (LONG - 1, 34, 1)
    noisy = inputs(LONG, scale=100.0, seed=3)
    for row, length in enumerate(lengths):
        noisy[row, :length] = x_BTI[row, :length]
    with torch.no_grad():
        clean, padded = backbone(x_BTI)[0], backbone(noisy)[0]
        for row, length in enumerate(lengths):
            alone = backbone(x_BTI[:, :length])[0][row]
            size = difference(padded[row, :length], clean[row, :length])
            if size > EXACT:
                raise ContractError(
                    f"what follows the end of a row at t={length} changes outputs before by {size:.0e}: "
                    "is something scaled or normalised by all of time?"
                )
            size = difference(alone, clean[row, :length])
            if size > EXACT:
                raise ContractError(
                    f"outputs change by {size:.0e} where {length} steps are read instead of {LONG}: "
                    "does the length or its remainder by a chunk matter?"
                )


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


def detach_cuts(make: Make) -> None:
    """`rnnbench.backbone.detach` cuts a chunk off from the one before: no gradient flows between them."""
    backbone, before = build(make), inputs().requires_grad_()
    _, state = backbone(before)
    y_BTO, _ = backbone(inputs(seed=3), detach(state))
    if y_BTO.requires_grad:
        (gradient,) = torch.autograd.grad(y_BTO.sum(), before, allow_unused=True)
        if gradient is not None:
            size = float(gradient.abs().max())
            raise ContractError(
                f"a gradient ({size:.0e}) flows past a detached state: is something kept on the module, or in an "
                "object of the state that is no tuple, list, dict or tensor?"
            )
