"""Linear attention with the delta rule (Schlag et al. 2021, arXiv 2102.11174; Yang et al. 2024, arXiv 2406.06484).

B rows, T time steps, I input size, H hidden size, n heads, K head size, W convolution width.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.convolution import CausalConvolution
from rnnbench.backbones.heads import draw_projections, head_size, split, unit, zero_state
from rnnbench.scan.matrix import delta_scan, outer, read
from rnnbench.scan.product import Linear


class DeltaNet(Backbone):
    """Delta rule: a key's old value is taken off the matrix state before the new one is written (Yang et al. 2024).

    S_t = S_{t-1} + b_t k_t' (v_t - k_t S_{t-1}), o_t = q_t S_t, y_t = W_o norm(o_t), with the rate b = sigma(W_b x).
    q, k and v are the SiLU of a causal convolution of W x; q and k then have length 1 in each head. The norm is the
    root mean square of each head, its weight common to the heads. Convolution and projections are part of this block;
    norm and residual around it are the stack's. Projections begin Glorot with gain 2^-2.5.

    Args:
        heads: must divide `hidden_size`.
        convolution_width: inputs that the convolution sees.
    """

    primitive = "delta rule"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4, convolution_width: int = 4) -> None:
        super().__init__()
        self.head_size = head_size(hidden_size, heads)
        self.output_size, self.heads = hidden_size, heads
        self.project = Linear(input_size, 3 * hidden_size, bias=False)
        self.convolution = CausalConvolution(3 * hidden_size, convolution_width, bias=False)
        self.rate = Linear(input_size, heads, bias=False)
        self.norm = nn.RMSNorm(self.head_size, eps=1e-5)
        self.out = Linear(hidden_size, hidden_size, bias=False)
        draw_projections(self)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        matrix_BnKK = zero_state(self, batch_size, self.heads, self.head_size, self.head_size)
        return matrix_BnKK, self.convolution.window(batch_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKK, window_BWH = state
        qkv_BH, window_BWH = self.convolution.step(self.project(x_BI), window_BWH)
        q_BnK, k_BnK, v_BnK = self._split(qkv_BH)
        b_Bn1 = torch.sigmoid(self.rate(x_BI))[..., None]
        s_BnKK = s_BnKK + outer(k_BnK, b_Bn1 * (v_BnK - read(k_BnK, s_BnKK)))
        return self._output(read(q_BnK, s_BnKK)), (s_BnKK, window_BWH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKK, window_BWH = self.initial_state(len(x_BTI)) if state is None else state
        qkv_TBH = self.project(x_BTI.transpose(0, 1))
        qkv_BTH, window_BWH = self.convolution(qkv_TBH.transpose(0, 1), window_BWH)
        q_BTnK, k_BTnK, v_BTnK = self._split(qkv_BTH)
        b_BTn1 = torch.sigmoid(self.rate(x_BTI))[..., None]
        o_BTnK, s_BnKK = delta_scan(q_BTnK, k_BTnK, b_BTn1 * v_BTnK, b_BTn1 * k_BTnK, None, s_BnKK)
        return self._output(o_BTnK), (s_BnKK, window_BWH)

    def _split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (split(part, self.heads) for part in nn.functional.silu(qkv).chunk(3, dim=-1))
        return unit(q), unit(k), v

    def _output(self, o: Tensor) -> Tensor:
        return self.out(self.norm(o).flatten(-2))
