"""The long short-term memory within other cells: torch's own layer, and its pointwise work for their dense loops.

Of the gates i, f, g and o and the cell c before: c = sigma(f) c + sigma(i) tanh(g), h = sigma(o) tanh(c).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, mul

from rnnbench.scan.dense import Memory, sigmoid_slope, tanh, tanh_slope

GATES = ("i", "f", "g", "o")


def torch_lstm(
    x_BTI: Tensor, h_BH: Tensor, c_BH: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], *, train: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Torch's own layer, for cells that are one with other weights.

    Args:
        weights: of the input, [4 H, I], and of the state, [4 H, H]; of the gates in torch's order.
        biases: the same, [4 H] each.

    Returns:
        h after each step, [B, T, H], and h and c after the last.
    """
    y_BTH, h_1BH, c_1BH = torch.lstm(
        x_BTI, [h_BH[None], c_BH[None]], [*weights, *biases], has_biases=True, num_layers=1, dropout=0.0,
        train=train, bidirectional=False, batch_first=True,
    )  # fmt: skip
    return y_BTH, h_1BH[0], c_1BH[0]


def name_parts(gates: Memory) -> None:
    """Names the gates' neighbours that are treated alike: i and f as ``i_f``; i, f and g as ``ifg``, [T, B, 3, H]."""
    four = gates["gates"].unflatten(-1, (4, -1))
    gates["i_f"], gates["ifg"] = four[..., :2, :], four[..., :3, :]


def lstm_forward(t: int, m: Memory, h: Tensor) -> None:
    """Turns the gates' sums into gates, writes ``c``, ``tanh_c`` and `h`."""
    m.i_f[t].sigmoid_()
    tanh(m.g[t], out=m.g[t])
    m.o[t].sigmoid_()
    mul(m.f[t], m.c_before[t], out=m.c[t]).addcmul_(m.i[t], m.g[t])
    tanh(m.c[t], out=m.tanh_c[t])
    mul(m.o[t], m.tanh_c[t], out=h)


def lstm_factors(m: Memory, d: Memory) -> None:
    """Writes into the gates of `d` and into ``slope`` what `lstm_backward` multiplies by the gradients of h and c."""
    d.add("slope", m["c"])
    sigmoid_slope(m["g"], m["i"], out=d["i"])
    sigmoid_slope(m["c_before"], m["f"], out=d["f"])
    tanh_slope(m["i"], m["g"], out=d["g"])
    sigmoid_slope(m["tanh_c"], m["o"], out=d["o"])
    tanh_slope(m["o"], m["tanh_c"], out=d["slope"])


def lstm_backward(t: int, m: Memory, d: Memory, d_h: Tensor) -> None:
    """Turns the factors into the sums' gradients, ``c`` of `d` into that before the step; `d_h` is that of h."""
    d["c"].addcmul_(d_h, d.slope[t])
    d.o[t].mul_(d_h)
    d.ifg[t].mul_(d["c"][:, None])
    d["c"].mul_(m.f[t])
