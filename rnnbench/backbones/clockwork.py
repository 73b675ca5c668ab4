"""The clockwork recurrent network (Koutnik, Greff, Gomez & Schmidhuber 2014, arXiv 1402.3511)."""

import torch
from torch import Tensor

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, tanh, tanh_slope


class Clockwork(Backbone):
    """Simple recurrent network of modules with clocks of their own, the next half as fast (Koutnik et al. 2014).

    Module k = 0, 1, … runs at the steps t = 0, 1, … that 2^k divides: h = tanh(W x + U h_{t-1} + b); elsewhere it keeps
    its state. U is upper triangular in blocks: a module hears itself and slower ones. The state carries each row's t,
    int64 [B], so that a sequence in chunks is the sequence; at t = 0 all modules run.

    Glorot input weights, orthogonal recurrent ones before the lower blocks are cut, zero biases. The cut weights stand
    in the parameter and get no gradient.

    Args:
        modules: how many there are; must divide `hidden_size`.
    """

    primitive = "dense loop"
    heard_HH: Tensor
    periods_H: Tensor

    def __init__(self, input_size: int, *, hidden_size: int = 128, modules: int = 4) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size, modules=modules)
        if hidden_size % modules:
            raise ValueError(f"modules must divide hidden_size {hidden_size}, got {modules}")
        self.output_size = hidden_size
        self.input = input_layer(input_size, hidden_size, gates=1)
        self.recurrent = recurrent_weight(hidden_size, hidden_size)
        index_H = torch.arange(modules).repeat_interleave(hidden_size // modules)
        self.register_buffer("periods_H", 2**index_H, persistent=False)
        self.register_buffer("heard_HH", index_H[:, None] <= index_H, persistent=False)
        self.recurrent.detach().mul_(self.heard_HH)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.periods_H.new_zeros(batch_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, t_B = state
        new_BH = torch.tanh(self.input(x_BI) + h_BH @ (self.recurrent * self.heard_HH).T)
        h_BH = torch.where(t_B[:, None] % self.periods_H == 0, new_BH, h_BH)
        return h_BH, (h_BH, t_B + 1)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, t_B = self.initial_state(len(x_BTI)) if state is None else state
        steps = x_BTI.shape[1]
        t_TB = t_B + torch.arange(steps, device=t_B.device)[:, None]
        runs_TBH = (t_TB[..., None] % self.periods_H == 0).to(h_BH.dtype)
        wx_TBH = self.input(x_BTI.transpose(0, 1))
        u_HH = self.recurrent * self.heard_HH
        y_TBH, (h_BH,) = dense_loop(_Cell(), [wx_TBH, runs_TBH], [u_HH], [h_BH])
        return y_TBH.transpose(0, 1), (h_BH, t_B + steps)


class _Cell(GatedCell):
    inputs = ("wx", "runs")
    gates = ("new",)
    direct = True

    def forward(self, t: int, m: Memory) -> None:
        tanh(m.new[t], out=m.new[t])
        torch.lerp(m.h_before[t], m.new[t], m.runs[t], out=m.h[t])

    def factors(self, m: Memory, d: Memory) -> None:
        d["keeps"] = 1 - m["runs"]
        tanh_slope(m["runs"], m["new"], out=d["new"])

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d.new[t].mul_(d["h"])
        d["h"].mul_(d.keeps[t])
