"""Checks of form: what the state, the outputs and their numbers look like. All other checks need these.

B rows, T time steps, I input size, O output size.
"""

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench.backbone import State, tensors
from rnnbench.testing.check import ContractError, Make, after, hidden
from rnnbench.testing.probe import BATCH, STEPS, build, inputs

__tracebackhide__ = hidden


@after()
def state_is_tensors_batch_first(make: Make) -> None:
    """The initial state holds tensors only, each with the batch as its first dimension."""
    backbone = build(make)
    for rows in (BATCH, 1):
        for index, leaf in enumerate(pytree.tree_leaves(backbone.initial_state(rows))):
            if not isinstance(leaf, Tensor):
                kind = type(leaf).__name__
                raise ContractError(f"the state holds {kind}, expected tensors only: is a counter no tensor [B]?")
            if leaf.shape[:1] != (rows,):
                raise ContractError(
                    f"tensor {index} of the state of {rows} rows is {list(leaf.shape)}: is batch its first dimension?"
                )


@after(state_is_tensors_batch_first)
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


@after(state_is_tensors_batch_first, gives_what_it_says)
def state_keeps_its_form(make: Make) -> None:
    """Nesting, shapes and types stay as `initial_state` gives them, through step and through forward."""
    backbone = build(make, torch.float32)
    with torch.no_grad():
        before = backbone.initial_state(BATCH)
        _, stepped = backbone.step(inputs(dtype=torch.float32)[:, 0], before)
        _, after = backbone(inputs(dtype=torch.float32))
    for name, state in (("step", stepped), ("forward", after)):
        if _form(state) != _form(before):
            form = f"{_form(state)}, initial_state {_form(before)}"
            guess = "is a tensor added, lost or stored in another shape or type?"
            if pytree.tree_structure(state) != pytree.tree_structure(before):
                guess = "is it nested otherwise?"
            raise ContractError(f"{name} returns the state {form}: {guess}")


def _form(state: State) -> str:
    return str(pytree.tree_map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}".removeprefix("torch."), state))


@after(state_is_tensors_batch_first, gives_what_it_says, state_keeps_its_form)
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


def _line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]


FORM = (state_is_tensors_batch_first, gives_what_it_says, state_keeps_its_form, keeps_the_type_of_numbers)
