"""The LSTM whose output is projected to fewer numbers (Sak, Senior & Beaufays 2014, arXiv 1402.1128)."""

import torch
from torch import Tensor

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import glorot, input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.dense import GatedCell, Memory, dense_loop
from rnnbench.scan.lstm import GATES, lstm_backward, lstm_factors, lstm_forward, name_parts, torch_lstm
from rnnbench.scan.product import linear, weight_gradient

SMALL = 128
"""Hidden size up to which torch's LSTM is the faster: 1.1 to 3.3 times there, 0.4 to 1.1 times from 256 on."""


class ProjectedLSTM(Backbone):
    """LSTM with a recurrent projection layer, r = P (o tanh(c)), which is output and what recurs (Sak et al. 2014).

    i, f, o = sigma(W x + U r + b), g = tanh(W x + U r + b), c = f c + i g, as torch.nn.LSTM with `proj_size`. Without
    the peepholes of the paper.

    As U r = (U P) (o tanh(c)), torch's own LSTM of the recurrent weight U P runs a small one, and one product projects
    all steps; the first step is apart where it is given an r, of which no o tanh(c) is known. It is more work than
    there is to do, which pays up to some hidden size; the dense loop runs the larger ones.

    Glorot input and projection weights, orthogonal recurrent ones, biases zero, that of the forget gate 1.

    Args:
        projection_size: numbers of r, at most `hidden_size`; None means a quarter of it.
    """

    primitive = "dense loop"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, projection_size: int | None = None) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        size = max(1, hidden_size // 4) if projection_size is None else projection_size
        at_least(1, projection_size=size)
        if size > hidden_size:
            raise ValueError(f"projection_size must be at most hidden_size {hidden_size}, got {size}")
        self.output_size, self.hidden_size = size, hidden_size
        self.input = input_layer(input_size, hidden_size, gates=4, forget_gate=1)
        self.recurrent = recurrent_weight(hidden_size, size, gates=4)
        self.projection = torch.nn.Parameter(torch.empty(size, hidden_size))
        glorot(self.projection)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.hidden_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, c_BH = self._unprojected(x_BI, state)
        r_BR = h_BH @ self.projection.T
        return r_BR, (r_BR, c_BH)

    def gate_values(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        i_BH, f_BH, _, o_BH = torch.sigmoid(self.input(x_BI) + state[0] @ self.recurrent.T).chunk(4, dim=-1)
        return {"input": i_BH, "forget": f_BH, "output": o_BH}

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if self.hidden_size <= SMALL:
            return self._by_torchs_lstm(x_BTI, state)
        return self._by_dense_loop(x_BTI, self.initial_state(len(x_BTI)) if state is None else state)

    def _by_torchs_lstm(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if state is None:  # r is zero, and so is an h that projects to it
            zeros_BH = self.zeros(len(x_BTI), self.hidden_size)
            h_BTH, c_BH = self._unprojected_rest(x_BTI, zeros_BH, zeros_BH)
        else:
            h_BH, c_BH = self._unprojected(x_BTI[:, 0], state)
            h_BTH = h_BH[:, None]
            if x_BTI.shape[1] > 1:
                rest_BTH, c_BH = self._unprojected_rest(x_BTI[:, 1:], h_BH, c_BH)
                h_BTH = torch.cat([h_BTH, rest_BTH], dim=1)
        r_TBR = linear(h_BTH.transpose(0, 1), self.projection)  # as torch's LSTM leaves it in memory
        return r_TBR.transpose(0, 1), (r_TBR[-1], c_BH)

    def _unprojected_rest(self, x_BTI: Tensor, h_BH: Tensor, c_BH: Tensor) -> tuple[Tensor, Tensor]:
        """All steps from an o tanh(c) and c: o tanh(c) after each, c after the last."""
        weights = [self.input.weight, self.recurrent @ self.projection]
        biases = [self.input.bias, torch.zeros_like(self.input.bias)]
        h_BTH, _, c_BH = torch_lstm(x_BTI, h_BH, c_BH, weights, biases, train=self.training)
        return h_BTH, c_BH

    def _by_dense_loop(self, x_BTI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        wx_TBG = self.input(x_BTI.transpose(0, 1))
        r_TBR, (r_BR, c_BH) = dense_loop(_Cell(), [wx_TBG], [self.recurrent, self.projection], state)
        return r_TBR.transpose(0, 1), (r_BR, c_BH)

    def _unprojected(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """One step: o tanh(c) and c."""
        r_BR, c_BH = state
        i_BH, f_BH, g_BH, o_BH = (self.input(x_BI) + r_BR @ self.recurrent.T).chunk(4, dim=-1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        return torch.sigmoid(o_BH) * torch.tanh(c_BH), c_BH


class _Cell(GatedCell):
    """The state ``h`` is r; ``whole`` is what is projected."""

    weights = multiplied = ("u", "p")
    states = ("h", "c")
    gates = GATES
    kept = ("tanh_c", "whole")

    def allocate(self, m: Memory) -> None:
        super().allocate(m)
        name_parts(m)

    def forward(self, t: int, m: Memory) -> None:
        lstm_forward(t, m, h=m.whole[t])
        m.h[t].copy_(m.matrices["p"].times(m.whole[t]))

    def factors(self, m: Memory, d: Memory) -> None:
        name_parts(d)
        lstm_factors(m, d)
        d.add("r", m["h"])

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d.r[t].copy_(d["h"])
        lstm_backward(t, m, d, d_h=d.matrices["p"].times(d["h"]))

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        return super().gradients(m, d) | {"p": weight_gradient(d["r"], m["whole"])}
