"""The coupled oscillatory recurrent network (Rusch & Mishra 2021, arXiv 2010.00951)."""

import torch
from torch import Tensor

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, tanh, tanh_slope
from rnnbench.scan.product import Linear


class CoRNN(Backbone):
    """Network of coupled, driven, damped oscillators at positions y with velocities z (Rusch & Mishra 2021).

    z_t = z + dt (tanh(W y + W' z + V x + b) - gamma y - epsilon z), y_t = y + dt z_t, where y and z are those of step
    t - 1: equation 3, with the damping explicit as in the authors' code. The output is y.

    Glorot V, zero b, W and W' uniform up to 1/sqrt(2 H), as torch's own. `dt`, `gamma` and `epsilon` are not trained;
    they begin at the paper's for sequential MNIST.
    """

    primitive = "dense loop"

    def __init__(
        self, input_size: int, *, hidden_size: int = 128, dt: float = 0.042, gamma: float = 2.7, epsilon: float = 4.7
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        at_least(0, dt=dt, gamma=gamma, epsilon=epsilon)
        self.output_size = hidden_size
        self.dt, self.gamma, self.epsilon = dt, gamma, epsilon
        self.input = input_layer(input_size, hidden_size, gates=1)
        self.recurrent = Linear(2 * hidden_size, hidden_size, bias=False).weight  # W beside W'

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y_BH, z_BH = state
        force_BH = torch.tanh(self.input(x_BI) + torch.cat([y_BH, z_BH], dim=-1) @ self.recurrent.T)
        z_BH = z_BH + self.dt * (force_BH - self.gamma * y_BH - self.epsilon * z_BH)
        y_BH = y_BH + self.dt * z_BH
        return y_BH, (y_BH, z_BH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBH = self.input(x_BTI.transpose(0, 1))
        cell = _Cell(self.dt, self.gamma, self.epsilon)
        yz_TBS, (yz_BS,) = dense_loop(cell, [wx_TBH], [self.recurrent], [torch.cat(state, dim=-1)])
        y_BH, z_BH = yz_BS.chunk(2, dim=-1)
        return yz_TBS[..., : self.output_size].transpose(0, 1), (y_BH, z_BH)


class _Cell(GatedCell):
    """The state ``h`` is y beside z."""

    gates = ("force",)
    direct = True

    def __init__(self, dt: float, gamma: float, epsilon: float) -> None:
        self.dt, self.pull, self.kept_speed = dt, -dt * gamma, torch.tensor(1 - dt * epsilon, dtype=torch.float64)

    def allocate(self, m: Memory) -> None:
        super().allocate(m)
        m["y_before"], m["z_before"] = m["h_before"].chunk(2, dim=-1)
        m["y"], m["z"] = m["h"].chunk(2, dim=-1)

    def forward(self, t: int, m: Memory) -> None:
        tanh(m.force[t], out=m.force[t])
        torch.mul(m.z_before[t], self.kept_speed, out=m.z[t])
        m.z[t].add_(m.force[t], alpha=self.dt).add_(m.y_before[t], alpha=self.pull)
        torch.add(m.y_before[t], m.z[t], alpha=self.dt, out=m.y[t])

    def factors(self, m: Memory, d: Memory) -> None:
        tanh_slope(torch.full_like(m["force"], self.dt), m["force"], out=d["force"])

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d_y, d_z = d["h"].chunk(2, dim=-1)
        d_z.add_(d_y, alpha=self.dt)
        d.force[t].mul_(d_z)
        d_y.add_(d_z, alpha=self.pull)
        d_z.mul_(self.kept_speed)
