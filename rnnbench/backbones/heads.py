"""What backbones with a matrix state a head share: sizes that divide, the state's type, how projections begin."""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least


def head_size(hidden_size: int, heads: int, multiple: int = 1) -> int:
    """`hidden_size` / `heads`, which must be a whole multiple of `multiple`.

    Raises:
        ValueError: it is not.
    """
    at_least(1, hidden_size=hidden_size, heads=heads)
    parts = heads * multiple
    if hidden_size % parts:
        near = max(parts, round(hidden_size / parts) * parts)
        what = f"{heads} heads" if multiple == 1 else f"{heads} heads of a size divisible by {multiple}"
        raise ValueError(f"hidden_size {hidden_size} does not divide into {what}; try {near}, or other heads")
    return hidden_size // heads


def split(x: Tensor, heads: int) -> Tensor:
    """[..., heads, size] from [..., heads size]."""
    return x.unflatten(-1, (heads, -1))


def unit(x: Tensor) -> Tensor:
    """`x` at length 1 along the last dimension; 1e-6 under the root bounds the gradient where x is 0."""
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6)


def zero_state(backbone: Backbone, *shape: int) -> Tensor:
    """Zeros in float32 where the parameters are of half precision: sums over time need the digits."""
    zeros = backbone.zeros(*shape)
    return zeros.float() if zeros.dtype in (torch.float16, torch.bfloat16) else zeros


def draw_projections(module: nn.Module) -> None:
    """Linear maps as retention and gated linear attention draw them: Glorot with gain 2^-2.5, biases at 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight, gain=2**-2.5)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def step_bias(heads: int) -> Tensor:
    """Biases whose softplus is log-uniform in [0.001, 0.1] (Gu & Dao 2023), [heads]."""
    steps = torch.exp(torch.empty(heads).uniform_(-6.907755, -2.302585))
    return steps + torch.log(-torch.expm1(-steps))
