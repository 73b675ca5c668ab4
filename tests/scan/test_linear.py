"""The linear scans against the plain loop, in float64, with their gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnnbench.scan.gated import gated_scan
from rnnbench.scan.linear import linear_path, linear_scan, multiply_add_in_turn

SHAPES = [(3, 4), (4,), (1, 4), (3, 1)]


def loop(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    states = []
    for step in range(len(b)):
        h = (a[step] if a.dim() == b.dim() else a) * h + b[step]
        states.append(h)
    return torch.stack(states)


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()


def agree(got: Tensor, expected: Tensor, inputs: tuple[Tensor, ...]) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    outer = draw(*got.shape, seed=4, dtype=got.dtype).detach()
    for mine, plain in zip(
        torch.autograd.grad(got, inputs, outer), torch.autograd.grad(expected, inputs, outer), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-10, atol=1e-10)


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
    agree(linear_scan(a, b, h), loop(a, b, h), (a, b, h))


@given(st.integers(1, 9))
def test_a_forget_gate_equals_the_loop_with_its_gradients(steps: int):
    f, v, h = draw(steps, 3, 4, seed=1), draw(steps, 3, 4, seed=2), draw(3, 4, seed=3)
    agree(gated_scan(f, v, h), loop(f, (1 - f) * v, h), (f, v, h))


def test_batch_first_memory_gives_the_same():
    a, b, h = draw(3, 6, 4, seed=1), draw(3, 6, 4, seed=2), draw(3, 4, seed=3)
    a_TBH, b_TBH = a.transpose(0, 1), b.transpose(0, 1)
    agree(linear_scan(a_TBH, b_TBH, h), loop(a_TBH, b_TBH, h), (a, b, h))
    agree(gated_scan(a_TBH, b_TBH, h), loop(a_TBH, (1 - a_TBH) * b_TBH, h), (a, b, h))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_gradients_agree_with_finite_differences(dtype: torch.dtype):
    values = [draw(5, 3, 2, seed=1, dtype=dtype), draw(5, 3, 2, seed=2, dtype=dtype), draw(3, 2, seed=3, dtype=dtype)]
    assert torch.autograd.gradcheck(linear_scan, values)
    assert torch.autograd.gradcheck(lambda a, b: linear_scan(a, b), values[:2])
    if dtype == torch.float64:
        assert torch.autograd.gradcheck(gated_scan, values)
        assert torch.autograd.gradcheck(lambda f, v: gated_scan(f, v), values[:2])


@pytest.mark.parametrize("needed", [(True, False, False), (False, True, False), (False, False, True)])
def test_each_input_may_be_the_only_one_with_a_gradient(needed: tuple[bool, ...]):
    values = [draw(5, 3, seed=1), draw(5, 3, seed=2), draw(3, seed=3)]
    for scan, plain in ((linear_scan, loop), (gated_scan, lambda f, v, h: loop(f, (1 - f) * v, h))):
        inputs = [value.detach().requires_grad_(need) for value, need in zip(values, needed, strict=True)]
        only = tuple(value for value in inputs if value.requires_grad)
        agree(scan(*inputs), plain(*inputs), only)


def test_the_inputs_are_left_as_they_were():
    values = [draw(5, 3, seed=1).detach(), draw(5, 3, seed=2).detach(), draw(3, seed=3).detach()]
    copies = [value.clone() for value in values]
    linear_scan(*values)
    gated_scan(*values)
    assert all(torch.equal(value, copy) for value, copy in zip(values, copies, strict=True))


def test_a_factor_changed_before_the_backward_is_refused():
    a, b = draw(5, 3, seed=1), draw(5, 3, seed=2)
    factors = a * 1
    states = linear_scan(factors, b)
    factors.detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        states.sum().backward()


def test_half_precision_is_summed_in_float32():
    ones = torch.full((1000, 1), 1.0, dtype=torch.bfloat16)
    assert linear_scan(ones, ones)[-1].item() == 1000  # summed in bfloat16 it would stay at 256
    assert linear_scan(ones, ones).dtype == torch.bfloat16
    nearly = torch.full((1000, 1), 1 - 2.0**-8, dtype=torch.bfloat16)
    assert gated_scan(nearly, ones)[-1].item() == pytest.approx(1 - (1 - 2.0**-8) ** 1000, rel=2**-8)
    assert gated_scan(nearly, ones).dtype == torch.bfloat16


def test_products_are_added_in_turn():
    chain = list(torch.ones(50, 3, dtype=torch.float64).unbind())
    multiply_add_in_turn(chain[1:], [torch.full((3,), 2.0, dtype=torch.float64)] * 49, chain[:-1])
    assert chain[-1].tolist() == [2.0**50 - 1] * 3


def test_a_cpu_runs_the_loop():
    assert linear_path(torch.zeros(2, 3)) == linear_path(torch.zeros(2, 3, dtype=torch.complex64)) == "loop"
