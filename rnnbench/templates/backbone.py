"""new_plugin: a leaky integrator. Replace its step by your own; `Backbone` says what the harness expects of it.

B rows, I input size, H hidden size.
"""

import torch
from torch import Tensor, nn

from rnnbench import Backbone, State
from rnnbench.errors import at_least, fraction


class NewPluginBackbone(Backbone):
    """Leaky integrator, h = a h + (1 - a) tanh(W x + U h + b)."""

    def __init__(self, input_size: int, *, hidden_size: int = 128, leak: float = 0.5) -> None:
        """
        Args:
            input_size: numbers a step.
            hidden_size: units.
            leak: how much of its state a unit keeps, a.
        """
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        fraction(leak=leak)
        self.output_size, self.leak = hidden_size, leak
        self.read = nn.Linear(input_size, hidden_size)
        self.recur = nn.Linear(hidden_size, hidden_size, bias=False)

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = self.leak * state + (1 - self.leak) * torch.tanh(self.read(x_BI) + self.recur(state))
        return h_BH, h_BH
