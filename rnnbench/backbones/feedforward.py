"""No memory at all: the floor that every recurrent network must beat."""

from typing import Literal

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least
from rnnbench.scan.product import Linear

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


class Feedforward(Backbone):
    """Feed-forward layer, y_t = phi(W x_t + b): sees one step and no past.

    Glorot weights, zero biases.
    """

    primitive = "matrix product"
    version = 2

    def __init__(
        self, input_size: int, *, hidden_size: int = 128, activation: Literal["tanh", "relu"] = "tanh"
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.activation = ACTIVATIONS[activation]
        self.linear = Linear(input_size, hidden_size)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def initial_state(self, batch_size: int) -> tuple[()]:
        return ()

    def step(self, x_BI: Tensor, state: tuple[()]) -> tuple[Tensor, tuple[()]]:
        return self.activation(self.linear(x_BI)), state

    def forward(self, x_BTI: Tensor, state: tuple[()] | None = None) -> tuple[Tensor, tuple[()]]:
        return self.activation(self.linear(x_BTI)), ()
