"""What wraps a backbone: depth, dropout, residuals, normalisation, directions.

Each wrapper is itself a backbone that holds others, so that no cell needs an option for any of this.

B rows, T time steps, I input size, O output size.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, State
from rnnbench.config import StackConfig

MakeBackbone = Callable[[int], Backbone]
"""Builds a backbone for an input size."""

NORMS: dict[str, Callable[[int], nn.Module]] = {"none": nn.Identity, "layer": nn.LayerNorm, "rms": nn.RMSNorm}


def build_stack(make: MakeBackbone, input_size: int, config: StackConfig) -> "Stack":
    """`config.num_layers` backbones one above the other, each wrapped as `config` says.

    Dropout stands between layers (Zaremba et al. 2014: on the connections upwards, never on the recurrent ones).
    A normalised stack normalises each layer's input and its own output (pre-norm).
    """
    layers: list[Backbone] = []
    size = input_size
    for depth in range(config.num_layers):
        layer = Bidirectional(make(size), make(size)) if config.bidirectional else make(size)
        if config.norm != "none":
            layer = Preceded(NORMS[config.norm](size), layer)
        if depth and config.dropout:
            layer = Preceded(nn.Dropout(config.dropout), layer)
        if config.residual:
            layer = Residual(layer, size)
        layers.append(layer)
        size = layer.output_size
    return Stack(layers, NORMS[config.norm](size))


class Wrapper(Backbone):
    """A backbone made of backbones. Its `forward` also takes the rows' valid lengths, for those that look backwards."""

    @abstractmethod
    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """As `Backbone.forward`; `lengths_B` are the rows' valid steps (int64), None where all are valid."""


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

    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        states = self.initial_state(len(x_BTI)) if state is None else state
        after = []
        for layer, before in zip(self._layers(), states, strict=True):
            x_BTI, now = _run(layer, x_BTI, before, lengths_B)
            after.append(now)
        return self.last(x_BTI), tuple(after)

    def _layers(self) -> list[Backbone]:
        return [layer for layer in self.layers if isinstance(layer, Backbone)]


class Preceded(Wrapper):
    """Lets a layer's input pass through a module first, such as dropout or a norm."""

    def __init__(self, module: nn.Module, layer: Backbone) -> None:
        super().__init__()
        self.module, self.layer = module, layer
        self.output_size = layer.output_size

    def initial_state(self, batch_size: int) -> State:
        return self.layer.initial_state(batch_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return self.layer.step(self.module(x_BI), state)

    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        return _run(self.layer, self.module(x_BTI), state, lengths_B)


class Residual(Wrapper):
    """Adds a layer's input to its output; a linear map without bias brings it to size where the sizes differ."""

    def __init__(self, layer: Backbone, input_size: int) -> None:
        super().__init__()
        self.layer = layer
        self.output_size = layer.output_size
        same = input_size == self.output_size
        self.shortcut = nn.Identity() if same else nn.Linear(input_size, self.output_size, bias=False)

    def initial_state(self, batch_size: int) -> State:
        return self.layer.initial_state(batch_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        y_BO, state = self.layer.step(x_BI, state)
        return self.shortcut(x_BI) + y_BO, state

    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        y_BTO, state = _run(self.layer, x_BTI, state, lengths_B)
        return self.shortcut(x_BTI) + y_BTO, state


class Bidirectional(Wrapper):
    """One backbone reads forwards, another backwards; outputs are laid side by side (Schuster & Paliwal 1997).

    Backwards begins anew at each row's last valid step, whatever the state: padding changes nothing, and what comes
    after a chunk is not known yet. There is no `step`: the past of the one is the future of the other.
    """

    def __init__(self, ahead: Backbone, back: Backbone) -> None:
        super().__init__()
        self.ahead, self.back = ahead, back
        self.output_size = ahead.output_size + back.output_size

    def initial_state(self, batch_size: int) -> State:
        return self.ahead.initial_state(batch_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        raise ValueError("a bidirectional stack reads whole sequences; it has no single step")

    def forward(
        self, x_BTI: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        y_BTO, state = self.ahead(x_BTI, state)
        z_BTO, _ = self.back(reverse(x_BTI, lengths_B))
        return torch.cat([y_BTO, reverse(z_BTO, lengths_B)], dim=-1), state


def reverse(x_BTI: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Turns each row's first `lengths_B` steps around and leaves its padding where it is; None turns whole rows."""
    if lengths_B is None:
        return x_BTI.flip(1)
    steps_T = torch.arange(x_BTI.shape[1], device=x_BTI.device)
    mirrored_BT = lengths_B[:, None] - 1 - steps_T
    index_BT = torch.where(mirrored_BT >= 0, mirrored_BT, steps_T)
    return x_BTI.gather(1, index_BT[:, :, None].expand_as(x_BTI))


def _run(layer: Backbone, x_BTI: Tensor, state: State | None, lengths_B: Tensor | None) -> tuple[Tensor, State]:
    return layer(x_BTI, state, lengths_B) if isinstance(layer, Wrapper) else layer(x_BTI, state)
