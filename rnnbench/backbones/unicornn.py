"""The undamped independent controlled oscillatory network (Rusch & Mishra 2021, arXiv 2103.05487)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least
from rnnbench.scan.elementwise import elementwise_scan
from rnnbench.scan.product import Linear

State = tuple[Tensor, Tensor]


class UnICORNN(Backbone):
    """Undamped independent controlled oscillators, one a unit: a Hamiltonian system in time (Rusch & Mishra 2021).

    z_t = z_{t-1} - d (tanh(w y_{t-1} + V x_t + b) + alpha y_{t-1}), y_t = y_{t-1} + d z_t, with d = dt sigma(c) of each
    unit: symplectic Euler, which keeps volume, so that gradients neither vanish nor explode. The output is the position
    y; the state is y and the velocity z. The paper searches `dt` and `alpha` for each task; the defaults are ours.

    w begins in [0, 1] and c in [-0.1, 0.1] as in the authors' code, b at 0, V He uniform. Residual connections between
    layers belong to the stack.
    """

    primitive = "elementwise scan"

    def __init__(self, input_size: int, *, hidden_size: int = 128, dt: float = 0.1, alpha: float = 1.0) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        at_least(0, dt=dt, alpha=alpha)
        self.output_size = hidden_size
        self.dt, self.alpha = dt, alpha
        self.input = Linear(input_size, hidden_size)
        self.w = nn.Parameter(torch.empty(hidden_size).uniform_(0, 1))
        self.c = nn.Parameter(torch.empty(hidden_size).uniform_(-0.1, 0.1))
        nn.init.kaiming_uniform_(self.input.weight)
        nn.init.zeros_(self.input.bias)

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        y_BH, z_BH = self._recurrence((self.input(x_BI),), state, (self.w, self._unit_steps()))
        return y_BH, (y_BH, z_BH)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        vx_TBH = self.input(x_BTI.transpose(0, 1).contiguous())
        y_TBH, z_TBH = elementwise_scan(self._recurrence, (vx_TBH,), state, (self.w, self._unit_steps()))
        return y_TBH.transpose(0, 1), (y_TBH[-1], z_TBH[-1])

    def _unit_steps(self) -> Tensor:
        return self.dt * torch.sigmoid(self.c)

    def _recurrence(self, inputs: Sequence[Tensor], state: Sequence[Tensor], weights: Sequence[Tensor]) -> State:
        (vx,), (y, z), (w, d) = inputs, state, weights
        z = z - d * (torch.tanh(torch.addcmul(vx, w, y)) + self.alpha * y)
        return torch.addcmul(y, d, z), z
