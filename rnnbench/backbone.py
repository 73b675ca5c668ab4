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
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from rnnbench.errors import at_least

State = Any
"""What a backbone carries from step to step: any nesting of tuples, lists and dicts of tensors, batch first."""

Layout = list[tuple[torch.Size, torch.dtype]]
"""Shape of a row and type of each tensor of a state."""


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
    _input_size: int | None
    _layouts: dict[torch.dtype | None, Layout]
    primitive: ClassVar[str] = "step loop"
    version: ClassVar[int] = 1

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Keeps the input size, so that no constructor has to."""
        backbone = super().__new__(cls)
        size = options.get("input_size", arguments[0] if arguments else None)
        backbone._input_size = size if isinstance(size, int) else None  # wrappers are made of other things
        if backbone._input_size is not None:
            at_least(1, input_size=backbone._input_size)
        backbone._layouts = {}
        return backbone

    def __call__(self, x_BTI: Tensor, state: State | None = None, *more: Any, **named: Any) -> tuple[Tensor, State]:
        """`forward`, once inputs and state are seen to fit.

        Raises:
            ValueError: inputs of another shape or type, or a state of another backbone, batch size or type.
        """
        self._check_inputs(x_BTI)
        if state is not None:
            self._check_state(state, len(x_BTI))
        return super().__call__(x_BTI, state, *more, **named)

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

    def zeros(self, *shape: int) -> Tensor:
        """Zeros of the device and type of the backbone's parameters."""
        return next(self.parameters()).new_zeros(shape)

    def _check_inputs(self, x_BTI: Tensor) -> None:
        if x_BTI.dim() != 3 or 0 in x_BTI.shape or x_BTI.shape[2] != (self._input_size or x_BTI.shape[2]):
            expected = f"[B, T, {self._input_size or 'I'}]"
            raise ValueError(f"{type(self).__name__} expects inputs {expected}, got {list(x_BTI.shape)}")
        expected = self._dtype()
        if x_BTI.dtype != expected and expected and not torch.is_autocast_enabled(x_BTI.device.type):
            raise ValueError(f"{type(self).__name__}: the inputs are {x_BTI.dtype}, its parameters {expected}")

    def _check_state(self, state: State, rows: int) -> None:
        """Compares a state with the initial one. Its nesting is left to the backbone to unpack."""
        found, layout = tensors(state), self._layout()
        if len(found) != len(layout) or not all(
            tensor.shape == (rows, *shape) and tensor.dtype == dtype
            for tensor, (shape, dtype) in zip(found, layout, strict=True)
        ):
            self._refuse(found, layout, rows)

    def _refuse(self, found: list[Tensor], layout: Layout, rows: int) -> None:
        name = type(self).__name__
        if [tensor.shape[1:] for tensor in found] != [shape for shape, _ in layout]:
            expected = [torch.Size([rows, *shape]) for shape, _ in layout]
            sizes = f"the state has {_described([tensor.shape for tensor in found])}, expected {_described(expected)}"
            raise ValueError(f"{name}: {sizes}: is it from another backbone?")
        for tensor, (_, dtype) in zip(found, layout, strict=True):
            if tensor.shape[:1] != (rows,):
                raise ValueError(f"{name}: the state is for {tensor.shape[:1].numel()} rows, the inputs have {rows}")
            if tensor.dtype != dtype and not torch.is_autocast_enabled(tensor.device.type):
                raise ValueError(f"{name}: the state is {tensor.dtype}, expected {dtype}")

    def _layout(self) -> Layout:
        """How the initial state is laid out, which is asked once for each type of the parameters."""
        kind = self._dtype()
        if kind not in self._layouts:
            self._layouts[kind] = [(tensor.shape[1:], tensor.dtype) for tensor in tensors(self.initial_state(1))]
        return self._layouts[kind]

    def _dtype(self) -> torch.dtype | None:
        """The type of real numbers that the parameters are, or buffers where nothing is learnt; None without either."""
        for tensor in chain(self.parameters(), self.buffers()):
            if tensor.is_floating_point() or tensor.is_complex():
                return tensor.dtype.to_real()
        return None


def detach(state: State) -> State:
    """The same state, cut from the graph that computed it: gradients stop here."""
    return pytree.tree_map_only(Tensor, Tensor.detach, state)


def tensors(state: State) -> list[Tensor]:
    """All tensors of a state."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def _described(shapes: list[torch.Size]) -> str:
    sizes = " ".join(str(list(shape)) for shape in shapes)
    return f"{len(shapes)} tensor{'s' * (len(shapes) != 1)} {sizes}".rstrip()
