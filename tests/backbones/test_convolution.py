"""The short causal convolution against torch.nn.functional.conv1d, in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from rnnbench.backbones.convolution import CausalConvolution

BATCH, SIZE = 3, 5


def make(width: int = 4, bias: bool = True) -> CausalConvolution:
    torch.manual_seed(0)
    return CausalConvolution(SIZE, width, bias).double()


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def reference(convolution: CausalConvolution, x: Tensor, window: Tensor) -> Tensor:
    seen = torch.cat([window, x], dim=1).transpose(1, 2)
    weight = convolution.weight.t()[:, None]
    return functional.conv1d(seen, weight, convolution.bias, groups=SIZE).transpose(1, 2)


@given(st.integers(1, 9), st.integers(1, 5), st.booleans(), st.booleans())
def test_equals_torch_with_its_gradients(steps: int, width: int, bias: bool, time_major: bool):
    convolution = make(width, bias)
    x = draw(steps, BATCH, SIZE).transpose(0, 1) if time_major else draw(BATCH, steps, SIZE)
    window = draw(BATCH, width - 1, SIZE, seed=2)
    (got, last), expected = convolution(x, window), reference(convolution, x, window)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    assert torch.equal(last, torch.cat([window, x], dim=1)[:, steps:])
    outer, leaves = draw(BATCH, steps, SIZE, seed=3), [x, window, *convolution.parameters()]
    for mine, plain in zip(
        torch.autograd.grad(got, leaves, outer), torch.autograd.grad(expected, leaves, outer), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=0, atol=1e-12)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 5))
def test_uneven_chunks_and_single_steps_equal_the_whole(chunks: list[int], width: int):
    convolution = make(width)
    x = draw(BATCH, sum(chunks), SIZE)
    whole, last = convolution(x, convolution.window(BATCH))
    window, chunked = convolution.window(BATCH), []
    for part in x.split(chunks, dim=1):
        y, window = convolution(part, window)
        chunked.append(y)
    torch.testing.assert_close(torch.cat(chunked, dim=1), whole, rtol=0, atol=1e-12)
    assert torch.equal(window, last)
    window, stepped = convolution.window(BATCH), []
    for x_BH in x.unbind(1):
        y_BH, window = convolution.step(x_BH, window)
        stepped.append(y_BH)
    torch.testing.assert_close(torch.stack(stepped, dim=1), whole, rtol=0, atol=1e-12)
    assert torch.equal(window, last)


def test_the_window_carries_gradients_to_the_past():
    convolution, x, window = make(), draw(2, 3, SIZE), draw(2, 3, SIZE, seed=2)
    assert torch.autograd.gradcheck(lambda x, window: convolution(convolution(x, window)[0], window)[1], (x, window))


def test_begins_within_the_bounds_of_conv1d():
    convolution = CausalConvolution(4000, 4)
    for parameter in convolution.parameters():
        assert 0.49 < parameter.abs().max() <= 0.5
        assert abs(parameter.std().item() - 1 / 12**0.5) < 0.01


@pytest.mark.parametrize(("size", "width", "named"), [(0, 4, "size"), (4, 0, "width")])
def test_sizes_below_one_are_refused(size: int, width: int, named: str):
    with pytest.raises(ValueError, match=f"^{named} must be at least 1, got 0"):
        CausalConvolution(size, width)
