"""Rotor: every unit is an angle that its inputs turn, and shows its cosine.

B rows, T time steps, I input size, H hidden size.
"""

import math

from torch import Tensor, nn

from rnnbench import Backbone, State
from rnnbench.errors import at_least


class Rotor(Backbone):
    """Angles turned by the input: phi <- phi + W x, output cos(phi). A unit that a one turns by pi holds the parity."""

    primitive = "cumulative sum"

    def __init__(self, input_size: int, *, hidden_size: int = 64) -> None:
        """
        Args:
            input_size: numbers a step.
            hidden_size: units.
        """
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.turn = nn.Linear(input_size, hidden_size, bias=False)
        nn.init.uniform_(self.turn.weight, -2 * math.pi, 2 * math.pi)  # some unit begins near the turn that is wanted

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        phi_BH = state + self.turn(x_BI)
        return phi_BH.cos(), phi_BH

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        start_BH = self.initial_state(len(x_BTI)) if state is None else state
        phi_BTH = start_BH[:, None] + self.turn(x_BTI).cumsum(1)
        return phi_BTH.cos(), phi_BTH[:, -1]
