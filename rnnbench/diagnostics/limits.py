"""How fast a backbone could be on this machine: its products and its traffic take their time, whatever runs them.

    t_limit = max(FLOPs / speed of products, bytes / speed of a copy), a token, forward and backward

FLOPs are those of the matrix products (`costs.flops_per_token`), and twice as many backward, a product for the gradient
of each factor (`TRAINING`); bytes count for linear scans only (`scan_bytes_per_token`).
Both speeds are the machine's own, measured beside the backbones at a matching size, since small products are slower and
what fits into a cache is copied faster. Products are those of the faster library: that of torch.mm, or oneDNN, on which
torch's own LSTM runs and which multiplies twice as fast as MKL on some AMD processors. What has both products and a
scan needs nearly their sum; the larger of the two is what nothing can beat.

M tokens, K inputs, N outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rnnbench.backbone import Backbone, tensors

TRAINING = 3  # forward and backward over forward alone
SCAN_ELEMENTS = 8
SCAN_TENSORS = 6
LARGEST_PRODUCT = 2048  # tokens: more are no faster, and fresh memory for their outputs takes its own time
LARGEST_COPY = 2**26  # bytes: beyond the caches, where more changes nothing
Draw = Callable[..., Tensor]
"""Random numbers of a shape, on the device and in the type that are measured; the same tensor for the same shape."""
_SCANS = ("linear scan", "complex linear scan")


@torch.no_grad()
def scan_bytes_per_token(backbone: Backbone, input_size: int) -> int:
    """Bytes a token that a linear scan moves, forward and backward; 0 for what is none.

    8 elements a channel: read a, b; write h; read a, h, dh; write da, db. The channels are those of the largest tensor
    of the state; what else it holds, such as a convolution's past inputs, is smaller.
    """
    if backbone.primitive not in _SCANS:
        return 0
    _, state = backbone.step(backbone.zeros(1, input_size), backbone.initial_state(1))
    return SCAN_ELEMENTS * max((tensor.numel() * tensor.element_size() for tensor in tensors(state)), default=0)


@dataclass(frozen=True)
class Product:
    """The products of a linear layer [M, K] -> [M, N], forward and backward: in float32, sgemm."""

    tokens: int
    inputs: int
    outputs: int
    library: Literal["torch.mm", "oneDNN"]

    @property
    def flops(self) -> int:
        """FLOPs of the three products."""
        return 6 * self.tokens * self.inputs * self.outputs

    def job(self, draw: Draw) -> Callable[[], object]:
        """What is to be timed. oneDNN's raises an error where there is none, or not for this device or type."""
        x_MK, w_NK = draw(self.tokens, self.inputs), draw(self.outputs, self.inputs)
        y_MN = draw(self.tokens, self.outputs)
        multiply = _multiply_transposed if self.library == "oneDNN" else lambda a, b: torch.mm(a, b.T)

        def run() -> None:
            multiply(x_MK, w_NK)
            multiply(y_MN, w_NK.T)
            multiply(y_MN.T, x_MK.T)

        return run


def _multiply_transposed(a: Tensor, b: Tensor) -> Tensor:
    """The product a b^T by oneDNN. torch has no public name for it; its compiler uses this one."""
    return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")


@dataclass(frozen=True)
class Copy:
    """A copy from one piece of memory to another, each half of what a scan works on: a, b, h and their gradients."""

    size: int
    """Bytes of each piece."""

    @classmethod
    def matching(cls, tokens: int, channel_bytes: int) -> "Copy":
        """The copy that fits a scan over `tokens` with so many bytes of channels."""
        return cls(min(SCAN_TENSORS // 2 * tokens * channel_bytes, LARGEST_COPY))

    @property
    def moved(self) -> int:
        """Bytes read and written."""
        return 2 * self.size

    def job(self, draw: Draw) -> Callable[[], object]:
        """What is to be timed."""
        source = draw(self.size // draw(1).element_size())
        target = torch.empty_like(source)
        return lambda: target.copy_(source)


def limit(flops: float, moved: float, flops_per_second: float, bytes_per_second: float) -> tuple[str, float]:
    """What bounds a backbone, "product" or "copy", and the seconds that can not be beaten."""
    product, copy = flops / flops_per_second, moved / bytes_per_second
    return ("copy", copy) if copy > product else ("product", product)
