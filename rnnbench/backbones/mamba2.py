"""Mamba-2, the state space dual to attention (Dao & Gu 2024, arXiv 2405.21060).

B rows, T time steps, I input size, H hidden size, E inner size, n heads, K state size, V head size, W convolution
width.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.convolution import CausalConvolution
from rnnbench.backbones.heads import head_size, split, step_bias, zero_state
from rnnbench.errors import at_least
from rnnbench.scan.matrix import matrix_scan, outer, read
from rnnbench.scan.product import Linear


class Mamba2(Backbone):
    """Mamba-2: a selective state space with one decay a head (Dao & Gu 2024).

    S_t = exp(-A s_t) S_{t-1} + b_t' (s_t u_t), o_t = c_t S_t + D u_t, y_t = W_o norm(o_t SiLU(z_t)), with the step size
    s = softplus(W_s x + d). u, b and c are the SiLU of a causal convolution of W x; b and c are common to the heads.
    The norm is the root mean square over all heads. Convolution, gate, norm and projections are the paper's block and
    part of this one; the norm before it and the residual are the stack's: ``stack.norm=rms stack.residual=true``. A
    begins uniform in [1, 16], D at 1, d so that s is log-uniform in [0.001, 0.1]; none of them decays.

    Args:
        heads: must divide the inner size; the paper's are of size 64.
        state_size: K, numbers of state an inner channel.
        expansion: inner size over `hidden_size`.
        convolution_width: inputs that the convolution sees.
    """

    primitive = "matrix state"
    version = 2

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        heads: int = 4,
        state_size: int = 64,
        expansion: int = 2,
        convolution_width: int = 4,
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size, state_size=state_size, expansion=expansion)
        self.inner_size = expansion * hidden_size
        self.head_size = expansion * head_size(hidden_size, heads)
        self.output_size, self.heads, self.state_size = hidden_size, heads, state_size
        self.sizes = (self.inner_size, state_size, state_size)
        self.project = Linear(input_size, sum(self.sizes), bias=False)
        self.convolution = CausalConvolution(sum(self.sizes), convolution_width)
        self.gate = Linear(input_size, self.inner_size, bias=False)
        self.step_size = Linear(input_size, heads)
        self.step_size.bias = nn.Parameter(step_bias(heads))
        self.log_a = nn.Parameter(torch.empty(heads).uniform_(1, 16).log())
        self.d = nn.Parameter(torch.ones(heads))
        self.norm = nn.RMSNorm(self.inner_size, eps=1e-5)
        self.out = Linear(self.inner_size, hidden_size, bias=False)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        matrix_BnKV = zero_state(self, batch_size, self.heads, self.state_size, self.head_size)
        return matrix_BnKV, self.convolution.window(batch_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKV, window_BWE = state
        ubc_BE, window_BWE = self.convolution.step(self.project(x_BI), window_BWE)
        u_BnV, b_B1K, c_B1K = self._split(ubc_BE)
        step_Bn = nn.functional.softplus(self.step_size(x_BI))
        decay_Bn = torch.exp(-self.log_a.exp() * step_Bn)
        s_BnKV = decay_Bn[..., None, None] * s_BnKV + outer(b_B1K, step_Bn[..., None] * u_BnV)
        return self._output(read(c_B1K, s_BnKV), u_BnV, x_BI), (s_BnKV, window_BWE)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKV, window_BWE = self.initial_state(len(x_BTI)) if state is None else state
        ubc_TBE = self.project(x_BTI.transpose(0, 1))
        ubc_BTE, window_BWE = self.convolution(ubc_TBE.transpose(0, 1), window_BWE)
        u_BTnV, b_BT1K, c_BT1K = self._split(ubc_BTE)
        step_BTn = nn.functional.softplus(self.step_size(x_BTI))
        b_BTnK, c_BTnK = (common.expand(-1, -1, self.heads, -1) for common in (b_BT1K, c_BT1K))
        log_decay_BTn = -self.log_a.exp() * step_BTn
        o_BTnV, s_BnKV = matrix_scan(c_BTnK, b_BTnK, step_BTn[..., None] * u_BTnV, log_decay_BTn, s_BnKV)
        return self._output(o_BTnV, u_BTnV, x_BTI), (s_BnKV, window_BWE)

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.log_a, self.d, self.step_size.bias], decay=False)]

    def _split(self, ubc: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, b, c = nn.functional.silu(ubc).split(self.sizes, dim=-1)
        return split(u, self.heads), b[..., None, :], c[..., None, :]

    def _output(self, o: Tensor, u: Tensor, x: Tensor) -> Tensor:
        skipped = (o + self.d[:, None] * u).flatten(-2)
        return self.out(self.norm(skipped * nn.functional.silu(self.gate(x))))
