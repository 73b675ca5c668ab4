"""The sLSTM of the xLSTM (Beck et al. 2024, arXiv 2405.04517)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, sigmoid_slope, tanh, tanh_slope

State = tuple[Tensor, Tensor, Tensor]

LOWEST = -10_000.0
"""The logarithm of the normaliser before the first step, below any i~: the first mean is then the first z."""


class SLSTM(Backbone):
    """sLSTM: exponential input gate, normaliser, a recurrent weight for each head (Beck et al. 2024).

    z~, i~, f~, o~ = W x + R h + b; z = tanh(z~), o = sigma(o~), i = exp(i~), f = sigma(f~), c = f c + i z, n = f n + i,
    h = o c / n (equations 8 to 14 with the sigmoid forget gate).

    The state is the mean r = c / n and l = log n, which no exponential takes out of range, so that the paper's
    stabiliser is not needed: l_t = log(f n + i) = log(exp(log f + l) + exp(i~)), and as f n = n_t - i, r_t = (1 - w) r
    + w z with w = i / n_t = sigma(i~ - log f - l).

    The cell alone: convolution, group norm and feed-forward of the paper's block are not part of it; pre-norm and
    residual are the stack's.

    Glorot input weights. As in the authors' code, R begins at zero and the forget biases follow a power law from 5 to
    -7 along each head; the other biases are zero.

    Args:
        heads: blocks of R, must divide `hidden_size`.
    """

    primitive = "dense loop"
    version = 2

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
        h_BH, r_BH, l_BH = (self.zeros(batch_size, self.output_size) for _ in range(3))
        return h_BH, r_BH, l_BH + LOWEST

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BND, r_BND, l_BND = (tensor.unflatten(1, (self.heads, -1)) for tensor in state)
        rh_BNG = torch.einsum("bnd,ngd->bng", h_BND, self.recurrent)
        z_BND, i_BND, f_BND, o_BND = (self.input(x_BI).view_as(rh_BNG) + rh_BNG).chunk(4, dim=-1)
        kept_BND = nn.functional.logsigmoid(f_BND) + l_BND
        l_BND = torch.logaddexp(kept_BND, i_BND)
        r_BND = torch.lerp(r_BND, torch.tanh(z_BND), torch.sigmoid(i_BND - kept_BND))
        h_BND = torch.sigmoid(o_BND) * r_BND
        h_BH, r_BH, l_BH = (tensor.flatten(1) for tensor in (h_BND, r_BND, l_BND))
        return h_BH, (h_BH, r_BH, l_BH)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBG = self.input(x_BTI.transpose(0, 1))
        wx_TNBG = wx_TBG.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        states = [tensor.unflatten(1, (self.heads, -1)).transpose(0, 1) for tensor in state]
        y_TNBD, last = dense_loop(_Cell(), [wx_TNBG], [self.recurrent], states)
        h_BH, r_BH, l_BH = (tensor.transpose(0, 1).flatten(1) for tensor in last)
        return y_TNBD.permute(2, 0, 1, 3).flatten(2), (h_BH, r_BH, l_BH)


class _Cell(GatedCell):
    """``f`` stays its sum, ``i`` becomes the weight w."""

    states = ("h", "r", "l")
    gates = ("z", "i", "f", "o")

    def forward(self, t: int, m: Memory) -> None:
        i, z = m.i[t], m.z[t]
        tanh(z, out=z)
        m.o[t].sigmoid_()
        kept = nn.functional.logsigmoid(m.f[t]).add_(m.l_before[t])
        torch.logaddexp(kept, i, out=m.l[t])
        i.sub_(kept).sigmoid_()
        torch.lerp(m.r_before[t], z, i, out=m.r[t])
        torch.mul(m.o[t], m.r[t], out=m.h[t])

    def factors(self, m: Memory, d: Memory) -> None:
        d["zi"] = d["gates"].unflatten(-1, (4, -1))[..., :2, :]
        tanh_slope(m["i"], m["z"], out=d["z"])
        sigmoid_slope(m["z"] - m["r_before"], m["i"], out=d["i"])
        torch.neg(m["f"], out=d["f"]).sigmoid_()
        sigmoid_slope(m["r"], m["o"], out=d["o"])

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d_h, d_r, d_l = d["h"], d["r"], d["l"]
        d_r.addcmul_(d_h, m.o[t])
        d.o[t].mul_(d_h)
        d.zi[t].mul_(d_r.unsqueeze(-2))
        d_r.addcmul_(d_r, m.i[t], value=-1)
        d.i[t].addcmul_(d_l, m.i[t])
        d_l.sub_(d.i[t])  # now of log f + l
        d.f[t].mul_(d_l)
