"""What the checks share: small networks and inputs, the plain loop over `step`, differences.

B rows, T time steps, I input size, O output size.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, State, tensors
from rnnbench.testing.check import Make

BATCH, STEPS, INPUTS = 3, 7, 5
LONG = 67  # steps: past the end of a chunk of 16, 32 or 64, and no multiple of anything
CUT = 26  # of LONG: where it is split in two
EXACT = 1e-10  # a difference in float64 that is rounding

_AS: dict[torch.dtype, Callable[[nn.Module], nn.Module]] = {
    torch.float32: nn.Module.float, torch.float64: nn.Module.double, torch.bfloat16: nn.Module.bfloat16,
}  # fmt: skip


def build(make: Make, dtype: torch.dtype = torch.float64, *, seed: int = 0, fresh: bool = False) -> Backbone:
    """A backbone in evaluation mode.

    Its weights are drawn, then moved a little unless `fresh`: mistakes hide behind biases of zero and gates of one. The
    global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        backbone = make(INPUTS)
        for parameter in backbone.parameters():
            if parameter.requires_grad and not fresh:
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    _AS[dtype](backbone)
    return backbone.eval()


def inputs(steps: int = STEPS, dtype: torch.dtype = torch.float64, *, scale: float = 1.0, seed: int = 1) -> Tensor:
    """Normal numbers [B, T, I]."""
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(BATCH, steps, INPUTS, generator=generator, dtype=torch.float64)).to(dtype)


def loop(backbone: Backbone, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """`forward` as the contract defines it: step by step."""
    return Backbone.forward(backbone, x_BTI, state)


def weighted(y_BTO: Tensor, state: State) -> Tensor:
    """One number that every output and every real number of the state has its own part in."""
    generator = torch.Generator().manual_seed(2)
    total = y_BTO.new_zeros(())
    for part in [y_BTO, *tensors(state)]:
        part = torch.view_as_real(part) if part.is_complex() else part
        if part.is_floating_point():
            weights = torch.randn(part.shape, generator=generator, dtype=torch.float64)
            total = total + (part * weights.to(part)).sum()
    return total


def gradients_of(value: Tensor, leaves: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """Gradients of a number; None for what it does not depend on."""
    return torch.autograd.grad(value, leaves, allow_unused=True) if value.requires_grad else [None] * len(leaves)


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative where the expected numbers are above 1; infinite where one is not finite."""
    return max(differences(found.flatten(), expected.flatten()), default=0.0)


def differences(found: Tensor, expected: Tensor) -> list[float]:
    """As `difference`, for each index of the last dimension but one, or of the only one: time, of [B, T, O]."""
    wide = torch.complex128 if expected.is_complex() else torch.float64
    found, expected = found.detach().to(wide), expected.detach().to(wide)
    scale = expected.abs().amax().clamp(min=1.0) if expected.numel() else 1.0
    gap = ((found - expected).abs() / scale).nan_to_num(torch.inf, torch.inf)
    gap = gap.movedim(-2, 0).flatten(1).amax(1) if gap.dim() > 1 else gap
    return gap.tolist()


def first_difference(found: Tensor, expected: Tensor, tolerance: float) -> tuple[int, float] | None:
    """The first step at which [B, T, O] differ, and by how much; None where they do not."""
    for t, size in enumerate(differences(found, expected)):
        if size > tolerance:
            return t, size
    return None
