"""The Mogrifier LSTM (Melis, Kocisky & Blunsom 2020, arXiv 1909.01792)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import glorot, input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.dense import Cell, Memory, dense_loop
from rnnbench.scan.lstm import GATES, lstm_backward, lstm_factors, lstm_forward, name_parts
from rnnbench.scan.product import weight_gradient


class MogrifierLSTM(Backbone):
    """LSTM whose input and state gate one another for some rounds before each step (Melis et al. 2020).

    Rounds r = 1, 2, …: where r is odd, x = 2 sigma(Q_r h) x; where it is even, h = 2 sigma(R_r x) h (equations 2 and
    3). Then i, f, o = sigma(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c). Q and R are whole,
    not of low rank. As x waits for h, no product comes before the loop.

    Glorot input and gating weights, orthogonal recurrent ones, biases zero, that of the forget gate 1.
    """

    primitive = "dense loop"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, rounds: int = 5) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        at_least(0, rounds=rounds)
        self.output_size = hidden_size
        self.input = input_layer(input_size, hidden_size, gates=4, forget_gate=1)
        self.recurrent = recurrent_weight(hidden_size, hidden_size, gates=4)
        sizes = [(input_size, hidden_size), (hidden_size, input_size)]
        self.mogrifiers = nn.ParameterList(torch.empty(sizes[index % 2]) for index in range(rounds))
        for weight in self.mogrifiers:
            glorot(weight)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, c_BH = state
        for index, weight in enumerate(self.mogrifiers):
            if index % 2:
                h_BH = 2 * torch.sigmoid(x_BI @ weight.T) * h_BH
            else:
                x_BI = 2 * torch.sigmoid(h_BH @ weight.T) * x_BI
        i_BH, f_BH, g_BH, o_BH = (self.input(x_BI) + h_BH @ self.recurrent.T).chunk(4, dim=-1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        h_BH = torch.sigmoid(o_BH) * torch.tanh(c_BH)
        return h_BH, (h_BH, c_BH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        wu_GS = torch.cat([self.input.weight, self.recurrent], dim=1)
        weights = [wu_GS, *self.mogrifiers, self.input.bias]
        cell = _Cell(len(self.mogrifiers))
        y_TBH, (h_BH, c_BH) = dense_loop(cell, [x_BTI.transpose(0, 1)], weights, state)
        return y_TBH.transpose(0, 1), (h_BH, c_BH)


class _Round(NamedTuple):
    """A round by the names of its tensors: target = gate before, gate = 2 sigma(weight source)."""

    weight: str
    source: str
    gate: str
    before: str
    target: str


def _rounds(count: int) -> list[_Round]:
    """Of input ``x0`` and state ``h_before`` the last make ``x_in`` and ``h_in``, the halves of ``xh``."""
    latest, rounds = {"x": "x0", "h": "h_before"}, []
    for number in range(1, count + 1):
        kind, other = ("x", "h") if number % 2 else ("h", "x")
        target = f"{kind}_in" if number > count - 2 else f"{kind}{number}"
        rounds.append(_Round(f"q{number}", latest[other], f"gate{number}", latest[kind], target))
        latest[kind] = target
    return rounds


class _Cell(Cell):
    inputs = ("x0",)
    states = ("h", "c")
    forgotten = ()

    def __init__(self, rounds: int) -> None:
        self.rounds = _rounds(rounds)
        self.multiplied = ("wu", *(each.weight for each in self.rounds))
        self.weights = (*self.multiplied, "b")
        self.unchanged = [("x0", "x_in"), ("h_before", "h_in")][min(rounds, 2) :]

    def allocate(self, m: Memory) -> None:
        sizes = [m["x0"].shape[-1], m["h"].shape[-1]]
        m.add("xh", m["h"], sum(sizes))
        m["x_in"], m["h_in"] = m["xh"].split(sizes, dim=-1)
        for each in self.rounds:
            m.add(each.gate, m[each.before])
            if each.target not in m:
                m.add(each.target, m[each.before])
        m.add("gates", m["c"], 4 * sizes[1])
        m.split("gates", GATES)
        m.add("tanh_c", m["c"])
        name_parts(m)

    def advance(self, t: int, m: Memory) -> None:
        for source, target in self.unchanged:
            m.at(target, t).copy_(m.at(source, t))
        for each in self.rounds:
            gate = m.matrices[each.weight].times(m.at(each.source, t)).sigmoid_()
            torch.add(gate, gate, out=m.at(each.gate, t))
            torch.mul(m.at(each.gate, t), m.at(each.before, t), out=m.at(each.target, t))
        m.matrices["wu"].add_times(m["b"], m.xh[t], out=m.gates[t])
        lstm_forward(t, m, h=m.h[t])

    def prepare(self, m: Memory, d: Memory) -> None:
        d.add("gates", m["gates"])
        d.split("gates", GATES)
        d.add("x0", m["x0"])
        name_parts(d)
        lstm_factors(m, d)
        for each in self.rounds:
            d[each.gate] = torch.addcmul(m[each.target], m[each.target], m[each.gate], value=-0.5)

    def retreat(self, t: int, m: Memory, d: Memory) -> None:
        lstm_backward(t, m, d, d["h"])
        d_x, d_h = d.matrices["wu"].times(d.gates[t]).split([d["x0"].shape[-1], d["h"].shape[-1]], dim=-1)
        for number, each in reversed(list(enumerate(self.rounds))):
            d_target, d_source = (d_h, d_x) if number % 2 else (d_x, d_h)
            d.at(each.gate, t).mul_(d_target)
            d_target.mul_(m.at(each.gate, t))
            d_source.add_(d.matrices[each.weight].times(d.at(each.gate, t)))
        d.x0[t].copy_(d_x)
        d["h"] = d_h

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        weights = {each.weight: weight_gradient(d[each.gate], m[each.source]) for each in self.rounds}
        return weights | {
            "x0": d["x0"], "wu": weight_gradient(d["gates"], m["xh"]), "b": d["gates"].sum((0, 1)),
        }  # fmt: skip
