"""Multi-scale retention (Sun et al. 2023, arXiv 2307.08621).

B rows, T time steps, I input size, H hidden size, n heads, K key size, V value size.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.heads import draw_projections, head_size, split, zero_state
from rnnbench.errors import at_least
from rnnbench.scan.matrix import matrix_scan, outer, read
from rnnbench.scan.product import Linear


class RetNet(Backbone):
    """Retention: a matrix state a head that fades at a fixed rate and turns (Sun et al. 2023).

    S_t = g R S_{t-1} + k_t' v_t, o_t = q_t S_t, y_t = W_o (SiLU(W_g x_t) * norm(o_t)), with g = 1 - 2^(-5 - head), and
    R turning pairs of key dimensions by 10000^(-2i/K) a step. Turning the state is the paper's rotation of queries and
    keys by their positions (its equation 3): only differences of positions count, and none is carried. The norm is
    each head's own, without weights. Gate and projections are part of this block, values `expansion` times as wide as
    keys; norm and residual around it, and the feed-forward block after it, are the stack's. Projections begin Glorot
    with gain 2^-2.5.

    Args:
        heads: must divide `hidden_size` into even sizes.
        expansion: value size over key size; the paper's is 2.
    """

    primitive = "matrix state"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4, expansion: int = 2) -> None:
        super().__init__()
        self.key_size = head_size(hidden_size, heads, multiple=2)
        at_least(1, expansion=expansion)
        self.output_size, self.heads, self.value_size = hidden_size, heads, expansion * self.key_size
        self.sizes = (hidden_size, hidden_size, expansion * hidden_size, expansion * hidden_size)
        self.project = Linear(input_size, sum(self.sizes), bias=False)
        self.out = Linear(expansion * hidden_size, hidden_size, bias=False)
        draw_projections(self)

    def initial_state(self, batch_size: int) -> Tensor:
        return zero_state(self, batch_size, self.heads, self.key_size, self.value_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        q_BnK, k_BnK, v_BnV, g_BnV = self._project(x_BI)
        decay_n11 = self._log_decay(state).exp()[:, None, None]
        turned_BnKV = rotate(state.mT, self._angles(torch.ones(1, device=state.device))).mT
        state = decay_n11 * turned_BnKV + outer(k_BnK, v_BnV)
        return self._output(read(q_BnK, state), g_BnV), state

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        q_BTnK, k_BTnK, v_BTnV, g_BTnV = self._project(x_BTI)
        angles_T1K = self._angles(torch.arange(1, x_BTI.shape[1] + 1, device=x_BTI.device)[:, None])
        q_BTnK, k_BTnK = rotate(q_BTnK, -angles_T1K), rotate(k_BTnK, -angles_T1K)
        o_BTnV, state = matrix_scan(q_BTnK, k_BTnK, v_BTnV, self._log_decay(state)[None, None], state)
        return self._output(o_BTnV, g_BTnV), rotate(state.mT, angles_T1K[-1]).mT

    def _log_decay(self, like: Tensor) -> Tensor:
        exponents = 5 + torch.arange(self.heads, dtype=like.dtype, device=like.device)
        return torch.log1p(-(2**-exponents))

    def _angles(self, steps: Tensor) -> Tensor:
        """Angles turned in so many steps, [..., K / 2]; in float64, since long sequences turn many times."""
        pairs = torch.arange(0, self.key_size, 2, dtype=torch.float64, device=steps.device)
        return steps[..., None] * 10000 ** (-pairs / self.key_size)

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(split(part, self.heads) for part in self.project(x).split(self.sizes, dim=-1))

    def _output(self, o: Tensor, g: Tensor) -> Tensor:
        normal = nn.functional.layer_norm(o, o.shape[-1:], eps=1e-6)
        return self.out((nn.functional.silu(g) * normal).flatten(-2))


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turns pairs of the last dimension, x_i with x_{i + K/2}, by angles [..., K / 2]."""
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
