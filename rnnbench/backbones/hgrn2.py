"""The gated linear RNN with state expansion (Qin et al. 2024, arXiv 2404.07904).

B rows, T time steps, I input size, H hidden size, n heads, K head size.
"""

import math

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.heads import draw_projections, head_size, split, zero_state
from rnnbench.errors import fraction
from rnnbench.scan.matrix import matrix_scan, outer, read
from rnnbench.scan.product import Linear


class HGRN2(Backbone):
    """Gated linear recurrence whose input gate, 1 - f, is the key of a matrix state (Qin et al. 2024).

    S_t = Diag(f_t) S_{t-1} + (1 - f_t)' i_t, y_t = W_o norm(q_t S_t), with f = l + (1 - l) sigma(W_f x), i = W_i x, and
    the output gate q = SiLU(W_q x). The norm is the root mean square over all heads. Projections are part of this
    block; norm and residual around it are the stack's. Projections begin Glorot with gain 2^-2.5.

    Args:
        heads: must divide `hidden_size`; the paper's are of size 128.
        lower_bound: l, at least 0 and below 1; in the paper it is learned and rises from layer to layer.
    """

    primitive = "matrix state"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4, lower_bound: float = 0.0) -> None:
        super().__init__()
        self.head_size = head_size(hidden_size, heads)
        fraction(lower_bound=lower_bound)
        self.output_size, self.heads, self.lower_bound = hidden_size, heads, lower_bound
        self.project = Linear(input_size, 3 * hidden_size, bias=False)
        self.norm = nn.RMSNorm(hidden_size, eps=1e-5)
        self.out = Linear(hidden_size, hidden_size, bias=False)
        draw_projections(self)

    def initial_state(self, batch_size: int) -> Tensor:
        return zero_state(self, batch_size, self.heads, self.head_size, self.head_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        q_BnK, i_BnK, k_BnK, log_f_BnK = self._project(x_BI)
        state = log_f_BnK.exp()[..., None] * state + outer(k_BnK, i_BnK)
        return self._output(read(q_BnK, state)), state

    def gate_values(self, x_BI: Tensor, state: Tensor) -> dict[str, Tensor]:
        return {"forget": self._project(x_BI)[3].exp()}

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        q_BTnK, i_BTnK, k_BTnK, log_f_BTnK = self._project(x_BTI)
        o_BTnK, state = matrix_scan(q_BTnK, k_BTnK, i_BTnK, log_f_BTnK, state)
        return self._output(o_BTnK), state

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, inputs, keys 1 - f, and log f, which no strong forgetting turns into minus infinity."""
        q, i, z = (split(part, self.heads) for part in self.project(x).chunk(3, dim=-1))
        k = (1 - self.lower_bound) * torch.sigmoid(-z)
        log_f = nn.functional.logsigmoid(z) + math.log1p(-self.lower_bound)
        if self.lower_bound:
            log_f = torch.logaddexp(log_f, torch.full_like(log_f, math.log(self.lower_bound)))
        return nn.functional.silu(q), i, k, log_f

    def _output(self, o: Tensor) -> Tensor:
        return self.out(self.norm(o.flatten(-2)))
