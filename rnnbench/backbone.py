"""The backbone contract: what a person writes to bring a new recurrent network to every task, sweep and leaderboard.

A backbone is one final class. Its keyword-only constructor parameters are its options. It says what its state is and
how one time step goes, as the formula in its paper; detaching, stacking, directions, dropout, embedding, head and
counting are the harness's.

B rows, T time steps, I input size, O output size.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import chain
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from rnnbench.errors import at_least

State = Any
"""What a backbone carries from step to step: any nesting of tuples, lists and dicts of tensors, batch first."""

Layout = tuple[Any, list[tuple[torch.Size, torch.dtype]]]
"""The nesting of a state, and of each tensor in it the shape of a row and the type."""


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
    _kinds: list[torch.dtype | None]
    primitive: ClassVar[str] = "step loop"
    version: ClassVar[int] = 1

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Keeps the input size, so that no constructor has to."""
        backbone = super().__new__(cls)
        names = [*signature(cls.__init__).parameters][1:]
        size = (dict(zip(names, arguments, strict=False)) | options).get("input_size")
        if size is not None:
            at_least(1, input_size=size)
        backbone._input_size, backbone._layouts, backbone._kinds = size, {}, []
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

    def gate_values(self, x_BI: Tensor, state: State) -> dict[str, Tensor]:  # noqa: ARG002 - for those that have some
        """What each gate says in a step, by name: values in [0, 1], [B, ...], for diagnostics; by default none."""
        return {}

    def recurrent_weights(self) -> list[str]:
        """Names of the matrices [..., out, in] that multiply the carried state, for weight drop; by default none."""
        return []

    def zeros(self, *shape: int) -> Tensor:
        """Zeros of the device and type of the backbone's parameters, or of its buffers where it learns nothing."""
        return next(chain(self.parameters(), self.buffers())).new_zeros(shape)

    def _check_inputs(self, x_BTI: Tensor) -> None:
        if self._input_size is None:  # a wrapper takes what is inside takes
            inside = (module._input_size for module in self.modules() if isinstance(module, Backbone))
            self._input_size = next((size for size in inside if size), 0)
        if x_BTI.dim() != 3 or 0 in x_BTI.shape or x_BTI.shape[2] != (self._input_size or x_BTI.shape[2]):
            expected = f"[B, T, {self._input_size or 'I'}]"
            raise ValueError(f"{type(self).__name__} expects inputs {expected}, got {list(x_BTI.shape)}")
        expected = self._dtype()
        if x_BTI.dtype != expected and expected and not torch.is_autocast_enabled(x_BTI.device.type):
            raise ValueError(f"{type(self).__name__}: the inputs are {x_BTI.dtype}, its parameters {expected}")

    def _check_state(self, state: State, rows: int) -> None:
        """Compares a state with the initial one."""
        kind = self._dtype()
        if kind not in self._layouts:  # asked once for each type of the parameters
            self._layouts[kind] = _layout(self.initial_state(1))
        given, found = _flatten(state)
        nesting, expected = self._layouts[kind]
        if found != nesting or [(tensor.shape, tensor.dtype) for tensor in given] != [
            ((rows, *shape), dtype) for shape, dtype in expected
        ]:
            self._refuse(state, rows)

    def _refuse(self, state: State, rows: int) -> None:
        """Says what is wrong with a state. Under autocast another type is not."""
        name, expected = type(self).__name__, self.initial_state(rows)
        if _form(state, 1) != _form(expected, 1):
            forms = f"the state is {_form(state)}, expected {_form(expected)}"
            raise ValueError(f"{name}: {forms}: is it from another backbone?")
        for ours, theirs in zip(tensors(expected), tensors(state), strict=True):
            if theirs.shape != ours.shape:
                raise ValueError(f"{name}: the state is for {theirs.shape[:1].numel()} rows, the inputs have {rows}")
            if theirs.dtype != ours.dtype and not torch.is_autocast_enabled(theirs.device.type):
                raise ValueError(f"{name}: the state is {theirs.dtype}, expected {ours.dtype}")

    def _dtype(self) -> torch.dtype | None:
        """The type of real numbers that the parameters are, or buffers where nothing is learnt; None without either."""
        if not self._kinds:  # a search is slow next to a small step
            tensors = chain(self.parameters(), self.buffers())
            kinds = (tensor.dtype.to_real() for tensor in tensors if tensor.is_floating_point() or tensor.is_complex())
            self._kinds.append(next(kinds, None))
        return self._kinds[0]

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._kinds.clear()  # parameters are moved or made another type
        return super()._apply(fn, recurse)


def detach(state: State) -> State:
    """The same state, cut from the graph that computed it: gradients stop here."""
    if isinstance(state, Tensor):
        return state.detach()
    if type(state) is tuple:  # as pytree, which takes seven times as long
        return tuple(map(detach, state))
    return pytree.tree_map_only(Tensor, Tensor.detach, state)


def tensors(state: State) -> list[Tensor]:
    """All tensors of a state."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def _layout(state: State) -> Layout:
    given, nesting = _flatten(state)
    return nesting, [(tensor.shape[1:], tensor.dtype) for tensor in given]


def _flatten(state: State) -> tuple[Sequence[Tensor], Any]:
    """A state's tensors and how they are nested. A plain tuple, which most states are, is nested by its length."""
    if type(state) is tuple and all(isinstance(leaf, Tensor) for leaf in state):
        return state, len(state)
    leaves, nesting = pytree.tree_flatten(state)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)], nesting


def _form(state: State, first: int = 0) -> str:
    """A state's nesting, with the sizes of its tensors from the dimension `first` on."""
    return str(pytree.tree_map(lambda leaf: list(leaf.shape[first:]) if isinstance(leaf, Tensor) else leaf, state))
