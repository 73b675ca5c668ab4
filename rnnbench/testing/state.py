"""Checks of what a backbone carries, and that it carries nothing else."""

import random

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench.backbone import Backbone, State
from rnnbench.testing.probe import BATCH, ContractError, Make, build, difference, hidden, inputs

__tracebackhide__ = hidden


def state_is_tensors_batch_first(make: Make) -> None:
    """The initial state holds tensors only, each with the batch as its first dimension."""
    backbone = build(make)
    for rows in (BATCH, 1):
        for index, leaf in enumerate(pytree.tree_leaves(backbone.initial_state(rows))):
            if not isinstance(leaf, Tensor):
                kind = type(leaf).__name__
                raise ContractError(f"the state holds a {kind}, expected tensors only: is a counter no tensor [B]?")
            if leaf.shape[:1] != (rows,):
                raise ContractError(
                    f"tensor {index} of the state of {rows} rows is {list(leaf.shape)}: is batch its first dimension?"
                )


def state_keeps_its_form(make: Make) -> None:
    """Nesting, shapes and types stay as `initial_state` gives them, through step and through forward."""
    backbone = build(make)
    with torch.no_grad():
        before = backbone.initial_state(BATCH)
        _, stepped = backbone.step(inputs()[:, 0], before)
        _, after = backbone(inputs())
    for name, state in (("step", stepped), ("forward", after)):
        if _form(state) != _form(before):
            form = f"{_form(state)}, initial_state {_form(before)}"
            guess = "is a tensor added, lost or stored in another shape or type?"
            if pytree.tree_structure(state) != pytree.tree_structure(before):
                guess = "is it nested otherwise?"
            raise ContractError(f"{name} returns the state {form}: {guess}")


def _form(state: State) -> str:
    return str(pytree.tree_map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}".removeprefix("torch."), state))


def remembers_nothing_beside_the_state(make: Make) -> None:
    """In evaluation mode the same call gives the same twice, and changes no parameter and no buffer."""
    backbone = build(make)
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    with torch.no_grad():
        first, _ = backbone(inputs())
        size = difference(backbone(inputs())[0], first)
    changed = [name for name, tensor in backbone.state_dict().items() if not torch.equal(tensor, before[name])]
    if changed:
        raise ContractError(f"forward changes '{changed[0]}': does it belong into the state?")
    if size:
        raise ContractError(
            f"the same call twice differs by {size:.0e} in evaluation mode: is there dropout that `self.training` does "
            "not switch off, or something kept on the module?"
        )


def draws_no_random_numbers(make: Make) -> None:
    """In evaluation mode neither initial_state nor step nor forward touches a global random generator."""
    backbone = build(make)
    for name, call in (("initial_state", _begin), ("step", _step), ("forward", _forward)):
        before = _generators()
        with torch.no_grad():
            call(backbone)
        for generator, state in _generators().items():
            if not np.array_equal(state, before[generator]):
                raise ContractError(
                    f"{name} draws from the generator of {generator} in evaluation mode: is it for the constructor?"
                )


def _generators() -> dict[str, np.ndarray]:
    kept = np.random.get_state(legacy=False)["state"]
    return {
        "torch": torch.get_rng_state().numpy(),
        "numpy": np.append(kept["key"], kept["pos"]),
        "random": np.array(random.getstate()[1]),
    }


def _begin(backbone: Backbone) -> None:
    backbone.initial_state(BATCH)


def _step(backbone: Backbone) -> None:
    backbone.step(inputs()[:, 0], backbone.initial_state(BATCH))


def _forward(backbone: Backbone) -> None:
    backbone(inputs())
