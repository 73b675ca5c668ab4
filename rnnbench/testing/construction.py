"""Checks of what a backbone is made of: sizes, seeds, weights to save, types, devices, parameters."""

import inspect
import unittest
from collections.abc import Callable

import torch

from rnnbench.backbone import State, tensors
from rnnbench.testing.check import Check, ContractError, Make, after, hidden
from rnnbench.testing.probe import INPUTS, build, difference, inputs
from rnnbench.testing.purity import PURE

__tracebackhide__ = hidden


@after()
def refuses_sizes_below_one(make: Make) -> None:
    """Every option that is a size refuses 0 and -1 with a ValueError of one line that names it, and so do inputs.

    Sizes are the options called ``…_size``, ``num_…`` or ``heads`` whose default is 1 or more.
    """
    for name in ["input_size", *_sizes(make)]:
        for value in (0, -1):
            options = {} if name == "input_size" else {name: value}
            try:
                make(value if name == "input_size" else INPUTS, **options)
            except ValueError as error:
                if name in str(error) and "\n" not in str(error):
                    continue
                raise ContractError(f"{name}={value} is refused without its name, or in many lines: {error}") from error
            # Whatever else it raises, and raising nothing, is what this check is about.
            except Exception as error:
                raise ContractError(
                    f"{name}={value} raises {type(error).__name__}, expected a ValueError: "
                    f"call at_least(1, {name}={name}) first in the constructor"
                ) from error
            raise ContractError(f"{name}={value} is taken: call at_least(1, {name}={name}) first in the constructor")


def _sizes(make: Make) -> list[str]:
    options = [p for p in inspect.signature(make).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return [
        p.name
        for p in options
        if (p.name.endswith("_size") or p.name.startswith("num_") or p.name == "heads")
        and isinstance(p.default, int)
        and p.default >= 1
    ]


@after(*PURE)
def moves_to_cuda(make: Make) -> None:
    """Gives the same on a CUDA device, where there is one."""
    if not torch.cuda.is_available():
        raise unittest.SkipTest("no CUDA device here")
    backbone = build(make, torch.float32)
    with torch.no_grad():
        expected, _ = backbone(inputs(dtype=torch.float32))
        backbone.to("cuda")
        found, state = backbone(inputs(dtype=torch.float32).cuda())
    _on_cuda(state)
    size = difference(found.cpu(), expected)
    if size > 1e-3:  # torch may use TF32 there
        raise ContractError(
            f"outputs on CUDA differ from those on the CPU by {size:.0e}: is the fast path right there?"
        )


def _on_cuda(state: State) -> None:
    for tensor in tensors(state):
        if tensor.device.type != "cuda":
            raise ContractError(f"on CUDA the state is on {tensor.device}: is a device written out in initial_state?")


@after()
def parameter_groups_are_its_own(make: Make) -> None:
    """`parameter_groups` names parameters of the backbone, none twice."""
    backbone = build(make)
    own = {id(parameter) for parameter in backbone.parameters()}
    seen: set[int] = set()
    for group in backbone.parameter_groups():
        for parameter in group.parameters:
            if id(parameter) not in own:
                raise ContractError("parameter_groups names a tensor that is no parameter: is it a copy or a view?")
            if id(parameter) in seen:
                raise ContractError("parameter_groups names a parameter twice: leave it in one group")
            seen.add(id(parameter))


def parameters_match(formula: Callable[[int], int]) -> Check:
    """The check that trainable numbers are as many as a formula of the input size says."""

    @after()
    def parameters_match_the_formula(make: Make) -> None:
        for input_size in (INPUTS, 2 * INPUTS + 1):
            backbone = make(input_size)
            found = sum(parameter.numel() for parameter in backbone.parameters() if parameter.requires_grad)
            expected = formula(input_size)
            if found != expected:
                count, rest = divmod(abs(found - expected), backbone.output_size)
                more = "too many" if found > expected else "missing"
                guess = f"{count} x {backbone.output_size} {more}: are they biases?"
                guess = "is a matrix of another size?" if rest else guess
                raise ContractError(
                    f"for input_size={input_size} there are {found} parameters, the formula gives {expected}: {guess}"
                )

    return parameters_match_the_formula
