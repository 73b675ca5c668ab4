"""The short causal convolution that recurrent blocks put before their recurrence, with the window it carries.

B rows, T time steps, W width, H channels.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rnnbench.errors import at_least


class CausalConvolution(nn.Module):
    """Depthwise causal convolution, y_t = b + sum_k w_k x_{t-W+1+k}: each channel sees its own last W inputs.

    Drawn as torch.nn.Conv1d draws: weights and bias uniform within 1/sqrt(W).

    Args:
        size: channels.
        width: inputs that an output sees, its own among them.
        bias: whether there is b.
    """

    def __init__(self, size: int, width: int = 4, bias: bool = True) -> None:
        super().__init__()
        at_least(1, size=size, width=width)
        self.weight = nn.Parameter(torch.empty(width, size).uniform_(-(width**-0.5), width**-0.5))
        self.bias = nn.Parameter(torch.empty(size).uniform_(-(width**-0.5), width**-0.5)) if bias else None

    def window(self, batch_size: int) -> Tensor:
        """The inputs before the first step, zeros [B, W-1, H]."""
        width, size = self.weight.shape
        return self.weight.new_zeros(batch_size, width - 1, size)

    def step(self, x_BH: Tensor, window_BWH: Tensor) -> tuple[Tensor, Tensor]:
        """One time step: outputs [B, H] and the window to carry on."""
        seen_BWH = torch.cat([window_BWH, x_BH[:, None]], dim=1)
        y_BH = (seen_BWH * self.weight).sum(1)
        return y_BH if self.bias is None else y_BH + self.bias, seen_BWH[:, 1:]

    def forward(self, x_BTH: Tensor, window_BWH: Tensor) -> tuple[Tensor, Tensor]:
        """All time steps: outputs [B, T, H], T >= 1, and the window to carry on.

        Fastest where `x_BTH` is a transposed view of time-major memory, as the outputs are.
        """
        seen_TBH = torch.cat([window_BWH.transpose(0, 1), x_BTH.transpose(0, 1)])
        y_TBH = _Taps.apply(seen_TBH, self.weight)
        assert isinstance(y_TBH, Tensor)
        if self.bias is not None:
            y_TBH = y_TBH + self.bias
        return y_TBH.transpose(0, 1), seen_TBH[x_BTH.shape[1] :].transpose(0, 1).clone()


class _Taps(torch.autograd.Function):
    """One fused multiply-add a tap, both ways: on a CPU three to ten times as fast as a grouped Conv1d."""

    @staticmethod
    def forward(ctx: Any, seen_TBH: Tensor, weight_WH: Tensor) -> Tensor:
        ctx.save_for_backward(seen_TBH, weight_WH)
        steps = len(seen_TBH) - len(weight_WH) + 1
        y_TBH = seen_TBH[:steps] * weight_WH[0]
        for tap in range(1, len(weight_WH)):
            y_TBH.addcmul_(seen_TBH[tap : tap + steps], weight_WH[tap])
        return y_TBH

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, Tensor]:
        seen_TBH, weight_WH = ctx.saved_tensors
        (outer_TBH,) = gradients
        steps = len(outer_TBH)
        grad_seen, grad_weight = torch.zeros_like(seen_TBH), torch.empty_like(weight_WH)
        for tap in range(len(weight_WH)):
            grad_seen[tap : tap + steps].addcmul_(outer_TBH, weight_WH[tap])
            grad_weight[tap] = (outer_TBH * seen_TBH[tap : tap + steps]).sum((0, 1))
        return grad_seen, grad_weight
