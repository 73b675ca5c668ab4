"""The independently recurrent network (Li et al. 2018, arXiv 1803.04831)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.feedforward import ACTIVATIONS
from rnnbench.errors import at_least
from rnnbench.scan.elementwise import elementwise_scan
from rnnbench.scan.product import Linear


class IndRNN(Backbone):
    """Independently recurrent network, h_t = phi(W x_t + u h_{t-1} + b): a unit hears itself only (Li et al. 2018).

    Glorot weights, zero biases. Each u is drawn from [0, `bound`]: after T steps a relu keeps u^T of what it heard, so
    the paper bounds u by gamma^(1/T), which is near 1 for long sequences. The bound is that of the beginning; training
    may leave it. The paper's batch norm between layers belongs to the stack.
    """

    primitive = "elementwise scan"

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        activation: Literal["relu", "tanh"] = "relu",
        bound: float = 1.0,
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        at_least(0, bound=bound)
        self.output_size = hidden_size
        self.activation = ACTIVATIONS[activation]
        self.input = Linear(input_size, hidden_size)
        self.u = nn.Parameter(torch.empty(hidden_size).uniform_(0, bound))
        nn.init.xavier_uniform_(self.input.weight)
        nn.init.zeros_(self.input.bias)

    def initial_state(self, batch_size: int) -> Tensor:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        (h_BH,) = self._recurrence((self.input(x_BI),), (state,), (self.u,))
        return h_BH, h_BH

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBH = self.input(x_BTI.transpose(0, 1).contiguous())
        (h_TBH,) = elementwise_scan(self._recurrence, (wx_TBH,), (h_BH,), (self.u,))
        return h_TBH.transpose(0, 1), h_TBH[-1]

    def _recurrence(self, inputs: Sequence[Tensor], state: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
        (wx,), (h,), (u,) = inputs, state, weights
        return [self.activation(torch.addcmul(wx, u, h))]
