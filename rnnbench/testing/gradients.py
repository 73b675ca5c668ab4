"""Checks of gradients: of forward against step, against differences, finite and for every parameter.

B rows, T time steps, I input size, O output size.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench.backbone import Backbone, State
from rnnbench.testing.check import ContractError, Make, after, hidden
from rnnbench.testing.independence import INDEPENDENT
from rnnbench.testing.probe import EXACT, LONG, STEPS, build, difference, gradients_of, inputs, loop, weighted
from rnnbench.testing.purity import PURE, same_seed_same_network
from rnnbench.testing.recurrence import ONE_RECURRENCE

__tracebackhide__ = hidden
EPSILON = 1e-6


@after(*PURE)
def every_parameter_has_a_finite_gradient(make: Make) -> None:
    """In training mode, with fresh weights: each parameter that requires a gradient receives one, and it is finite."""
    backbone = build(make, torch.float32, fresh=True).train()
    with torch.random.fork_rng(devices=[]):
        y_BTO, _ = backbone(inputs(dtype=torch.float32))
    named = {name: p for name, p in backbone.named_parameters() if p.requires_grad}
    if not named:
        return
    if not y_BTO.requires_grad:
        raise ContractError("outputs depend on no parameter: are they computed under no_grad, or detached?")
    gradients = gradients_of(weighted(y_BTO, ()), list(named.values()))
    for name, gradient in zip(named, gradients, strict=True):
        if gradient is None:
            raise ContractError(f"'{name}' receives no gradient: is it unused, detached, or no longer needed?")
        if not gradient.isfinite().all():
            raise ContractError(f"the gradient of '{name}' is not finite: is there a root, a norm or a log of zero?")


@after(*ONE_RECURRENCE, same_seed_same_network, every_parameter_has_a_finite_gradient)
def step_and_forward_have_equal_gradients(make: Make) -> None:
    """With respect to inputs, parameters and the given state: to 1e-10 in float64, to 1e-4 in float32."""
    for dtype, tolerance, steps in ((torch.float64, EXACT, LONG), (torch.float32, 1e-4, STEPS)):
        fast = _gradients(build(make, dtype), inputs(steps, dtype), Backbone.__call__)
        slow = _gradients(build(make, dtype), inputs(steps, dtype), loop)
        for name, expected in slow.items():
            size = difference(fast[name], expected)
            if size > tolerance:
                guess = "is a backward written by hand wrong?" if fast[name].any() else "is it detached in forward?"
                raise ContractError(f"forward's gradient of {name} differs from that of step by {size:.0e}: {guess}")


@after(*INDEPENDENT, step_and_forward_have_equal_gradients)
def gradients_are_those_of_differences(make: Make) -> None:
    """Gradients of forward in float64 against central differences, along a random direction for each tensor."""
    backbone = build(make)
    leaves, value = _leaves(backbone, inputs(), Backbone.__call__)
    gradients = gradients_of(value(), list(leaves.values()))
    if all(gradient is None for gradient in gradients):  # nothing is to be learnt, as in a fixed reservoir
        return
    generator = torch.Generator().manual_seed(4)
    for (name, leaf), gradient in zip(leaves.items(), gradients, strict=True):
        real = torch.view_as_real(leaf.detach()) if leaf.is_complex() else leaf.detach()
        direction = torch.randn(real.shape, generator=generator, dtype=torch.float64)
        expected = _slope(value, real, direction)
        if gradient is None:
            found = 0.0
        else:
            found = float(((torch.view_as_real(gradient) if leaf.is_complex() else gradient) * direction).sum())
        if not abs(found - expected) <= 1e-5 * max(1.0, abs(expected)):
            guess = "is something detached?" if found == 0 else "is a backward written by hand wrong?"
            raise ContractError(f"the gradient of {name} is {found:.4g}, differences give {expected:.4g}: {guess}")


def _slope(value: Callable[[], Tensor], point: Tensor, direction: Tensor) -> float:
    """The central difference of `value` as `point` moves in place; it is put back exactly."""
    kept, values = point.clone(), []
    with torch.no_grad():
        for shift in (EPSILON, -EPSILON):
            point.copy_(kept + shift * direction)
            values.append(float(value()))
        point.copy_(kept)
    return (values[0] - values[1]) / (2 * EPSILON)


def _gradients(backbone: Backbone, x_BTI: Tensor, run: Callable[..., tuple[Tensor, State]]) -> dict[str, Tensor]:
    leaves, value = _leaves(backbone, x_BTI, run)
    found = gradients_of(value(), list(leaves.values()))
    return {
        name: torch.zeros_like(leaf) if gradient is None else gradient
        for (name, leaf), gradient in zip(leaves.items(), found, strict=True)
    }


def _leaves(
    backbone: Backbone, x_BTI: Tensor, run: Callable[..., tuple[Tensor, State]]
) -> tuple[dict[str, Tensor], Callable[[], Tensor]]:
    """Everything that gradients are asked of, by name, and the number that they are the gradients of.

    The state is one that a backbone comes to by itself, and no zeros, which hide mistakes.
    """
    parameters = {f"'{name}'": p for name, p in backbone.named_parameters() if p.requires_grad}
    x_BTI.requires_grad_()
    with torch.no_grad():
        _, state = loop(backbone, inputs(2, x_BTI.dtype, seed=5))
    state = pytree.tree_map_only(
        Tensor, lambda t: t.clone().requires_grad_(t.dtype.is_floating_point or t.is_complex()), state
    )
    carried = [leaf for leaf in pytree.tree_leaves(state) if leaf.requires_grad]
    names = [f"tensor {index} of the state" for index in range(len(carried))]
    leaves = {"the inputs": x_BTI, **dict(zip(names, carried, strict=True)), **parameters}
    return leaves, lambda: weighted(*run(backbone, x_BTI, state))


@after(*PURE, every_parameter_has_a_finite_gradient)
def zero_and_large_inputs_stay_finite(make: Make) -> None:
    """Outputs, the state and all gradients are finite where inputs are zero, or large, in float32."""
    for scale, guess in ((0.0, "a norm or a root of zero without an epsilon"), (30.0, "an exp that nothing bounds")):
        backbone = build(make, torch.float32, fresh=True)
        x_BTI = inputs(dtype=torch.float32, scale=scale).requires_grad_()
        y_BTO, state = backbone(x_BTI)
        what = "inputs of zeros" if not scale else f"inputs of size {scale:.0f}"
        total = weighted(y_BTO, state)
        if not total.isfinite():
            raise ContractError(f"for {what} outputs or state are not finite: is there {guess}?")
        leaves = [x_BTI, *(p for p in backbone.parameters() if p.requires_grad)]
        for gradient in gradients_of(total, leaves):
            if gradient is not None and not gradient.isfinite().all():
                raise ContractError(f"for {what} a gradient is not finite: is there {guess}?")
