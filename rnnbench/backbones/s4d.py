"""The diagonal structured state space, S4D (Gu et al. 2022, arXiv 2206.11893).

B rows, T time steps, I input size, H channels (hidden size), N complex states a channel (half the state size), L steps
of a chunk.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.state_space import complex_zeros, hippo, log_uniform, wide, zero_order_hold
from rnnbench.errors import at_least
from rnnbench.scan.product import Linear

CHUNK = 64
"""Steps that are read as one convolution."""


class S4D(Backbone):
    """Diagonal state space: every channel a linear system of its own, with a convolution for its past (Gu et al. 2022).

    h_t = exp(A s) h_{t-1} + ((exp(A s) - 1) / A) u_t, y_t = 2 Re(C h_t) + D u_t, with a step size s a channel; B is 1,
    since only B C counts, and of each conjugate pair one is kept. A (whose real part stays negative) begins as
    S4D-Lin, -1/2 + i pi n, S4D-Inv or the eigenvalues of HiPPO-N (legs); C and D normal. A and s learn at a quarter of
    the rate and without decay. The block's mixing follows: GELU and a gated linear unit. u is x, brought to size by a
    linear map where the sizes differ. The paper also wraps it in a norm and a residual: ``stack.norm=layer
    stack.residual=true``.

    Args:
        state_size: real numbers of state a channel, even.
        begin: how A begins.
        min_step: step sizes begin log-uniform from here
        max_step: to here.
    """

    primitive = "matrix product"

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        state_size: int = 64,
        begin: Literal["lin", "inv", "legs"] = "lin",
        min_step: float = 0.001,
        max_step: float = 0.1,
    ) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size, state_size=state_size)
        if state_size % 2:
            raise ValueError(f"state_size must be a multiple of 2, got {state_size}")
        if not 0 < min_step <= max_step:
            raise ValueError(f"0 < min_step <= max_step must hold, got {min_step} and {max_step}")
        self.output_size = hidden_size
        same = input_size == hidden_size
        self.expand = nn.Identity() if same else Linear(input_size, hidden_size)
        eigenvalues_N = BEGINNINGS[begin](state_size)
        self.log_decay = nn.Parameter(torch.log(-eigenvalues_N.real).float().repeat(hidden_size, 1))
        self.frequency = nn.Parameter(eigenvalues_N.imag.float().repeat(hidden_size, 1))
        self.log_step = nn.Parameter(log_uniform(min_step, max_step, hidden_size))
        self.c = nn.Parameter(torch.randn(hidden_size, state_size // 2, 2) / math.sqrt(2))
        self.d = nn.Parameter(torch.randn(hidden_size))
        self.mix = nn.Sequential(nn.GELU(), Linear(hidden_size, 2 * hidden_size), nn.GLU())

    def initial_state(self, batch_size: int) -> Tensor:
        return complex_zeros(self.d, batch_size, *self.log_decay.shape)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        factor_HN, gain_HN = self._discrete()
        u_BH = self.expand(x_BI)
        h_BHN = factor_HN * state + gain_HN * wide(u_BH)[:, :, None]
        y_BH = 2 * (torch.view_as_complex(wide(self.c)) * h_BHN).sum(-1).real
        return self.mix(y_BH.to(u_BH.dtype) + self.d * u_BH), h_BHN

    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        u_TBH = self.expand(x_BTI.transpose(0, 1))
        h_BHN = self.initial_state(len(x_BTI)) if state is None else state
        factor_HN, gain_HN = self._discrete()
        weights = Chunk(factor_HN, gain_HN, torch.view_as_complex(wide(self.c)), min(CHUNK, len(u_TBH)))
        outputs = []
        for u_LBH in wide(u_TBH).split(CHUNK):
            y_LBH, h_BHN = weights.read(u_LBH, h_BHN)
            outputs.append(y_LBH)
        y_TBH = torch.cat(outputs).to(u_TBH.dtype)
        return self.mix(y_TBH + self.d * u_TBH).transpose(0, 1), h_BHN

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.log_decay, self.frequency, self.log_step], rate=0.25, decay=False)]

    def _discrete(self) -> tuple[Tensor, Tensor]:
        eigenvalues_HN = torch.complex(-torch.exp(wide(self.log_decay)), wide(self.frequency))
        return zero_order_hold(eigenvalues_HN, torch.exp(wide(self.log_step))[:, None])


def linear(size: int) -> Tensor:
    """S4D-Lin, -1/2 + i pi n: eigenvalues [N/2], complex128."""
    n = torch.arange(size // 2, dtype=torch.float64)
    return torch.complex(torch.full_like(n, -0.5), math.pi * n)


def inverse(size: int) -> Tensor:
    """S4D-Inv, -1/2 + i (N / pi) (N / (2n + 1) - 1): eigenvalues [N/2], complex128."""
    n = torch.arange(size // 2, dtype=torch.float64)
    return torch.complex(torch.full_like(n, -0.5), size / math.pi * (size / (2 * n + 1) - 1))


BEGINNINGS = {"lin": linear, "inv": inverse, "legs": lambda size: hippo(size)[0]}


class Chunk:
    """The systems over up to L steps at a time, as products of real matrices.

    With p_l = factor^l: outputs are the convolution of the inputs with 2 Re(C gain p_l), and what the state before
    adds, 2 Re(C p_{l+1} h); the state after is p_L h + sum_l gain p_{L-1-l} u_l. Complex numbers are pairs of reals (P
    of them), and Re(v w) is the product of the pairs of v with those of the conjugate of w.
    """

    def __init__(self, factor_HN: Tensor, gain_HN: Tensor, c_HN: Tensor, steps: int) -> None:
        self.powers_HLN = powers(factor_HN, steps)
        recall_HLP = pairs(2 * c_HN[:, None] * self.powers_HLN)
        self.recall_HLP = recall_HLP[:, 1:]
        self.absorb_HLP = pairs(gain_HN[:, None] * self.powers_HLN[:, :-1].flip(1))
        self.convolve_HLL = toeplitz((recall_HLP[:, :-1] @ pairs(gain_HN.conj())[:, :, None])[:, :, 0])

    def read(self, u_LBH: Tensor, h_BHN: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs for up to L steps of inputs, and the state after them."""
        steps = len(u_LBH)
        u_HLB, h_HPB = u_LBH.permute(2, 0, 1), pairs(h_BHN.conj()).permute(1, 2, 0)
        y_HLB = torch.baddbmm(self.recall_HLP[:, :steps] @ h_HPB, self.convolve_HLL[:, :steps, :steps], u_HLB)
        absorbed_HBP = u_HLB.mT @ self.absorb_HLP[:, -steps:]
        absorbed_HBN = torch.view_as_complex(absorbed_HBP.unflatten(-1, (-1, 2)))
        return y_HLB.permute(1, 2, 0), self.powers_HLN[:, steps] * h_BHN + absorbed_HBN.transpose(0, 1)


def pairs(z: Tensor) -> Tensor:
    """[..., N] complex numbers to [..., 2N] reals."""
    return torch.view_as_real(z.resolve_conj()).flatten(-2)


def powers(factor_HN: Tensor, steps: int) -> Tensor:
    """factor^0 … factor^steps [H, L+1, N], by doubling: as exact as a loop, where exp of a large phase is not."""
    powers_HLN = torch.ones_like(factor_HN)[:, None]
    while powers_HLN.shape[1] <= steps:
        powers_HLN = torch.cat([powers_HLN, powers_HLN * (powers_HLN[:, -1:] * factor_HN[:, None])], dim=1)
    return powers_HLN[:, : steps + 1]


def toeplitz(kernel_HL: Tensor) -> Tensor:
    """The matrices [H, L, L] whose product with inputs is their causal convolution with a kernel."""
    steps = kernel_HL.shape[1]
    padded = nn.functional.pad(kernel_HL.flip(1), (0, steps - 1))
    return padded.unfold(1, steps, 1).flip(1)
