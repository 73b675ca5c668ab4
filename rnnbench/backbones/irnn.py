"""The recurrent network that begins as an identity (Le, Jaitly & Hinton 2015, arXiv 1504.00941)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.elman import ReluCell
from rnnbench.errors import at_least
from rnnbench.scan.dense import dense_loop
from rnnbench.scan.product import Linear


class IRNN(Backbone):
    """Rectified recurrent network that begins as an identity, h_t = relu(W x_t + U h_{t-1} + b) (Le et al. 2015).

    U begins as `scale` times the identity and b at zero, so that the state is kept until training finds better; W is
    Gaussian of standard deviation 0.001 (section 3 of the paper, which takes a `scale` of 0.01 for speech).
    """

    primitive = "dense loop"

    def __init__(self, input_size: int, *, hidden_size: int = 128, scale: float = 1.0) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.input = Linear(input_size, hidden_size)
        nn.init.normal_(self.input.weight, std=0.001)
        nn.init.zeros_(self.input.bias)
        self.recurrent = nn.Parameter(scale * torch.eye(hidden_size))

    def initial_state(self, batch_size: int) -> Tensor:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        h_BH = torch.relu(self.input(x_BI) + state @ self.recurrent.T)
        return h_BH, h_BH

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBH = self.input(x_BTI.transpose(0, 1))
        y_TBH, (h_BH,) = dense_loop(ReluCell(), [wx_TBH], [self.recurrent], [h_BH])
        return y_TBH.transpose(0, 1), h_BH
