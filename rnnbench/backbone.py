"""The backbone contract: what a person writes to bring a new recurrent network to every task, sweep and leaderboard.

A backbone is one final class. Its keyword-only constructor parameters are its options. It says what its state is and
how one time step goes, as the formula in its paper; detaching, stacking, directions, dropout, embedding, head and
counting are the harness's.

B rows, T time steps, I input size, O output size.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

State = Any
"""What a backbone carries from step to step: any nesting of tuples, lists and dicts of tensors, batch first."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that a paper trains otherwise than the rest.

    Attributes:
        parameters: those of the backbone it is about.
        rate: what their learning rate is multiplied by.
        decay: whether weight decay pulls at them.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    decay: bool = True


class Backbone(nn.Module, ABC):
    """A recurrence over time, ``__init__(self, input_size, *, options)``.

    Attributes:
        output_size: numbers it gives a step; the constructor sets it.
        primitive: what makes it fast, in a word. A literal, so that it can be listed without running the plugin.
        version: raise it when a change to the backbone changes scores. Part of a trial's identity.
    """

    output_size: int
    primitive: ClassVar[str] = "step loop"
    version: ClassVar[int] = 1

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """The state before the first step, for `batch_size` rows."""

    @abstractmethod
    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: outputs [B, O] and the next state."""

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """All time steps: outputs [B, T, O] and the last state. Override it to be fast; it must equal this loop.

        Args:
            x_BTI: inputs, T >= 1.
            state: state before the first step; None means `initial_state`.
        """
        state = self.initial_state(len(x_BTI)) if state is None else state
        outputs = []
        for x_BI in x_BTI.unbind(1):
            y_BO, state = self.step(x_BI, state)
            outputs.append(y_BO)
        return torch.stack(outputs, dim=1), state

    def parameter_groups(self) -> list[ParameterGroup]:
        """Parameters of this backbone that are to be trained otherwise than the rest; by default none."""
        return []

    def recurrent_weights(self) -> list[str]:
        """Names of the matrices [..., out, in] that multiply the carried state, for weight drop; by default none."""
        return []

    def zeros(self, *shape: int) -> Tensor:
        """Zeros of the device and type of the backbone's parameters, or of its buffers where it learns nothing."""
        return next(chain(self.parameters(), self.buffers())).new_zeros(shape)


def detach(state: State) -> State:
    """The same state, cut from the graph that computed it: gradients stop here."""
    return pytree.tree_map_only(Tensor, Tensor.detach, state)


def tensors(state: State) -> list[Tensor]:
    """All tensors of a state."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]
