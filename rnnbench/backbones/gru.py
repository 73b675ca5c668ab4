"""The gated recurrent unit (Cho et al. 2014, arXiv 1406.1078)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.initialization import initialize
from rnnbench.errors import at_least


class GRU(Backbone):
    """Gated recurrent unit: reset and update gates, one state (Cho et al. 2014).

    r = sigma(W_r x + U_r h), z = sigma(W_z x + U_z h), n = tanh(W_n x + r (U_n h + b_n)), h = (1 - z) n + z h. As in
    torch, whose layer runs it, the reset gate stands outside the product, and there are biases for W x and for U h.
    """

    primitive = "torch.nn.GRU"

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

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        y_BTH, h_1BH = self.layer(x_BTI, h_BH[None])
        return y_BTH, h_1BH[0]
