"""The hierarchically gated recurrent network (Qin et al. 2023, arXiv 2311.04823).

B rows, T time steps, I input size, H hidden size, R numbers that are read of a state.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.state_space import as_complex, as_pairs, complex_zeros, wide
from rnnbench.errors import at_least, fraction
from rnnbench.scan.gated import gated_scan
from rnnbench.scan.linear import linear_scan
from rnnbench.scan.product import Linear


class HGRN(Backbone):
    """Hierarchically gated recurrent network: a forget gate with a lower bound (Qin et al. 2023).

    f = l + (1 - l) sigma(W_f x), c = SiLU(W_c x), h_t = f h_{t-1} + (1 - f) c, y = W_o LN(sigma(W_g x) h). With
    `phases` the state is complex, h_t = f exp(i theta) h_{t-1} + (1 - f) c, and its real and imaginary parts are read:
    the paper's form, whose angles are learned and begin as those of rotary embeddings, theta_j = 10000^(-2j/H). The
    real form is that of the authors' later code, at half the cost. Biases throughout, Glorot weights. The bound l rises
    with depth in the paper, where it is learned across layers; a layer by itself does not know its depth, so that here
    it is a number of the whole stack.

    Args:
        lower_bound: l, in [0, 1).
        phases: whether the state turns.
    """

    primitive = "linear scan"

    def __init__(
        self, input_size: int, *, hidden_size: int = 128, lower_bound: float = 0.0, phases: bool = False
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        fraction(lower_bound=lower_bound)
        self.output_size = hidden_size
        self.lower_bound = lower_bound
        angles_H = 10000 ** (-2 * torch.arange(hidden_size) / hidden_size)
        self.theta = nn.Parameter(angles_H) if phases else None
        read = 2 * hidden_size if phases else hidden_size  # numbers of a state
        self.sizes = [hidden_size, read, read]
        self.gates = Linear(input_size, sum(self.sizes))
        self.norm = nn.LayerNorm(read)
        self.out = Linear(read, hidden_size)
        for block in (*self.gates.weight.detach().split(self.sizes), self.out.weight):
            nn.init.xavier_uniform_(block)
        nn.init.zeros_(self.gates.bias)
        nn.init.zeros_(self.out.bias)

    def initial_state(self, batch_size: int) -> Tensor:
        if self.theta is not None:
            return complex_zeros(self.theta, batch_size, self.output_size)
        return wide(self.zeros(batch_size, self.output_size))

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        f_BH, c_BH, g_BR = self._gates(x_BI)
        h_BH = self._turned(f_BH) * state + (1 - f_BH) * c_BH
        return self._output(g_BR, h_BH), h_BH

    def gate_values(self, x_BI: Tensor, state: Tensor) -> dict[str, Tensor]:
        f_BH, _, g_BR = self._gates(x_BI)
        return {"forget": f_BH, "output": g_BR}

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        f_TBH, c_TBH, g_TBR = self._gates(x_BTI.transpose(0, 1))
        if self.theta is None:
            h_TBH = gated_scan(f_TBH, c_TBH, state)
        else:
            h_TBH = linear_scan(self._turned(f_TBH), (1 - f_TBH) * c_TBH, state)
        return self._output(g_TBR, h_TBH).transpose(0, 1), h_TBH[-1]

    def parameter_groups(self) -> list[ParameterGroup]:
        return [] if self.theta is None else [ParameterGroup([self.theta], decay=False)]

    def _turned(self, f: Tensor) -> Tensor:
        return f if self.theta is None else f * torch.polar(torch.ones_like(wide(self.theta)), wide(self.theta))

    def _gates(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f, c, g = self.gates(x).split(self.sizes, dim=-1)
        f = self.lower_bound + (1 - self.lower_bound) * torch.sigmoid(wide(f))
        c = nn.functional.silu(c)
        return f, c if self.theta is None else as_complex(c), torch.sigmoid(g)

    def _output(self, g: Tensor, h: Tensor) -> Tensor:
        h = h.to(g.dtype) if self.theta is None else as_pairs(h, g.dtype)
        return self.out(self.norm(g * h))
