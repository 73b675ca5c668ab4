"""The LSTM with coupled input and forget gates (Greff et al. 2015, arXiv 1503.04069)."""

import torch
from torch import Tensor

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import input_layer, recurrent_weight
from rnnbench.errors import at_least
from rnnbench.scan.lstm import torch_lstm


class CIFGLSTM(Backbone):
    """LSTM whose input gate is what its forget gate leaves, i = 1 - f (Greff et al. 2015).

    f, o = sigma(W x + U h + b), g = tanh(W x + U h + b), c = f c + (1 - f) g, h = o tanh(c).

    Glorot input weights, orthogonal recurrent ones, biases zero, that of the forget gate 1. Without the peepholes of
    the paper.

    As 1 - sigma(s) = sigma(-s), torch's own LSTM runs it, whose input gate gets the negative of the forget gate's sum:
    a third more work than there is to do, at twice the speed of a loop.
    """

    primitive = "torch.nn.LSTM"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.input = input_layer(input_size, hidden_size, gates=3, forget_gate=0)
        self.recurrent = recurrent_weight(hidden_size, hidden_size, gates=3)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.zeros(batch_size, self.output_size), self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BH, c_BH = state
        f_BH, g_BH, o_BH = (self.input(x_BI) + h_BH @ self.recurrent.T).chunk(3, dim=-1)
        f_BH = torch.sigmoid(f_BH)
        c_BH = f_BH * c_BH + (1 - f_BH) * torch.tanh(g_BH)
        h_BH = torch.sigmoid(o_BH) * torch.tanh(c_BH)
        return h_BH, (h_BH, c_BH)

    def gate_values(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        f_BH, _, o_BH = torch.sigmoid(self.input(x_BI) + state[0] @ self.recurrent.T).chunk(3, dim=-1)
        return {"forget": f_BH, "output": o_BH}

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        weights = [_four_gates(p) for p in (self.input.weight, self.recurrent, self.input.bias)]
        biases = [weights.pop(), self.input.bias.new_zeros(4 * self.output_size)]
        h_BH, c_BH = state
        y_BTH, h_BH, c_BH = torch_lstm(x_BTI, h_BH, c_BH, weights, biases, train=self.training)
        return y_BTH, (h_BH, c_BH)


def _four_gates(weight: Tensor) -> Tensor:
    """Rows of the gates f, g and o to those of i, f, g and o."""
    return torch.cat([-weight[: len(weight) // 3], weight])
