"""The time-mixing of RWKV-7 (Peng et al. 2025, arXiv 2503.14456).

B rows, T time steps, I input size, H hidden size, n heads, K head size, R rank.
"""

import math

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup
from rnnbench.backbones.heads import head_size, split, unit, zero_state
from rnnbench.errors import at_least
from rnnbench.scan.matrix import delta_scan, outer, read
from rnnbench.scan.product import Linear


class RWKV7(Backbone):
    """RWKV-7's time-mixing: the delta rule with decay, erasing key and rate a channel (Peng et al. 2025, section 4).

    S_t = Diag(w) S_{t-1} - (a * c)' (c S_{t-1}) + k' v, o_t = r S_t, y_t = W_o (g * (norm(o_t) + (u * r . k) v)); S is
    the paper's transposed. r, k, v are linear in x'; w = exp(-e^-0.5 sigma(w_0 + W tanh(W x'))), a = sigma(a_0 + W W
    x') and g = W sigma(W x') go through bottlenecks; c is k_c * k, of length 1 in each head; then k is scaled by 1 +
    (a - 1) k_a. Each x' = x_t + m * (x_{t-1} - x_t) mixes in the last input by weights of its own. The norm is each
    head's own, with weights. Left out is the value residual to the first layer, which a single layer does not have;
    channel mixing, norm and residual are the stack's. All begins as in the authors' code for a first layer, but W_o,
    which begins as W_r: without a residual their 0 would stop every gradient. Only W_r, W_k, W_v and W_o decay; w_0
    learns at twice the rate.

    Args:
        heads: must divide `hidden_size`; the paper's are of size 64.
        decay_rank: size of the bottleneck before w.
        rate_rank: size of the bottleneck before a.
        gate_rank: size of the bottleneck before g.
    """

    primitive = "delta rule"
    version = 2

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        heads: int = 2,
        decay_rank: int = 32,
        rate_rank: int = 32,
        gate_rank: int = 64,
    ) -> None:
        super().__init__()
        self.head_size = head_size(hidden_size, heads)
        at_least(1, decay_rank=decay_rank, rate_rank=rate_rank, gate_rank=gate_rank)
        self.input_size, self.output_size, self.heads = input_size, hidden_size, heads
        powers = torch.tensor([0.2, 0.9, 0.7, 0.7, 0.9, 0.2])[:, None]  # of r, w, k, v, a, g
        self.mix = nn.Parameter(1 - (torch.arange(input_size) / input_size) ** powers)
        self.receptance, self.key, self.value = (Linear(input_size, hidden_size, bias=False) for _ in range(3))
        self.decay = Bottleneck(input_size, decay_rank, hidden_size, nn.Tanh())
        self.rate = Bottleneck(input_size, rate_rank, hidden_size, nn.Identity())
        self.gate = Bottleneck(input_size, gate_rank, hidden_size, nn.Sigmoid(), bias=False)
        self.erase_scale, self.rate_scale = (nn.Parameter(torch.empty(hidden_size)) for _ in range(2))
        self.bonus = nn.Parameter(torch.full((heads, self.head_size), -0.04))
        self.norm = nn.GroupNorm(heads, hidden_size, eps=64e-5)
        self.out = Linear(hidden_size, hidden_size, bias=False)
        self._begin()

    def _begin(self) -> None:
        ramp = torch.linspace(0, 1, self.output_size) if self.output_size > 1 else torch.zeros(1)
        within = torch.linspace(-1, 1, self.head_size) if self.head_size > 1 else torch.zeros(1)
        zigzag = (within * within.abs()).repeat(self.heads)
        with torch.no_grad():
            self.decay.wide.bias.copy_(-5.5 + 6 * ramp + 2.5 * zigzag)
            self.rate.wide.bias.copy_(-0.19 + 0.3 * zigzag + 0.4 * (ramp - 0.5))
            self.erase_scale.copy_(0.71 - 0.1 * (ramp - 0.5))
            self.rate_scale.fill_(1.02)
        for linear, scale in ((self.receptance, 0.5), (self.key, 0.05), (self.value, 0.5), (self.out, 0.5)):
            bound = scale * linear.in_features**-0.5
            nn.init.uniform_(linear.weight, -bound, bound)

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        matrix_BnKK = zero_state(self, batch_size, self.heads, self.head_size, self.head_size)
        return matrix_BnKK, self.zeros(batch_size, self.input_size)

    def step(self, x_BI: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKK, last_BI = state
        r_BnK, log_w_BnK, k_BnK, v_BnK, a_BnK, c_BnK, g_BH = self._project(x_BI, last_BI)
        erased_BnKK = outer(a_BnK * c_BnK, read(c_BnK, s_BnKK))
        s_BnKK = log_w_BnK.exp()[..., None] * s_BnKK - erased_BnKK + outer(k_BnK, v_BnK)
        return self._output(read(r_BnK, s_BnKK), r_BnK, k_BnK, v_BnK, g_BH), (s_BnKK, x_BI)

    def forward(
        self, x_BTI: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        s_BnKK, last_BI = self.initial_state(len(x_BTI)) if state is None else state
        shifted_BTI = torch.cat([last_BI[:, None], x_BTI[:, :-1]], dim=1)
        r_BTnK, log_w_BTnK, k_BTnK, v_BTnK, a_BTnK, c_BTnK, g_BTH = self._project(x_BTI, shifted_BTI)
        reading_BTnK = c_BTnK * (-log_w_BTnK).exp()  # the scan's erasing key reads what has decayed; w is above 0.54
        o_BTnK, s_BnKK = delta_scan(r_BTnK, k_BTnK, v_BTnK, reading_BTnK, log_w_BTnK, s_BnKK, a_BTnK * c_BTnK)
        return self._output(o_BTnK, r_BTnK, k_BTnK, v_BTnK, g_BTH), (s_BnKK, x_BTI[:, -1])

    def parameter_groups(self) -> list[ParameterGroup]:
        first = self.decay.wide.bias
        decaying = {linear.weight for linear in (self.receptance, self.key, self.value, self.out)}
        others = [parameter for parameter in self.parameters() if parameter is not first and parameter not in decaying]
        return [ParameterGroup([first], rate=2.0, decay=False), ParameterGroup(others, decay=False)]

    def _project(self, x: Tensor, last: Tensor) -> tuple[Tensor, ...]:
        difference = last - x
        mixed = [torch.addcmul(x, difference, weight) for weight in self.mix]
        r, k, v = self.receptance(mixed[0]), self.key(mixed[2]), self.value(mixed[3])
        log_w = -math.exp(-0.5) * torch.sigmoid(self.decay(mixed[1]))
        a, g = torch.sigmoid(self.rate(mixed[4])), self.gate(mixed[5])
        c = unit(split(k * self.erase_scale, self.heads))
        k = k * (1 + (a - 1) * self.rate_scale)
        r, log_w, k, v, a = (split(part, self.heads) for part in (r, log_w, k, v, a))
        return r, log_w, k, v, a, c, g

    def _output(self, o: Tensor, r: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
        normal = self.norm(o.flatten(-2).flatten(0, -2)).view_as(g)
        bonus = ((r * k * self.bonus).sum(-1, keepdim=True) * v).flatten(-2)
        return self.out((normal + bonus) * g)


class Bottleneck(nn.Module):
    """W_2 phi(W_1 x) + b: zero into the bottleneck, orthogonal out of it, as the authors begin."""

    def __init__(self, input_size: int, rank: int, output_size: int, activation: nn.Module, bias: bool = True) -> None:
        super().__init__()
        self.activation = activation
        self.narrow = Linear(input_size, rank, bias=False)
        self.wide = Linear(rank, output_size, bias=bias)
        nn.init.zeros_(self.narrow.weight)
        nn.init.orthogonal_(self.wide.weight, gain=0.1 * max(1.0, (rank / output_size) ** 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(self.activation(self.narrow(x)))
