"""What diagonal state spaces share: complex numbers as pairs of reals, HiPPO, discretisation, step sizes.

Products of complex weights with real inputs are one real product: the parts of N complex numbers lie side by side, 2N
reals. There is no complex bfloat16; half precision is widened to float32.

N state size, I input size, H hidden size.
"""

import math

import torch
from torch import Tensor, nn


def complex_zeros(like: Tensor, *shape: int) -> Tensor:
    """Complex zeros of the device and precision of `like`, complex64 at least."""
    return like.new_zeros(shape, dtype=torch.promote_types(like.dtype, torch.complex64))


def wide(x: Tensor) -> Tensor:
    """The same numbers, in float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def as_complex(pairs: Tensor) -> Tensor:
    """[..., 2N] reals to [..., N] complex numbers."""
    return torch.view_as_complex(wide(pairs).unflatten(-1, (-1, 2)))


def as_pairs(z: Tensor, dtype: torch.dtype) -> Tensor:
    """[..., N] complex numbers to [..., 2N] reals of type `dtype`."""
    return torch.view_as_real(z).flatten(-2).to(dtype)


def conjugate_pairs(c: Tensor) -> Tensor:
    """Weights [..., 2N] whose product with `as_pairs(h)` is the real part of `c` [..., N] times h."""
    return as_pairs(c.conj().resolve_conj(), c.real.dtype)


def log_uniform(low: float, high: float, *shape: int) -> Tensor:
    """Logarithms of step sizes, uniform between those of `low` and `high`."""
    return torch.empty(shape).uniform_(math.log(low), math.log(high))


def hippo(size: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues [N/2] and eigenvectors [N, N/2] of HiPPO-N, complex128; those left out are their conjugates.

    HiPPO-N is the normal part of HiPPO-LegS (Gu et al. 2022, arXiv 2206.11893): -1/2 on the diagonal,
    below it -sqrt((n + 1/2)(k + 1/2)), above it the opposite. The part off the diagonal is antisymmetric: times -i it
    is Hermitian, and all real parts are -1/2.
    """
    root = torch.arange(size, dtype=torch.float64).add(0.5).sqrt()
    below = torch.outer(root, root).tril(-1)
    frequencies, vectors = torch.linalg.eigh(-1j * (below.T - below))
    return torch.complex(torch.full((size // 2,), -0.5).double(), frequencies[size // 2 :]), vectors[:, size // 2 :]


def zero_order_hold(eigenvalues: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the state, exp(A step), and of the input, (exp(A step) - 1) / A, for inputs constant during a step.

    Written with sinh, since exp(z) - 1 would lose the digits of a small z.
    """
    z = eigenvalues * step
    return torch.exp(z), 2 * torch.exp(z / 2) * torch.sinh(z / 2) / eigenvalues


class Feedthrough(nn.Module):
    """D x: a number a channel where the sizes agree, as in the papers; otherwise a matrix. Drawn normal."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        shape = (hidden_size,) if input_size == hidden_size else (hidden_size, input_size)
        scale = 1.0 if input_size == hidden_size else input_size**-0.5
        self.weight = nn.Parameter(scale * torch.randn(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Inputs [..., I] to [..., H]."""
        return x * self.weight if self.weight.dim() == 1 else nn.functional.linear(x, self.weight)
