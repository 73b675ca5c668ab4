"""The simplified state space, S5 (Smith et al. 2022, arXiv 2208.04933).

B rows, T time steps, I input size, N complex states (half the state size), H hidden size.
"""

import math

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.state_space import (
    Feedthrough,
    as_complex,
    as_pairs,
    complex_zeros,
    conjugate_pairs,
    hippo,
    log_uniform,
    wide,
    zero_order_hold,
)
from rnnbench.errors import at_least
from rnnbench.scan.linear import linear_scan
from rnnbench.scan.product import Linear, linear


class S5(Backbone):
    """Simplified state space: one diagonal system with many inputs and outputs (Smith et al. 2022).

    h_t = exp(A s) h_{t-1} + ((exp(A s) - 1) / A) B x_t, y_t = 2 Re(C h_t) + D x_t, with a step size s a state. Of each
    conjugate pair one is kept. A begins as the eigenvalues of `blocks` HiPPO-N matrices, B and C as normal real
    matrices brought into their eigenvectors' basis. A (whose real part stays negative) and s learn at a quarter of the
    rate and without decay. The block's mixing follows: g = GELU(y), g sigma(W g). The paper also wraps it in a norm
    and a residual: ``stack.norm=layer stack.residual=true``.

    Args:
        state_size: real numbers in the state; None means `hidden_size`, made even.
        blocks: HiPPO-N matrices along the diagonal at the beginning.
        min_step: step sizes begin log-uniform from here
        max_step: to here.
    """

    primitive = "complex linear scan"

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        state_size: int | None = None,
        blocks: int = 1,
        min_step: float = 0.001,
        max_step: float = 0.1,
    ) -> None:
        super().__init__()
        state_size = hidden_size + hidden_size % 2 if state_size is None else state_size
        at_least(1, hidden_size=hidden_size, state_size=state_size, blocks=blocks)
        if state_size % (2 * blocks):
            raise ValueError(f"state_size {state_size} must be a multiple of 2 x blocks, 2 x {blocks}")
        if not 0 < min_step <= max_step:
            raise ValueError(f"0 < min_step <= max_step must hold, got {min_step} and {max_step}")
        self.output_size = hidden_size
        eigenvalues, vectors = hippo(state_size // blocks)
        eigenvalues, vectors = eigenvalues.repeat(blocks), torch.block_diag(*[vectors] * blocks)
        self.log_decay = nn.Parameter(torch.log(-eigenvalues.real).float())
        self.frequency = nn.Parameter(eigenvalues.imag.float())
        self.log_step = nn.Parameter(log_uniform(min_step, max_step, state_size // 2))
        # Real and imaginary parts in turn; C is kept as its conjugate, whose real product is Re(C h).
        b = vectors.mH @ torch.randn(state_size, input_size).to(vectors) / math.sqrt(input_size)
        c = torch.randn(hidden_size, state_size).to(vectors) @ vectors / math.sqrt(state_size)
        self.b = nn.Parameter(as_pairs(b.T, torch.float32).T.contiguous())
        self.c = nn.Parameter(conjugate_pairs(c).float())
        self.d = Feedthrough(input_size, hidden_size)
        self.mix = Linear(hidden_size, hidden_size)

    def initial_state(self, batch_size: int) -> Tensor:
        return complex_zeros(self.log_step, batch_size, len(self.log_step))

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        factor_N, gain_N = self._discrete()
        h_BN = factor_N * state + gain_N * as_complex(linear(x_BI, self.b))
        return self._output(h_BN, x_BI), h_BN

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x_TBI = x_BTI.transpose(0, 1)
        factor_N, gain_N = self._discrete()
        h_TBN = linear_scan(factor_N, gain_N * as_complex(linear(x_TBI, self.b)), state)
        return self._output(h_TBN, x_TBI).transpose(0, 1), h_TBN[-1]

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.log_decay, self.frequency, self.log_step], rate=0.25, decay=False)]

    def _discrete(self) -> tuple[Tensor, Tensor]:
        eigenvalues_N = torch.complex(-torch.exp(wide(self.log_decay)), wide(self.frequency))
        return zero_order_hold(eigenvalues_N, torch.exp(wide(self.log_step)))

    def _output(self, h: Tensor, x: Tensor) -> Tensor:
        y = 2 * linear(as_pairs(h, x.dtype), self.c) + self.d(x)
        gelu = nn.functional.gelu(y)
        return gelu * torch.sigmoid(self.mix(gelu))
