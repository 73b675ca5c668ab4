"""The LSTM with layer normalisation (Ba, Kiros & Hinton 2016, arXiv 1607.06450)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, tanh
from rnnbench.scan.lstm import GATES, lstm_factors, name_parts
from rnnbench.scan.product import linear, weight_gradient

EPSILON = 1e-5


class LayerNormLSTM(Backbone):
    """LSTM with layer normalisation within the recurrence (Ba et al. 2016, equations 20 to 22 of the supplement).

    i, f, o = sigma(LN(W x) + LN(U h) + b), g = tanh(LN(W x) + LN(U h) + b), c = f c + i g, h = o tanh(LN(c)). LN
    takes mean and deviation over all four gates of a row, and has a gain; that of c also has a bias, the others' are b.

    Glorot input weights, orthogonal recurrent ones, gains 1, biases zero, that of the forget gate 1.
    """

    primitive = "dense loop"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        layer = input_layer(input_size, hidden_size, gates=4, forget_gate=1)
        self.input, self.bias = layer.weight, layer.bias
        self.recurrent = recurrent_weight(hidden_size, hidden_size, gates=4)
        self.input_gain = nn.Parameter(torch.ones(4 * hidden_size))
        self.recurrent_gain = nn.Parameter(torch.ones(4 * hidden_size))
        self.cell_gain = nn.Parameter(torch.ones(hidden_size))
        self.cell_bias = nn.Parameter(torch.zeros(hidden_size))

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, c_BH = state
        wx_BG = norm(x_BI @ self.input.T, self.input_gain, self.bias)
        i_BH, f_BH, g_BH, o_BH = (wx_BG + norm(h_BH @ self.recurrent.T, self.recurrent_gain)).chunk(4, dim=-1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        h_BH = torch.sigmoid(o_BH) * torch.tanh(norm(c_BH, self.cell_gain, self.cell_bias))
        return h_BH, (h_BH, c_BH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBG = norm(linear(x_BTI.transpose(0, 1), self.input), self.input_gain, self.bias)
        weights = [self.recurrent, self.recurrent_gain, self.cell_gain, self.cell_bias]
        y_TBH, (h_BH, c_BH) = dense_loop(_Cell(), [wx_TBG], weights, state)
        return y_TBH.transpose(0, 1), (h_BH, c_BH)


def norm(x: Tensor, gain: Tensor, bias: Tensor | None = None) -> Tensor:
    """Layer normalisation over the last dimension."""
    return nn.functional.layer_norm(x, x.shape[-1:], gain, bias, EPSILON)


class _Cell(GatedCell):
    """``uh`` is U h before its norm, ``tanh_c`` is tanh(LN(c))."""

    weights = ("u", "u_gain", "c_gain", "c_bias")
    states = ("h", "c")
    gates = GATES
    kept = ("tanh_c",)

    def allocate(self, m: Memory) -> None:
        super().allocate(m)
        name_parts(m)
        m.add("uh", m["wx"])
        for name in ("uh_mean", "uh_scale", "c_mean", "c_scale"):
            m.add(name, m["gates"][..., :1])

    def advance(self, t: int, m: Memory) -> None:
        m.uh[t].copy_(m.matrices["u"].times(m.h_before[t]))
        m.gates[t].add_(_norm(m.uh[t], m["u_gain"], None, m.uh_mean[t], m.uh_scale[t]))
        self.forward(t, m)

    def forward(self, t: int, m: Memory) -> None:
        m.i_f[t].sigmoid_()
        tanh(m.g[t], out=m.g[t])
        m.o[t].sigmoid_()
        torch.mul(m.f[t], m.c_before[t], out=m.c[t]).addcmul_(m.i[t], m.g[t])
        tanh(_norm(m.c[t], m["c_gain"], m["c_bias"], m.c_mean[t], m.c_scale[t]), out=m.tanh_c[t])
        torch.mul(m.o[t], m.tanh_c[t], out=m.h[t])

    def factors(self, m: Memory, d: Memory) -> None:
        name_parts(d)
        d.add("uh", m["uh"])
        lstm_factors(m, d)  # ``slope`` is that of LN(c), and becomes its gradient

    def retreat(self, t: int, m: Memory, d: Memory) -> None:
        self.backward(t, m, d)
        d_uh = _norm_backward(d.gates[t], m.uh[t], m.uh_mean[t], m.uh_scale[t], m["u_gain"])
        d.uh[t].copy_(d_uh)
        d["h"] = d.matrices["u"].times(d_uh)

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d.o[t].mul_(d["h"])
        d_normed = d.slope[t].mul_(d["h"])
        d["c"].add_(_norm_backward(d_normed, m.c[t], m.c_mean[t], m.c_scale[t], m["c_gain"]))
        d.ifg[t].mul_(d["c"][:, None])
        d["c"].mul_(m.f[t])

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        u_gain = _gain_gradient(d["gates"], m["uh"], m["uh_mean"], m["uh_scale"])
        c_gain = _gain_gradient(d["slope"], m["c"], m["c_mean"], m["c_scale"])
        return {
            "u": weight_gradient(d["uh"], m["h_before"]), "wx": d["gates"],
            "u_gain": u_gain, "c_gain": c_gain, "c_bias": d["slope"].sum((0, 1)),
        }  # fmt: skip


def _norm(x: Tensor, gain: Tensor, bias: Tensor | None, mean: Tensor, scale: Tensor) -> Tensor:
    y, mean_B1, scale_B1 = torch.native_layer_norm(x, x.shape[-1:], gain, bias, EPSILON)
    mean.copy_(mean_B1)
    scale.copy_(scale_B1)
    return y


def _norm_backward(d: Tensor, x: Tensor, mean: Tensor, scale: Tensor, gain: Tensor) -> Tensor:
    """The gradient of x."""
    backward = torch.ops.aten.native_layer_norm_backward.default
    return backward(d, x, x.shape[-1:], mean, scale, gain, None, [True, False, False])[0]


def _gain_gradient(d: Tensor, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Of all steps and rows."""
    return (x - mean).mul_(scale).mul_(d).sum((0, 1))
