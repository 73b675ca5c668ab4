"""Checks that a backbone is a function of weights, inputs and state: it keeps, changes and draws nothing else."""

import random

import numpy as np
import torch

from rnnbench.backbone import Backbone, tensors
from rnnbench.testing.check import ContractError, Make, after, hidden
from rnnbench.testing.form import FORM
from rnnbench.testing.probe import BATCH, build, difference, inputs, loop

__tracebackhide__ = hidden


@after(*FORM)
def draws_no_random_numbers(make: Make) -> None:
    """In evaluation mode neither initial_state nor step nor forward touches a global random generator."""
    backbone = build(make)
    for name, call in (("initial_state", _begin), ("step", _step), ("forward", _forward)):
        before = _generators()
        with torch.no_grad():
            call(backbone)
        for generator, state in _generators().items():
            if not np.array_equal(state, before[generator]):
                guess = "is there dropout that `self.training` does not switch off?"
                if name == "initial_state":
                    guess = "does it belong into the constructor?"
                raise ContractError(f"{name} draws from the generator of {generator} in evaluation mode: {guess}")


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


@after(*FORM, draws_no_random_numbers)
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
            f"the same call twice differs by {size:.0e} in evaluation mode: is something kept on the "
            "module, or drawn by a generator of its own?"
        )


@after(*FORM, draws_no_random_numbers, remembers_nothing_beside_the_state)
def leaves_what_it_is_given(make: Make) -> None:
    """Neither step nor forward writes into the inputs or the state that they are given."""
    backbone = build(make)
    with torch.no_grad():
        _, state = loop(backbone, inputs(2, seed=5))
        for name, call, x in (("step", backbone.step, inputs()[:, 0]), ("forward", backbone, inputs())):
            given = [x, *tensors(state)]
            before = [tensor.clone() for tensor in given]
            call(x, state)
            for index, (tensor, kept) in enumerate(zip(given, before, strict=True)):
                if not torch.equal(tensor, kept):
                    what = f"tensor {index - 1} of the state" if index else "the inputs"
                    raise ContractError(f"{name} writes into {what} it is given: is there an operation in place?")


PURE = (
    *FORM,
    draws_no_random_numbers,
    remembers_nothing_beside_the_state,
    leaves_what_it_is_given,
)


@after(*PURE)
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


@after(*PURE, same_seed_same_network)
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
