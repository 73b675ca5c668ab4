"""The dense loop against the plain one in float64, with its gradients, by a cell of its own and by elman's."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnnbench.backbones.elman import ReluCell, TanhCell
from rnnbench.scan.dense import GatedCell, Memory, dense_loop, tanh


class Leaky(GatedCell):
    """c = c + a, h = h / 2 + a c with a = W x + U h: two states, one of them direct, and a product of both."""

    states = ("h", "c")
    gates = ("a",)
    direct = True

    def forward(self, t: int, m: Memory) -> None:
        torch.add(m.c_before[t], m.a[t], out=m.c[t])
        torch.mul(m.a[t], m.c[t], out=m.h[t]).add_(m.h_before[t], alpha=0.5)

    def backward(self, t: int, m: Memory, d: Memory) -> None:
        d["c"].addcmul_(d["h"], m.a[t])
        torch.addcmul(d["c"], d["h"], m.c[t], out=d.a[t])
        d["h"].mul_(0.5)


def leaky_loop(wx: Tensor, u: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    outputs = []
    for step in wx:
        a = step + h @ u.mT
        c = c + a
        h = h / 2 + a * c
        outputs.append(h)
    return torch.stack(outputs), h, c


def run(wx: Tensor, u: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    y, (last_h, last_c) = dense_loop(Leaky(), [wx.clone()], [u], [h, c])  # it overwrites its input
    return y, last_h, last_c


def draw(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator, dtype=dtype).mul_(0.3).requires_grad_() for shape in shapes]


@settings(max_examples=30)  # the first call loads much of torch
@given(st.integers(1, 6), st.sampled_from([(), (2,)]), st.integers(1, 3))
def test_equals_the_loop_with_the_gradients_of_outputs_and_last_states(steps: int, heads: tuple[int, ...], rows: int):
    values = draw((steps, *heads, rows, 4), (*heads, 4, 4), (*heads, rows, 4), (*heads, rows, 4))
    got, expected = run(*values), leaky_loop(*values)
    for mine, plain in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-12, atol=1e-12)
    outer = [torch.randn(tensor.shape, dtype=torch.float64) for tensor in expected]
    for mine, plain in zip(
        torch.autograd.grad(got, values, outer), torch.autograd.grad(expected, values, outer), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-10, atol=1e-10)


def test_gradients_agree_with_finite_differences():
    assert torch.autograd.gradcheck(run, draw((4, 2, 3), (3, 3), (2, 3), (2, 3)))
    for cell in (TanhCell(), ReluCell()):
        assert torch.autograd.gradcheck(
            lambda wx, u, h, cell=cell: dense_loop(cell, [wx.clone()], [u], [h])[0], draw((4, 2, 3), (3, 3), (2, 3))
        )


def test_weights_and_states_stay_as_they_were_and_a_graph_may_be_gone_through_twice():
    values = draw((4, 2, 3), (3, 3), (2, 3), (2, 3))
    before = [value.detach().clone() for value in values]
    y = run(*values)[0].square().sum()
    once = torch.autograd.grad(y, values, retain_graph=True)
    twice = torch.autograd.grad(y, values)
    assert all(torch.equal(a, b) for a, b in zip(once, twice, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(values, before, strict=True))


def test_an_input_that_another_gradient_needs_is_not_overwritten_in_silence():
    wx, u, h, c = draw((4, 2, 3), (3, 3), (2, 3), (2, 3))
    y, _ = dense_loop(Leaky(), [wx.exp()], [u], [h, c])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_without_gradients_the_outcome_is_the_same():
    values = draw((5, 2, 3), (3, 3), (2, 3), (2, 3))
    with torch.no_grad():
        y = run(*values)[0]
    assert not y.requires_grad
    assert torch.equal(y, run(*values)[0])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(kind: torch.dtype):
    values = [value.detach().to(kind).requires_grad_() for value in draw((9, 2, 3), (3, 3), (2, 3), (2, 3))]
    wide = [value.detach().float().requires_grad_() for value in values]
    got, expected = run(*values), run(*wide)
    for mine, plain in zip(got, expected, strict=True):
        assert mine.dtype == kind
        assert torch.equal(mine, plain.to(kind))
    for mine, plain in zip(
        torch.autograd.grad(got[0].sum(), values), torch.autograd.grad(expected[0].sum(), wide), strict=True
    ):
        torch.testing.assert_close(mine, plain.to(kind), rtol=0.02, atol=0.02)


def test_autocast_leaves_the_loop_in_float32():
    values = draw((4, 2, 3), (3, 3), (2, 3), (2, 3), dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        got = run(*values)
    assert all(torch.equal(a, b) for a, b in zip(got, run(*values), strict=True))
    assert {tensor.dtype for tensor in got} == {torch.float32}


@given(st.floats(-1e6, 1e6))
def test_tanh_is_tanh(x: float):
    out = torch.empty(1, dtype=torch.float64)
    tanh(torch.tensor([x], dtype=torch.float64), out=out)
    assert abs(out.item() - math.tanh(x)) < 4e-16
    single = torch.tensor([x], dtype=torch.float32)
    tanh(single, out=single)
    assert abs(single.item() - math.tanh(x)) < 4e-7
