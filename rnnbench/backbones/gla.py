"""Gated linear attention (Yang et al. 2023, arXiv 2312.06635).

B rows, T time steps, I input size, H hidden size, n heads, K key size, V value size.
"""

from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.heads import draw_projections, head_size, split, zero_state
from rnnbench.errors import at_least
from rnnbench.scan.matrix import matrix_scan, outer, read
from rnnbench.scan.product import Linear


class GLA(Backbone):
    """Gated linear attention: a matrix state a head, each key dimension with its own gate (Yang et al. 2023).

    S_t = Diag(a_t) S_{t-1} + k_t' v_t, o_t = q_t S_t, y_t = W_o (SiLU(W_r x_t) * norm(o_t)), with the gate a_t =
    sigma(W_2 W_1 x_t + b)^(1/16) through a bottleneck (section 4.4). Keys are half as wide as values. The norm is the
    root mean square of each head, its weight common to the heads, as in the authors' code. Gate and projections are
    part of this block; norm and residual around it are the stack's. Projections begin Glorot with gain 2^-2.5, b at 0.

    Args:
        heads: must divide `hidden_size` into even sizes.
        gate_rank: size of the bottleneck before the gate.
        temperature: the 16 in a_t; the higher, the slower it forgets.
    """

    primitive = "matrix state"
    version = 2

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        heads: int = 4,
        gate_rank: int = 16,
        temperature: float = 16.0,
    ) -> None:
        super().__init__()
        self.value_size = head_size(hidden_size, heads, multiple=2)
        at_least(1, gate_rank=gate_rank, temperature=temperature)
        self.output_size, self.heads, self.key_size = hidden_size, heads, self.value_size // 2
        self.temperature = temperature
        self.sizes = (hidden_size // 2, hidden_size // 2, hidden_size, hidden_size)
        self.project = Linear(input_size, sum(self.sizes), bias=False)
        self.narrow = Linear(input_size, gate_rank, bias=False)
        self.gate = Linear(gate_rank, hidden_size // 2)
        self.norm = nn.RMSNorm(self.value_size, eps=1e-5)
        self.out = Linear(hidden_size, hidden_size, bias=False)
        draw_projections(self)

    def initial_state(self, batch_size: int) -> Tensor:
        return zero_state(self, batch_size, self.heads, self.key_size, self.value_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        q_BnK, k_BnK, v_BnV, r_BnV = self._project(x_BI)
        state = self._log_gate(x_BI).exp()[..., None] * state + outer(k_BnK, v_BnV)
        return self._output(read(q_BnK, state), r_BnV), state

    def gate_values(self, x_BI: Tensor, state: Tensor) -> dict[str, Tensor]:
        return {"forget": self._log_gate(x_BI).exp()}

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        q_BTnK, k_BTnK, v_BTnV, r_BTnV = self._project(x_BTI)
        o_BTnV, state = matrix_scan(q_BTnK, k_BTnK, v_BTnV, self._log_gate(x_BTI), state)
        return self._output(o_BTnV, r_BTnV), state

    def _log_gate(self, x: Tensor) -> Tensor:
        return split(nn.functional.logsigmoid(self.gate(self.narrow(x))) / self.temperature, self.heads)

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(split(part, self.heads) for part in self.project(x).split(self.sizes, dim=-1))

    def _output(self, o: Tensor, r: Tensor) -> Tensor:
        return self.out((nn.functional.silu(r) * self.norm(o)).flatten(-2))
