"""The delta rule with forgetting (Yang, Kautz & Hatamizadeh 2024, arXiv 2412.06464).

B rows, T time steps, I input size, H hidden size, n heads, K key size, V value size, W convolution width.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.convolution import CausalConvolution
from rnnbench.backbones.heads import draw_projections, head_size, split, step_bias, unit, zero_state
from rnnbench.errors import at_least
from rnnbench.scan.matrix import delta_scan, outer, read
from rnnbench.scan.product import Linear


class GatedDeltaNet(Backbone):
    """Gated delta rule: all fades, then a key's old value is taken off and the new one written (Yang et al. 2024).

    S_t = a_t S_{t-1} + b_t k_t' (v_t - k_t a_t S_{t-1}), o_t = q_t S_t, y_t = W_o (SiLU(W_g x_t) * norm(o_t)), with
    the rate b = sigma(W_b x) and, as in Mamba-2, the decay a = exp(-A softplus(W_a x + d)). q, k and v are the SiLU of
    a causal convolution of W x; q and k then have length 1 in each head. The norm is the root mean square of each head,
    its weight common to the heads. Convolution, gate and projections are part of this block; norm and residual around
    it are the stack's. Projections begin Glorot with gain 2^-2.5, A uniform in [1, 16], d so that the softplus is
    log-uniform in [0.001, 0.1]; neither decays.

    Args:
        heads: must divide `hidden_size`; keys are `hidden_size` / `heads` wide.
        expansion: value size over key size.
        convolution_width: inputs that the convolution sees.
    """

    primitive = "delta rule"
    version = 2

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        heads: int = 4,
        expansion: int = 2,
        convolution_width: int = 4,
    ) -> None:
        super().__init__()
        self.key_size = head_size(hidden_size, heads)
        at_least(1, expansion=expansion)
        self.output_size, self.heads, self.value_size = hidden_size, heads, expansion * self.key_size
        self.sizes = (hidden_size, hidden_size, expansion * hidden_size)
        self.project = Linear(input_size, sum(self.sizes), bias=False)
        self.convolution = CausalConvolution(sum(self.sizes), convolution_width, bias=False)
        self.rate = Linear(input_size, heads, bias=False)
        self.forget = Linear(input_size, heads)
        self.gate = Linear(input_size, expansion * hidden_size, bias=False)
        self.norm = nn.RMSNorm(self.value_size, eps=1e-5)
        self.out = Linear(expansion * hidden_size, hidden_size, bias=False)
        draw_projections(self)
        self.forget.bias = nn.Parameter(step_bias(heads))
        self.log_a = nn.Parameter(torch.empty(heads).uniform_(1, 16).log())

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        matrix_BnKV = zero_state(self, batch_size, self.heads, self.key_size, self.value_size)
        return matrix_BnKV, self.convolution.window(batch_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKV, window_BWH = state
        qkv_BH, window_BWH = self.convolution.step(self.project(x_BI), window_BWH)
        q_BnK, k_BnK, v_BnV = self._split(qkv_BH)
        b_Bn1 = torch.sigmoid(self.rate(x_BI))[..., None]
        s_BnKV = self._log_decay(x_BI).exp()[..., None, None] * s_BnKV
        s_BnKV = s_BnKV + outer(k_BnK, b_Bn1 * (v_BnV - read(k_BnK, s_BnKV)))
        return self._output(read(q_BnK, s_BnKV), x_BI), (s_BnKV, window_BWH)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKV, window_BWH = self.initial_state(len(x_BTI)) if state is None else state
        qkv_TBH = self.project(x_BTI.transpose(0, 1))
        qkv_BTH, window_BWH = self.convolution(qkv_TBH.transpose(0, 1), window_BWH)
        q_BTnK, k_BTnK, v_BTnV = self._split(qkv_BTH)
        b_BTn1 = torch.sigmoid(self.rate(x_BTI))[..., None]
        log_decay_BTn = self._log_decay(x_BTI)
        o_BTnV, s_BnKV = delta_scan(q_BTnK, k_BTnK, b_BTn1 * v_BTnV, b_BTn1 * k_BTnK, log_decay_BTn, s_BnKV)
        return self._output(o_BTnV, x_BTI), (s_BnKV, window_BWH)

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.log_a, self.forget.bias], decay=False)]

    def _log_decay(self, x: Tensor) -> Tensor:
        return -self.log_a.exp() * nn.functional.softplus(self.forget(x))

    def _split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = nn.functional.silu(qkv).split(self.sizes, dim=-1)
        q, k, v = (split(part, self.heads) for part in parts)
        return unit(q), unit(k), v

    def _output(self, o: Tensor, x: Tensor) -> Tensor:
        gate = nn.functional.silu(split(self.gate(x), self.heads))
        return self.out((gate * self.norm(o)).flatten(-2))
