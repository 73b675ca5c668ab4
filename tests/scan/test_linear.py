"""The linear scan against the plain loop, in float64, with its gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnnbench.scan.linear import linear_scan

SHAPES = [(3, 4), (4,), (1, 4), (3, 1)]


def loop(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    states = []
    for step in range(len(b)):
        h = (a[step] if a.dim() == b.dim() else a) * h + b[step]
        states.append(h)
    return torch.stack(states)


def draw(*shape: int, seed: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()


@given(st.integers(1, 9), st.sampled_from(SHAPES), st.booleans(), st.booleans(), st.booleans())
def test_equals_the_loop_with_its_gradients(
    steps: int, shape: tuple[int, ...], varying: bool, complex_a: bool, complex_b: bool
):
    kind = {False: torch.float64, True: torch.complex128}
    if varying:
        shape = (steps, *(1,) * (2 - len(shape)), *shape)
    a = draw(*shape, seed=1, dtype=kind[complex_a])
    b = draw(steps, 3, 4, seed=2, dtype=kind[complex_a or complex_b])
    h = draw(3, 4, seed=3, dtype=kind[complex_a or complex_b])
    got, expected = linear_scan(a, b, h), loop(a, b, h)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    outer = draw(steps, 3, 4, seed=4, dtype=got.dtype).detach()
    for mine, plain in zip(
        torch.autograd.grad(got, (a, b, h), outer), torch.autograd.grad(expected, (a, b, h), outer), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_gradients_agree_with_finite_differences(dtype: torch.dtype):
    values = [draw(5, 3, 2, seed=1, dtype=dtype), draw(5, 3, 2, seed=2, dtype=dtype), draw(3, 2, seed=3, dtype=dtype)]
    assert torch.autograd.gradcheck(linear_scan, values)
    assert torch.autograd.gradcheck(lambda a, b: linear_scan(a, b), values[:2])


def test_half_precision_is_summed_in_float32():
    a, b = torch.full((1000, 1), 1.0, dtype=torch.bfloat16), torch.full((1000, 1), 1.0, dtype=torch.bfloat16)
    assert linear_scan(a, b)[-1].item() == 1000  # summed in bfloat16 it would stay at 256
    assert linear_scan(a, b).dtype == torch.bfloat16
