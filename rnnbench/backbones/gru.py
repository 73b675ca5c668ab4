"""The gated recurrent unit (Cho et al. 2014, arXiv 1406.1078)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import initialize
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, sigmoid_slope, tanh, tanh_slope
from rnnbench.scan.product import linear


class GRU(Backbone):
    """Gated recurrent unit: reset and update gates, one state (Cho et al. 2014).

    r = sigma(W_r x + U_r h), z = sigma(W_z x + U_z h), n = tanh(W_n x + r (U_n h + b_n)), h = (1 - z) n + z h. As in
    torch, whose layer runs it, the reset gate stands outside the product, and there are biases for W x and for U h.
    """

    primitive = "dense loop"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.layer = nn.GRU(input_size, hidden_size, batch_first=True)
        initialize(self.layer, gates=3)

    def recurrent_weights(self) -> list[str]:
        return ["layer.weight_hh_l0"]

    def initial_state(self, batch_size: int) -> Tensor:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        w, u, b, c = self.layer.all_weights[0]
        wx_r, wx_z, wx_n = nn.functional.linear(x_BI, w, b).chunk(3, dim=-1)
        uh_r, uh_z, uh_n = nn.functional.linear(state, u, c).chunk(3, dim=-1)
        r_BH = torch.sigmoid(wx_r + uh_r)
        z_BH = torch.sigmoid(wx_z + uh_z)
        n_BH = torch.tanh(wx_n + r_BH * uh_n)
        h_BH = (1 - z_BH) * n_BH + z_BH * state
        return h_BH, h_BH

    def gate_values(self, x_BI: Tensor, state: Tensor) -> dict[str, Tensor]:
        w, u, b, c = self.layer.all_weights[0]
        gates_BG = nn.functional.linear(x_BI, w, b) + nn.functional.linear(state, u, c)
        r_BH, z_BH, _ = torch.sigmoid(gates_BG).chunk(3, dim=-1)
        return {"reset": r_BH, "update": z_BH}

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        if x_BTI.is_cuda:
            y_BTH, h_1BH = self.layer(x_BTI, h_BH[None])
            return y_BTH, h_1BH[0]
        w, u, b, c = self.layer.all_weights[0]
        wx_TBG = linear(x_BTI.transpose(0, 1), w, b)
        y_TBH, (h_BH,) = dense_loop(_Cell(), [wx_TBG], [u, c], [h_BH])
        return y_TBH.transpose(0, 1), h_BH


class _Cell(GatedCell):
    """``q`` is U_n h + b_n, which the reset gate multiplies."""

    weights = ("u", "b")
    forgotten = ("wx", "wx_rz", "wx_n")
    gates = ("r", "z", "q")
    direct = True

    def allocate(self, m: Memory) -> None:
        m.add("gates", m["wx"])
        m.split("gates", self.gates)
        m.add("n", m["h"])
        m["wx_rz"], m["wx_n"] = split(m["wx"])
        m["rz"], _ = split(m["gates"])

    def advance(self, t: int, m: Memory) -> None:
        m.matrices["u"].add_times(m["b"], m.h_before[t], out=m.gates[t])
        self.forward(t, m)

    def forward(self, t: int, m: Memory) -> None:
        m.rz[t].add_(m.wx_rz[t]).sigmoid_()
        torch.addcmul(m.wx_n[t], m.r[t], m.q[t], out=m.n[t])
        tanh(m.n[t], out=m.n[t])
        torch.lerp(m.n[t], m.h_before[t], m.z[t], out=m.h[t])

    def factors(self, m: Memory, d: Memory) -> None:
        d.add("wx", m["gates"])
        d["wx_rz"], d["wx_n"] = split(d["wx"])
        d["rz"], _ = split(d["gates"])
        sigmoid_slope(m["q"], m["r"], out=d["r"])
        sigmoid_slope(m["h_before"] - m["n"], m["z"], out=d["z"])
        tanh_slope(1 - m["z"], m["n"], out=d["wx_n"])

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d_n = d.wx_n[t].mul_(d["h"])
        torch.mul(d_n, m.r[t], out=d.q[t])
        d.r[t].mul_(d_n)
        d.z[t].mul_(d["h"])
        d.wx_rz[t].copy_(d.rz[t])
        d["h"].mul_(m.z[t])

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        return super().gradients(m, d) | {"wx": d["wx"], "b": d["gates"].sum((0, 1))}


def split(gates: Tensor) -> tuple[Tensor, Tensor]:
    """Parts r and z together, and the third."""
    size = gates.shape[-1] // 3
    return gates[..., : 2 * size], gates[..., 2 * size :]
