"""The linear recurrent unit (Orvieto et al. 2023, arXiv 2303.06349).

B rows, T time steps, I input size, N state size, H hidden size.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.state_space import Feedthrough, as_complex, as_pairs, complex_zeros, wide
from rnnbench.errors import at_least
from rnnbench.scan.linear import linear_scan
from rnnbench.scan.product import Linear, linear


class LRU(Backbone):
    """Linear recurrent unit: a complex diagonal recurrence that begins on a ring (Orvieto et al. 2023).

    h_t = lambda h_{t-1} + gamma (B x_t), y_t = Re(C h_t) + D x_t, lambda = exp(-exp(nu) + i exp(theta)). lambda begins
    uniform on the ring between `min_radius` and `max_radius` with phases up to `max_phase`, gamma at sqrt(1 -
    |lambda|^2). nu, theta and gamma learn at half the rate and without decay. The block's mixing, a GELU and a gated
    linear unit, follows; ``mix=none`` gives the bare layer, which is linear. The paper also wraps it in a norm and a
    residual: ``stack.norm=layer stack.residual=true``.

    Args:
        state_size: complex numbers in the state; None means `hidden_size`.
    """

    primitive = "complex linear scan"

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        state_size: int | None = None,
        min_radius: float = 0.0,
        max_radius: float = 1.0,
        max_phase: float = 2 * math.pi,
        mix: Literal["glu", "none"] = "glu",
    ) -> None:
        super().__init__()
        state_size = hidden_size if state_size is None else state_size
        at_least(1, hidden_size=hidden_size, state_size=state_size)
        if not 0 <= min_radius < max_radius <= 1:
            raise ValueError(f"0 <= min_radius < max_radius <= 1 must hold, got {min_radius} and {max_radius}")
        if not max_phase > 0:
            raise ValueError(f"max_phase must be above 0, got {max_phase}")
        self.output_size = hidden_size
        self.nu, self.theta, self.gamma = map(nn.Parameter, ring(state_size, min_radius, max_radius, max_phase))
        # Rows are real and imaginary parts in turn; C is kept as its conjugate, whose real product is Re(C h).
        self.b = nn.Parameter(torch.randn(2 * state_size, input_size) / math.sqrt(2 * input_size))
        self.c = nn.Parameter(torch.randn(hidden_size, 2 * state_size) / math.sqrt(state_size))
        self.d = Feedthrough(input_size, hidden_size)
        glu = nn.Sequential(nn.GELU(), Linear(hidden_size, 2 * hidden_size), nn.GLU())
        self.mix = glu if mix == "glu" else nn.Identity()

    def initial_state(self, batch_size: int) -> Tensor:
        return complex_zeros(self.nu, batch_size, len(self.nu))

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        h_BN = self._eigenvalues() * state + self._drive(x_BI)
        return self._output(h_BN, x_BI), h_BN

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x_TBI = x_BTI.transpose(0, 1)
        h_TBN = linear_scan(self._eigenvalues(), self._drive(x_TBI), state)
        return self._output(h_TBN, x_TBI).transpose(0, 1), h_TBN[-1]

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.nu, self.theta, self.gamma], rate=0.5, decay=False)]

    def _eigenvalues(self) -> Tensor:
        return torch.polar(torch.exp(-torch.exp(wide(self.nu))), torch.exp(wide(self.theta)))

    def _drive(self, x: Tensor) -> Tensor:
        scaled = self.b * torch.exp(self.gamma).repeat_interleave(2)[:, None]
        return as_complex(linear(x, scaled))

    def _output(self, h: Tensor, x: Tensor) -> Tensor:
        return self.mix(linear(as_pairs(h, x.dtype), self.c) + self.d(x))


def ring(size: int, min_radius: float, max_radius: float, max_phase: float) -> tuple[Tensor, Tensor, Tensor]:
    """nu, theta and the logarithm of gamma for `size` eigenvalues, uniform on a ring (Lemma 3.2)."""
    share = torch.rand(size, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)  # radii 0 and 1 have no logarithm
    square = share * (max_radius**2 - min_radius**2) + min_radius**2
    phase = max_phase * torch.rand(size, dtype=torch.float64).clamp_min(1e-6)
    nu, theta, gamma = torch.log(-torch.log(square) / 2), torch.log(phase), torch.log(1 - square) / 2
    return nu.float(), theta.float(), gamma.float()
