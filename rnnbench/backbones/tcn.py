"""The temporal convolutional network (Bai et al. 2018, arXiv 1803.01271): a reference, and not recurrent.

B rows, T time steps, C channels in, H channels out, K taps of a convolution, P past steps that it sees.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least
from rnnbench.scan.product import Linear

Windows = tuple[tuple[Tensor, Tensor], ...]
"""Of each level, the past inputs [B, P, C] and [B, P, H] of its two convolutions."""


class TCN(Backbone):
    """Temporal convolutional network, a reference that is not recurrent: sees a fixed stretch of the past (1803.01271).

    Level l = 0, 1, … is y = relu(x + f(f(x))), f(x)_t = relu(b + sum_k W_k x_{t - d k}), with dilation d = 2^l; a
    linear map brings x to size where sizes differ. An output sees 2 (K - 1) (2^levels - 1) steps back. Weights are
    normalised (W = g v / |v|, 1602.07868) and begin as He et al. 2015 draw them, biases at zero. The paper's residuals
    are part of it, its dropout is not. The state is the windows of past inputs, so that a step equals the convolution.
    """

    primitive = "convolution (not recurrent)"

    def __init__(self, input_size: int, *, hidden_size: int = 128, levels: int = 4, kernel_size: int = 3) -> None:
        super().__init__()
        at_least(1, input_size=input_size, hidden_size=hidden_size, levels=levels)
        at_least(2, kernel_size=kernel_size)
        self.output_size = hidden_size
        sizes = [input_size] + [hidden_size] * levels
        self.levels = nn.ModuleList(
            _Level(size, hidden_size, kernel_size, 2**level) for level, size in enumerate(sizes[:-1])
        )

    def initial_state(self, batch_size: int) -> Windows:
        return tuple(
            (self.zeros(batch_size, *level.first.window), self.zeros(batch_size, *level.second.window))
            for level in self._levels()
        )

    def step(self, x_BI: Tensor, state: Windows) -> tuple[Tensor, Windows]:
        y_BTH, after = self.forward(x_BI[:, None], state)
        return y_BTH[:, 0], after

    def forward(self, x_BTI: Tensor, state: Windows | None = None) -> tuple[Tensor, Windows]:
        before = self.initial_state(len(x_BTI)) if state is None else state
        after = []
        for level, windows in zip(self._levels(), before, strict=True):
            x_BTI, now = level(x_BTI, windows)
            after.append(now)
        return x_BTI, tuple(after)

    def _levels(self) -> list["_Level"]:
        return [level for level in self.levels if isinstance(level, _Level)]


class _Level(nn.Module):
    """Two convolutions of one dilation and a residual around them."""

    def __init__(self, input_size: int, hidden_size: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.first = _CausalConvolution(input_size, hidden_size, kernel_size, dilation)
        self.second = _CausalConvolution(hidden_size, hidden_size, kernel_size, dilation)
        self.shortcut = nn.Identity() if input_size == hidden_size else Linear(input_size, hidden_size)

    def forward(self, x_BTC: Tensor, windows: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y_BTH, first = self.first(x_BTC, windows[0])
        y_BTH, second = self.second(y_BTH, windows[1])
        return torch.relu(self.shortcut(x_BTC) + y_BTH), (first, second)


class _CausalConvolution(nn.Module):
    """relu(b + sum_k W_k x_{t - d k}), weights normalised; its window holds the d (K - 1) inputs before."""

    def __init__(self, input_size: int, hidden_size: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.window = (dilation * (kernel_size - 1), input_size)
        self.direction_HCK = nn.Parameter(torch.empty(hidden_size, input_size, kernel_size))
        nn.init.kaiming_normal_(self.direction_HCK, nonlinearity="relu")
        self.gain_H = nn.Parameter(self.direction_HCK.detach().flatten(1).norm(dim=1))
        self.bias_H = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x_BTC: Tensor, window_BPC: Tensor) -> tuple[Tensor, Tensor]:
        seen_BSC = torch.cat([window_BPC, x_BTC], dim=1)
        norm_H11 = self.direction_HCK.flatten(1).norm(dim=1)[:, None, None]
        weight_HCK = self.gain_H[:, None, None] / norm_H11 * self.direction_HCK
        y_BHT = nn.functional.conv1d(seen_BSC.transpose(1, 2), weight_HCK, self.bias_H, dilation=self.dilation)
        return torch.relu(y_BHT).transpose(1, 2), seen_BSC[:, -self.window[0] :]
