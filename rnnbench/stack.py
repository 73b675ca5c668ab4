"""How backbones become a network: which wrappers stand around each, and one layer above the other.

B rows, T time steps, I input size, O output size.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor, nn

from rnnbench.backbone import Backbone, State
from rnnbench.config import StackConfig
from rnnbench.errors import UserError
from rnnbench.regularization import ColumnDropout, LockedDropout
from rnnbench.wrappers import Bidirectional, Highway, Preceded, Residual, WeightDrop, Wrapper, Zoneout, run

MakeBackbone = Callable[..., Backbone]
"""Builds a backbone for an input size; with a second number, of that hidden size."""


class MakeStack(Protocol):
    """Builds a stack as the config says; `one_way` never bidirectional, as for what speaks."""

    def __call__(self, input_size: int, /, *, one_way: bool = False) -> "Stack":
        """A stack for an input size."""
        ...


NORMS: dict[str, Callable[[int], nn.Module]] = {"none": nn.Identity, "layer": nn.LayerNorm, "rms": nn.RMSNorm}


def build_stack(make: MakeBackbone, input_size: int, config: StackConfig) -> "Stack":
    """`config.num_layers` backbones one above the other, each wrapped as `config` says.

    The last may be of another hidden size, such as that of an embedding to share (1708.02182).
    Dropout and locked dropout stand between layers (Zaremba et al. 2014: on the connections upwards, never on the
    recurrent ones). A normalised stack normalises each layer's input and its own output (pre-norm).

    Raises:
        UserError: matrices are to be dropped of a backbone that has none.
    """
    layers: list[Backbone] = []
    size = input_size
    for depth in range(config.num_layers):
        last = config.last_size if depth == config.num_layers - 1 else None
        layer = _recurrence(make, size, config, last)
        if config.norm != "none":
            layer = Preceded(NORMS[config.norm](size), layer)
        if depth and config.dropout:
            layer = Preceded(nn.Dropout(config.dropout), layer)
        if depth and config.locked_dropout:
            layer = Preceded(LockedDropout(config.locked_dropout), layer)
        if config.residual:
            layer = Residual(layer, size)
        if config.highway:
            layer = Highway(layer, size)
        layers.append(layer)
        size = layer.output_size
    return Stack(layers, NORMS[config.norm](size))


def stack_maker(make: MakeBackbone, config: StackConfig) -> MakeStack:
    """What builds stacks of such backbones."""

    def make_stack(input_size: int, /, *, one_way: bool = False) -> "Stack":
        return build_stack(make, input_size, dataclasses.replace(config, bidirectional=False) if one_way else config)

    return make_stack


def _recurrence(make: MakeBackbone, size: int, config: StackConfig, hidden_size: int | None) -> Backbone:
    """One layer, each of its directions with what regularises the recurrence itself."""

    def direction() -> Backbone:
        layer = make(size) if hidden_size is None else make(size, hidden_size)
        if config.zoneout:
            layer = Zoneout(config.zoneout, layer)
        for name, dropout in (("weight_drop", nn.Dropout), ("recurrent_dropout", ColumnDropout)):
            if probability := getattr(config, name):
                layer = _weight_drop(name, dropout(probability), layer)
        return layer

    return Bidirectional(direction(), direction()) if config.bidirectional else direction()


def _weight_drop(name: str, drop: nn.Module, layer: Backbone) -> WeightDrop:
    try:
        return WeightDrop(drop, layer)
    except ValueError as error:
        raise UserError(f"stack.{name}: {error}; set stack.{name}=0") from error


class Stack(Wrapper):
    """Layers one above the other; the state is a tuple of theirs."""

    def __init__(self, layers: Sequence[Backbone], last: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.last = last
        self.output_size = layers[-1].output_size
        self.bidirectional = any(isinstance(module, Bidirectional) for module in self.modules())

    def initial_state(self, batch_size: int) -> State:
        return tuple(layer.initial_state(batch_size) for layer in self._layers())

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        after = []
        for layer, before in zip(self._layers(), state, strict=True):
            x_BI, now = layer.step(x_BI, before)
            after.append(now)
        return self.last(x_BI), tuple(after)

    def gate_values(self, x_BI: Tensor, state: State) -> dict[str, Tensor]:
        """Those of all layers, each named by its layer where there are several."""
        found = {}
        for number, (layer, before) in enumerate(zip(self._layers(), state, strict=True), 1):
            prefix = f"layer {number} " if len(self.layers) > 1 else ""
            found |= {prefix + name: values for name, values in layer.gate_values(x_BI, before).items()}
            x_BI, _ = layer.step(x_BI, before)
        return found

    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        states = self.initial_state(len(x_BTI)) if state is None else state
        after = []
        for layer, before in zip(self._layers(), states, strict=True):
            x_BTI, now = run(layer, x_BTI, before, lengths_B)
            after.append(now)
        return self.last(x_BTI), tuple(after)

    def _layers(self) -> list[Backbone]:
        return [layer for layer in self.layers if isinstance(layer, Backbone)]
