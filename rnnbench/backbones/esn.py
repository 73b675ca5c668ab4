"""The echo state network (Jaeger 2001, "The 'echo state' approach to analysing and training …", GMD Report 148)."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least


class ESN(Backbone):
    """Echo state network, h_t = (1 - a) h_{t-1} + a tanh(W x_t + U h_{t-1}): a fixed reservoir (Jaeger 2001).

    Nothing here learns and no gradient passes through: of a network, only the readout does (the head), and what stands
    below stays as it was drawn. U is sparse, `density` of each row's entries uniform in [-1, 1] and the rest zero, then
    scaled to `spectral_radius`; below 1 the past fades (echo state property). W is uniform in [-input_scaling,
    input_scaling]. a is `leak_rate`; 1 is the paper's, less makes leaky units (Jaeger et al. 2007).
    """

    primitive = "reservoir (not trained)"

    input_weight_HI: Tensor
    recurrent_weight_HH: Tensor

    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 128,
        spectral_radius: float = 0.9,
        leak_rate: float = 1.0,
        input_scaling: float = 1.0,
        density: float = 0.1,
    ) -> None:
        super().__init__()
        at_least(1, input_size=input_size, hidden_size=hidden_size)
        at_least(0, spectral_radius=spectral_radius, input_scaling=input_scaling)
        for name, value in (("leak_rate", leak_rate), ("density", density)):
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {value}")
        self.output_size = hidden_size
        self.leak_rate = leak_rate
        # Buffers, for what draws or counts parameters is to leave them alone.
        self.register_buffer("input_weight_HI", input_scaling * (2 * torch.rand(hidden_size, input_size) - 1))
        self.register_buffer("recurrent_weight_HH", _reservoir(hidden_size, density, spectral_radius))

    def initial_state(self, batch_size: int) -> Tensor:
        return self.zeros(batch_size, self.output_size)

    @torch.no_grad()
    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        wx_BH = nn.functional.linear(x_BI, self.input_weight_HI)
        uh_BH = nn.functional.linear(state, self.recurrent_weight_HH)
        h_BH = (1 - self.leak_rate) * state + self.leak_rate * torch.tanh(wx_BH + uh_BH)
        return h_BH, h_BH

    @torch.no_grad()
    def forward(self, x_BTI: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        wx_TBH = nn.functional.linear(x_BTI.transpose(0, 1), self.input_weight_HI)
        u_HH = self.recurrent_weight_HH.T
        y_TBH = torch.empty_like(wx_TBH, dtype=h_BH.dtype)  # autocast makes wx smaller, the state stays as it is
        for wx_BH, y_BH in zip(wx_TBH.unbind(), y_TBH.unbind(), strict=True):
            new_BH = torch.addmm(wx_BH, h_BH, u_HH).tanh_()
            h_BH = torch.lerp(h_BH, new_BH.to(h_BH.dtype), self.leak_rate, out=y_BH)
        return y_TBH.transpose(0, 1), h_BH


def _reservoir(hidden_size: int, density: float, spectral_radius: float) -> Tensor:
    """A sparse matrix of that spectral radius. Every row has an entry: a matrix without cycles would have radius 0."""
    entries = max(1, round(density * hidden_size))
    columns = torch.rand(hidden_size, hidden_size).argsort(1)[:, :entries]
    weight_HH = torch.zeros(hidden_size, hidden_size).scatter(1, columns, 2 * torch.rand(hidden_size, entries) - 1)
    return weight_HH * (spectral_radius / torch.linalg.eigvals(weight_HH).abs().max())
