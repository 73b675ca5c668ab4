"""Checks that nothing reaches an output but its own row's past: no future, no other row, no padding.

B rows, T time steps, I input size, O output size.
"""

import torch

from rnnbench.backbone import detach, tensors
from rnnbench.testing.check import ContractError, Make, after, hidden
from rnnbench.testing.probe import EXACT, LONG, build, difference, gradients_of, inputs, weighted
from rnnbench.testing.purity import PURE

__tracebackhide__ = hidden


@after(*PURE)
def is_causal(make: Make) -> None:
    """The gradient of an output with respect to every later input is zero, exactly."""
    backbone, x_BTI, t = build(make), inputs(LONG).requires_grad_(), LONG // 2
    y_BTO, _ = backbone(x_BTI)
    (gradient,) = gradients_of(y_BTO[:, t].sum(), [x_BTI])
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


@after(*PURE)
def rows_are_independent(make: Make) -> None:
    """No row's outputs or state depend on another row: gradients are zero, exactly, and a row alone gives the same."""
    backbone, x_BTI = build(make), inputs().requires_grad_()
    y_BTO, state = backbone(x_BTI)
    guess = "is something normalised or summed over the batch, or is batch not the first dimension of the state?"
    (gradient,) = gradients_of(weighted(y_BTO[1], [tensor[1] for tensor in tensors(state)]), [x_BTI])
    if gradient is not None and gradient[[0, 2]].count_nonzero():
        size = float(gradient[[0, 2]].abs().max())
        raise ContractError(f"a row depends on another (gradient {size:.0e}): {guess}")
    with torch.no_grad():
        size = difference(backbone(x_BTI[1:2])[0], y_BTO[1:2])
    if size > EXACT:
        raise ContractError(f"a row alone differs by {size:.0e} from the same row in a batch: {guess}")


@after(*PURE, is_causal, rows_are_independent)
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


@after(*PURE)
def detach_cuts(make: Make) -> None:
    """`rnnbench.backbone.detach` cuts a chunk off from the one before: no gradient flows between them."""
    backbone, before = build(make), inputs().requires_grad_()
    _, state = backbone(before)
    y_BTO, _ = backbone(inputs(seed=3), detach(state))
    (gradient,) = gradients_of(y_BTO.sum(), [before])
    if gradient is not None:
        size = float(gradient.abs().max())
        raise ContractError(
            f"a gradient ({size:.0e}) flows past a detached state: is something kept on the module, or in an "
            "object of the state that is no tuple, list, dict or tensor?"
        )


INDEPENDENT = (*PURE, is_causal, rows_are_independent, padding_changes_nothing_before_it)
