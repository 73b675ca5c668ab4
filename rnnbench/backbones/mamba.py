"""Mamba, the selective state space (Gu & Dao 2023, arXiv 2312.00752).

B rows, T time steps, I input size, H hidden size, E inner size, N state size, R rank of the step sizes, W convolution
width.
"""

import math

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.convolution import CausalConvolution
from rnnbench.backbones.selective_scan import selective_scan
from rnnbench.backbones.state_space import log_uniform, wide
from rnnbench.errors import at_least
from rnnbench.scan.product import Linear


class Mamba(Backbone):
    """Mamba: a state space whose step size, input and output depend on the input (Gu & Dao 2023).

    h_t = exp(s A) h_{t-1} + s b_t u_t, y_t = W_o ((c_t h_t + D u_t) SiLU(W_z x_t)), where u is the SiLU of a causal
    convolution of W_u x; b and c [N] are linear in u, and so is the softplus's argument in s = softplus(W_s u + bias),
    through a bottleneck. Convolution, gate and projections are the paper's block and part of this one; its norm and
    residual are the stack's: ``stack.norm=rms stack.residual=true``. A begins as -1 … -N (S4D-Real), D at 1, the bias
    so that s is log-uniform in [0.001, 0.1]. A, D and the bias do not decay.

    Args:
        state_size: N, numbers of state an inner channel.
        expansion: inner size over `hidden_size`.
        convolution_width: inputs that the convolution sees.
        step_rank: size of the bottleneck before the step sizes; None means `hidden_size` / 16, rounded up.
    """

    primitive = "linear scan"

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        state_size: int = 16,
        expansion: int = 2,
        convolution_width: int = 4,
        step_rank: int | None = None,
    ) -> None:
        super().__init__()
        rank = math.ceil(hidden_size / 16) if step_rank is None else step_rank
        at_least(1, hidden_size=hidden_size, state_size=state_size, expansion=expansion, step_rank=rank)
        at_least(1, convolution_width=convolution_width)
        self.output_size, self.sizes = hidden_size, (rank, state_size, state_size)
        inner_size = expansion * hidden_size
        self.branches = Linear(input_size, 2 * inner_size, bias=False)
        self.convolution = CausalConvolution(inner_size, convolution_width)
        self.select = Linear(inner_size, sum(self.sizes), bias=False)
        self.step_size = Linear(rank, inner_size)
        nn.init.uniform_(self.step_size.weight, -(rank**-0.5), rank**-0.5)
        begin = log_uniform(0.001, 0.1, inner_size).exp()
        self.step_size.bias = nn.Parameter(begin + torch.log(-torch.expm1(-begin)))  # the inverse of softplus
        self.log_decay = nn.Parameter(torch.arange(1, state_size + 1).float().log()[:, None].repeat(1, inner_size))
        self.d = nn.Parameter(torch.ones(inner_size))
        self.out = Linear(inner_size, hidden_size, bias=False)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return wide(self.zeros(batch_size, *self.log_decay.shape)), self.convolution.window(batch_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BNE, window_BWE = state
        u_BE, z_BE = self.branches(x_BI).chunk(2, dim=-1)
        u_BE, window_BWE = self.convolution.step(u_BE, window_BWE)
        u_BE = nn.functional.silu(u_BE)
        s_BE, b_BN, c_BN = self._select(u_BE)
        h_BNE = torch.exp(s_BE[:, None] * self._eigenvalues()) * h_BNE + b_BN[:, :, None] * (s_BE * u_BE)[:, None]
        y_BE = (c_BN[:, :, None] * h_BNE).sum(1)
        return self._output(y_BE, u_BE, z_BE), (h_BNE, window_BWE)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h_BNE, window_BWE = self.initial_state(len(x_BTI)) if state is None else state
        u_TBE, z_TBE = self.branches(x_BTI.transpose(0, 1)).chunk(2, dim=-1)
        u_BTE, window_BWE = self.convolution(u_TBE.transpose(0, 1), window_BWE)
        u_TBE = nn.functional.silu(u_BTE).transpose(0, 1)
        s_TBE, b_TBN, c_TBN = self._select(u_TBE)
        y_TBE, h_BNE = selective_scan(s_TBE * u_TBE, s_TBE, self._eigenvalues(), b_TBN, c_TBN, h_BNE)
        return self._output(y_TBE, u_TBE, z_TBE).transpose(0, 1), (h_BNE, window_BWE)

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.log_decay, self.d, self.step_size.bias], decay=False)]

    def _eigenvalues(self) -> Tensor:
        return -torch.exp(wide(self.log_decay))

    def _select(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step sizes [..., E], input and output vectors [..., N]."""
        low, b, c = self.select(u).split(self.sizes, dim=-1)
        return nn.functional.softplus(wide(self.step_size(low))), wide(b), wide(c)

    def _output(self, y: Tensor, u: Tensor, z: Tensor) -> Tensor:
        return self.out((y.to(u.dtype) + self.d * u) * nn.functional.silu(z))
