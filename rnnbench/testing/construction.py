"""Checks of what a backbone is made of: sizes, seeds, weights to save, types, devices, parameters."""

import inspect
import unittest
from collections.abc import Callable

import torch

from rnnbench.backbone import State, tensors
from rnnbench.testing.probe import BATCH, INPUTS, ContractError, Make, build, difference, hidden, inputs

__tracebackhide__ = hidden


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


def same_seed_same_network(make: Make) -> None:
    """The same seed builds the same network; all that is drawn comes from torch's global generator."""
    first, second = build(make), build(make)
    for name, tensor in first.state_dict().items():
        if not torch.equal(tensor, second.state_dict()[name]):
            raise ContractError(
                f"built twice from one seed, '{name}' differs: is it drawn by numpy, random or an unseeded generator?"
            )
    with torch.no_grad():
        size = difference(first(inputs())[0], second(inputs())[0])
    if size:
        raise ContractError(f"built twice from one seed, outputs differ by {size:.0e}: is a tensor not in state_dict?")


def state_dict_holds_everything(make: Make) -> None:
    """A network of other weights gives the same outputs once it has loaded the first one's state_dict."""
    saved, other = build(make), build(make, seed=1)
    other.load_state_dict(saved.state_dict())
    with torch.no_grad():
        size = difference(other(inputs())[0], saved(inputs())[0])
    if size > 1e-12:
        raise ContractError(
            f"outputs differ by {size:.0e} after loading the state_dict: is a tensor a plain attribute? register_buffer"
        )


def keeps_the_type_of_numbers(make: Make) -> None:
    """Outputs are float32, float64 or bfloat16 as parameters and inputs are, and finite; so is the state's form."""
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        backbone = build(make, dtype)
        guess = "is a type or a device written out where x.new_zeros or self.zeros could stand?"
        try:
            with torch.no_grad():
                y_BTO, state = backbone(inputs(dtype=dtype))
        except RuntimeError as error:
            raise ContractError(f"in {dtype} forward raises '{_line(error)}': {guess}") from error
        if y_BTO.dtype != dtype:
            raise ContractError(f"in {dtype} the outputs are {y_BTO.dtype}: {guess}")
        if not y_BTO.isfinite().all():
            raise ContractError(f"in {dtype} outputs are not finite: are sums and exponentials taken in float32?")
        expected = [tensor.dtype for tensor in tensors(backbone.initial_state(BATCH))]
        found = [tensor.dtype for tensor in tensors(state)]
        if found != expected:
            raise ContractError(f"in {dtype} the state becomes {found}, initially {expected}: {guess}")


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


def parameters_match(formula: Callable[[int], int]) -> Callable[[Make], None]:
    """The check that trainable numbers are as many as a formula of the input size says."""

    def parameters_match_the_formula(make: Make) -> None:
        for input_size in (INPUTS, 2 * INPUTS + 1):
            backbone = make(input_size)
            found = sum(parameter.numel() for parameter in backbone.parameters() if parameter.requires_grad)
            expected = formula(input_size)
            if found != expected:
                biases, rest = divmod(abs(found - expected), backbone.output_size)
                more = "too many" if found > expected else "missing"
                guess = (
                    f"are {biases} vectors, such as biases, {more}?" if not rest else "does a matrix lack or exceed?"
                )
                raise ContractError(
                    f"for input_size={input_size} there are {found} parameters, the formula gives {expected}: {guess}"
                )

    return parameters_match_the_formula


def _line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
