"""The pointwise work of the long short-term memory, for the dense loops of those cells that have it within.

Of the gates i, f, g and o and the cell c before: c = sigma(f) c + sigma(i) tanh(g), h = sigma(o) tanh(c).
"""

from torch import Tensor, mul

from rnnbench.scan.dense import Memory, sigmoid_slope, tanh, tanh_slope

GATES = ("i", "f", "g", "o")


def name_parts(gates: Memory) -> None:
    """Names the gates' neighbours that are treated alike: i and f as ``if``; i, f and g as ``ifg``, [T, B, 3, H]."""
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
