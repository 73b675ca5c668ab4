"""The sLSTM of the xLSTM (Beck et al. 2024, arXiv 2405.04517)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, sigmoid_slope, tanh, tanh_slope

State = tuple[Tensor, Tensor, Tensor, Tensor]

LOWEST = -10_000.0
"""The stabiliser before the first step, below any i~: the first i is then 1, and the normaliser never below it."""


class SLSTM(Backbone):
    """sLSTM: exponential input gate, normaliser, stabiliser, a recurrent weight for each head (Beck et al. 2024).

    z~, i~, f~, o~ = W x + R h + b; z = tanh(z~), o = sigma(o~), m_t = max(log sigma(f~) + m, i~), i = exp(i~ - m_t),
    f = exp(log sigma(f~) + m - m_t), c = f c + i z, n = f n + i, h = o c / n (equations 8 to 17 with the sigmoid
    forget gate). m only keeps the exponentials in range; h does not depend on it.

    The cell alone: convolution, group norm and feed-forward of the paper's block are not part of it; pre-norm and
    residual are the stack's.

    Glorot input weights. As in the authors' code, R begins at zero and the forget biases follow a power law from 5 to
    -7 along each head; the other biases are zero.

    Args:
        heads: blocks of R, must divide `hidden_size`.
    """

    primitive = "dense loop"

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size, heads=heads)
        if hidden_size % heads:
            raise ValueError(f"heads must divide hidden_size {hidden_size}, got {heads}")
        self.output_size, self.heads, self.head_size = hidden_size, heads, hidden_size // heads
        self.input = input_layer(input_size, self.head_size, gates=4 * heads)  # the four gates of each head in turn
        self.recurrent = nn.Parameter(torch.zeros(heads, 4 * self.head_size, self.head_size))
        along_D = torch.arange(self.head_size) / max(1, self.head_size - 1)
        self.input.bias.detach().view(heads, 4, self.head_size)[:, 2] = 5 - 12 * along_D**0.3

    def initial_state(self, batch_size: int) -> State:
        h_BH, c_BH, n_BH, m_BH = (self.zeros(batch_size, self.output_size) for _ in range(4))
        return h_BH, c_BH, n_BH, m_BH + LOWEST

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BND, c_BND, n_BND, m_BND = (tensor.unflatten(1, (self.heads, -1)) for tensor in state)
        rh_BNG = torch.einsum("bnd,ngd->bng", h_BND, self.recurrent)
        z_BND, i_BND, f_BND, o_BND = (self.input(x_BI).view_as(rh_BNG) + rh_BNG).chunk(4, dim=-1)
        f_BND = nn.functional.logsigmoid(f_BND) + m_BND
        m_BND = torch.maximum(f_BND, i_BND)
        i_BND, f_BND = torch.exp(i_BND - m_BND), torch.exp(f_BND - m_BND)
        c_BND = f_BND * c_BND + i_BND * torch.tanh(z_BND)
        n_BND = f_BND * n_BND + i_BND
        h_BND = torch.sigmoid(o_BND) * c_BND / n_BND
        h_BH, c_BH, n_BH, m_BH = (tensor.flatten(1) for tensor in (h_BND, c_BND, n_BND, m_BND))
        return h_BH, (h_BH, c_BH, n_BH, m_BH)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBG = self.input(x_BTI.transpose(0, 1))
        wx_TNBG = wx_TBG.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        states = [tensor.unflatten(1, (self.heads, -1)).transpose(0, 1) for tensor in state]
        y_TNBD, last = dense_loop(_Cell(), [wx_TNBG], [self.recurrent], states)
        h_BH, c_BH, n_BH, m_BH = (tensor.transpose(0, 1).flatten(1) for tensor in last)
        return y_TNBD.permute(2, 0, 1, 3).flatten(2), (h_BH, c_BH, n_BH, m_BH)


class _Cell(GatedCell):
    """``opening`` is sigma(f~); ``i`` and ``f`` become the gates after the stabiliser, of which one is exp(0)."""

    states = ("h", "c", "n", "m")
    gates = ("z", "i", "f", "o")
    kept = ("opening",)

    def allocate(self, m: Memory) -> None:
        super().allocate(m)
        m["i_f"] = m["gates"].unflatten(-1, (4, -1))[..., 1:3, :]

    def forward(self, t: int, m: Memory) -> None:
        i, f = m.i[t], m.f[t]
        tanh(m.z[t], out=m.z[t])
        m.o[t].sigmoid_()
        torch.sigmoid(f, out=m.opening[t])
        torch.add(nn.functional.logsigmoid(f), m.m_before[t], out=f)
        torch.maximum(f, i, out=m.m[t])
        m.i_f[t].sub_(m.m[t].unsqueeze(-2)).exp_()
        torch.mul(f, m.c_before[t], out=m.c[t]).addcmul_(i, m.z[t])
        torch.addcmul(i, f, m.n_before[t], out=m.n[t])
        torch.div(m.c[t], m.n[t], out=m.h[t]).mul_(m.o[t])

    def factors(self, m: Memory, d: Memory) -> None:
        d["h_of_c"], d["h_of_n"] = m["o"] / m["n"], m["h"] / m["n"]
        sigmoid_slope(m["c"] / m["n"], m["o"], out=d["o"])
        tanh_slope(m["i"], m["z"], out=d["z"])
        d.add("from_f", m["c"])
        torch.eq(m["f"], 1, out=d["from_f"])  # whether the maximum was the exponent of f

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d_h, d_c, d_n, d_m = d["h"], d["c"], d["n"], d["m"]
        d_c.addcmul_(d_h, d.h_of_c[t])
        d_n.addcmul_(d_h, d.h_of_n[t], value=-1)
        d.o[t].mul_(d_h)
        d.z[t].mul_(d_c)
        d_i = torch.addcmul(d_n, d_c, m.z[t], out=d.i[t]).mul_(m.i[t])
        d_c.mul_(m.f[t])
        d_n.mul_(m.f[t])
        d_f = (d_c * m.c_before[t]).addcmul_(d_n, m.n_before[t])
        d_m.sub_(d_i).sub_(d_f)  # of m alone: zero, but where a loss is of c, n or m themselves
        d_i.add_(d_m)
        d_m.mul_(d.from_f[t])
        d_i.sub_(d_m)
        d_m.add_(d_f)  # now of log sigma(f~) + m
        torch.addcmul(d_m, d_m, m.opening[t], value=-1, out=d.f[t])
