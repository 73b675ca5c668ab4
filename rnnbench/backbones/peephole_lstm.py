"""The LSTM whose gates see the cell (Gers & Schmidhuber 2000, "Recurrent nets that time and count")."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, tanh
from rnnbench.scan.lstm import GATES, lstm_factors, name_parts


class PeepholeLSTM(Backbone):
    """LSTM whose gates also see the cell, through a weight a unit (Gers & Schmidhuber 2000).

    i, f = sigma(W x + U h + p c_{t-1} + b), g = tanh(W x + U h + b), c = f c + i g, o = sigma(W x + U h + p c_t + b),
    h = o tanh(c). The paper's cell has no tanh before the output; Graves (2013, arXiv 1308.0850) and this one have.

    Glorot input weights, orthogonal recurrent ones, peepholes and biases zero, that of the forget gate 1.
    """

    primitive = "dense loop"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.input = input_layer(input_size, hidden_size, gates=4, forget_gate=1)
        self.recurrent = recurrent_weight(hidden_size, hidden_size, gates=4)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_size))  # of i, f and o

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, c_BH = state
        i_BH, f_BH, g_BH, o_BH = (self.input(x_BI) + h_BH @ self.recurrent.T).chunk(4, dim=-1)
        p_i, p_f, p_o = self.peepholes
        i_BH, f_BH = torch.sigmoid(i_BH + p_i * c_BH), torch.sigmoid(f_BH + p_f * c_BH)
        c_BH = f_BH * c_BH + i_BH * torch.tanh(g_BH)
        h_BH = torch.sigmoid(o_BH + p_o * c_BH) * torch.tanh(c_BH)
        return h_BH, (h_BH, c_BH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBG = self.input(x_BTI.transpose(0, 1))
        y_TBH, (h_BH, c_BH) = dense_loop(_Cell(), [wx_TBG], [self.recurrent, self.peepholes], state)
        return y_TBH.transpose(0, 1), (h_BH, c_BH)


class _Cell(GatedCell):
    weights = ("u", "p")
    states = ("h", "c")
    gates = GATES
    kept = ("tanh_c",)

    def allocate(self, m: Memory) -> None:
        super().allocate(m)
        name_parts(m)
        m["p_if"], m["p_o"] = m["p"][:2], m["p"][2]
        m["c_seen"] = m["c_before"].unsqueeze(-2)

    def forward(self, t: int, m: Memory) -> None:
        m.i_f[t].addcmul_(m.c_seen[t], m["p_if"]).sigmoid_()
        tanh(m.g[t], out=m.g[t])
        torch.mul(m.f[t], m.c_before[t], out=m.c[t]).addcmul_(m.i[t], m.g[t])
        m.o[t].addcmul_(m.c[t], m["p_o"]).sigmoid_()
        tanh(m.c[t], out=m.tanh_c[t])
        torch.mul(m.o[t], m.tanh_c[t], out=m.h[t])

    def factors(self, m: Memory, d: Memory) -> None:
        name_parts(d)
        lstm_factors(m, d)
        p_i, p_f, p_o = m["p"]
        d["slope"].addcmul_(d["o"], p_o)  # c reaches h through o, too, and the next c through i and f
        d["keeps"] = torch.addcmul(m["f"], d["i"], p_i).addcmul_(d["f"], p_f)

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d["c"].addcmul_(d["h"], d.slope[t])
        d.o[t].mul_(d["h"])
        d.ifg[t].mul_(d["c"][:, None])
        d["c"].mul_(d.keeps[t])

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        seen = {"i": "c_before", "f": "c_before", "o": "c"}
        peepholes = [(d[gate] * m[cell]).sum((0, 1)) for gate, cell in seen.items()]
        return super().gradients(m, d) | {"p": torch.stack(peepholes)}
