"""Products by oneDNN against torch's own, with their gradients."""

import pytest
import torch
from torch import Tensor

from rnnbench.scan import product as products
from rnnbench.scan.product import Weight, linear, weight_gradient

SIZES = [(3, 5, 7), (32, 128, 512)]
"""Rows, inputs, outputs: below the least size for oneDNN, and above."""


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def close(a: Tensor | None, b: Tensor | None) -> None:
    assert a is not None
    assert b is not None
    torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize(("rows", "inputs", "outputs"), SIZES)
def test_products_are_torchs(rows: int, inputs: int, outputs: int):
    x, plus = draw(rows, inputs, seed=1), draw(rows, outputs, seed=3)
    for w in (draw(outputs, inputs, seed=2), draw(inputs, outputs, seed=2).t()):
        weight, out = Weight(w, rows), torch.empty_like(plus)
        close(weight.times(x), x @ w.t())
        weight.add_times(plus, x, out=out)
        close(out, plus + x @ w.t())
        weight.add_times(out, x, out=out)
        close(out, plus + 2 * (x @ w.t()))
        weight.add_times(plus[0], x, out=out)
        close(out, plus[0] + x @ w.t())


def test_every_head_has_a_weight_of_its_own():
    x, w, plus = draw(4, 32, 64, seed=1), draw(4, 256, 64, seed=2), draw(4, 32, 256, seed=3)
    weight, out = Weight(w, 32), torch.empty_like(plus)
    close(weight.times(x), torch.einsum("nbi,noi->nbo", x, w))
    weight.add_times(plus, x, out=out)
    close(out, plus + torch.einsum("nbi,noi->nbo", x, w))


@pytest.mark.parametrize(("rows", "inputs", "outputs"), SIZES)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_torchs_with_its_gradients(rows: int, inputs: int, outputs: int, bias: bool):
    x, w, b = draw(rows, 2, inputs, seed=1), draw(outputs, inputs, seed=2), draw(outputs, seed=3)
    given = [tensor.requires_grad_() for tensor in (x, w, b)][: 2 + bias]
    mine, plain = linear(x.transpose(0, 1), *given[1:]), torch.nn.functional.linear(x.transpose(0, 1), *given[1:])
    close(mine, plain)
    outer = draw(*mine.shape, seed=4)
    for a, e in zip(torch.autograd.grad(mine, given, outer), torch.autograd.grad(plain, given, outer), strict=True):
        close(a, e)


def test_linear_computes_no_gradient_that_nobody_asked_for():
    x, w = draw(32, 128, seed=1), draw(512, 128, seed=2).requires_grad_()
    y = linear(x, w)
    y.sum().backward()
    assert x.grad is None
    close(w.grad, x.sum(0).expand(512, 128))
    assert not linear(x, w.detach()).requires_grad


@pytest.mark.parametrize(("outputs", "inputs"), [(128, 8), (8, 128)])
@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (64, 32)])
def test_weight_gradient_sums_over_steps_and_rows(shape: tuple[int, ...], outputs: int, inputs: int):
    d, x = draw(*shape, outputs, seed=1), draw(*shape, inputs, seed=2)
    expected = torch.einsum("t...bo,t...bi->...oi", d, x)
    close(weight_gradient(d, x), expected)


def test_only_float32_matrices_of_some_size_go_to_onednn(monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(products, "_onednn", lambda x, w, b=None: calls.append(x.dtype) or x @ w.t())
    big, weight = draw(32, 128, seed=1), draw(512, 128, seed=2)
    linear(big, weight)
    assert calls == [torch.float32] * products.ONEDNN
    linear(big.double(), weight.double())
    linear(big[:3], weight)
    assert len(calls) <= 1
    assert (Weight(weight, 32).packed is not None) == products.ONEDNN
    for other, rows in ((weight.double(), 32), (weight, 3), (weight.expand(2, 512, 128), 32)):
        assert Weight(other, rows).packed is None
