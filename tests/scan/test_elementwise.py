"""The elementwise scan against its own plain loop under autograd, in float64."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnnbench.scan.elementwise import BLOCK, elementwise_scan

Parts = Sequence[Tensor]


def scalar(inputs: Parts, state: Parts, weights: Parts) -> Parts:
    """One part, two inputs, two weights."""
    (x, y), (h,), (u, v) = inputs, state, weights
    return [torch.tanh(x + u * h) * torch.sigmoid(y + v * h)]


def oscillator(inputs: Parts, state: Parts, weights: Parts) -> Parts:
    """Two parts that hear each other."""
    (x,), (y, z), (w,) = inputs, state, weights
    z = z - 0.3 * torch.tanh(w * y + x)
    return [y + 0.3 * z, z]


def triangle(inputs: Parts, state: Parts, weights: Parts) -> Parts:
    """Three parts, of which some do not hear some others, and one not even itself."""
    (x,), (p, q, _), () = inputs, state, weights
    return [torch.sin(p * x), q * p + x, x * q]


CELLS = {"scalar": (scalar, 2, 1, 2), "oscillator": (oscillator, 1, 2, 1), "triangle": (triangle, 1, 3, 0)}


def plain(step, inputs: Parts, state: Parts, weights: Parts) -> list[Tensor]:
    states = []
    for t in range(len(inputs[0])):
        state = step([part[t] for part in inputs], state, weights)
        states.append(state)
    return [torch.stack(part) for part in zip(*states, strict=True)]


def draw(name: str, steps: int, rows: int = 2, width: int = 3, dtype: torch.dtype = torch.float64):
    step, inputs, parts, weights = CELLS[name]
    generator = torch.Generator().manual_seed(steps)

    def tensors(count: int, *shape: int) -> list[Tensor]:
        values = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)]
        return [value.to(dtype).requires_grad_() for value in values]

    return step, tensors(inputs, steps, rows, width), tensors(parts, rows, width), tensors(weights, width)


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=20)
@given(st.integers(1, 2 * BLOCK + 2))
@example(BLOCK)
@example(BLOCK + 1)
def test_equals_the_loop_with_its_gradients(name: str, steps: int):
    step, inputs, state, weights = draw(name, steps)
    got, expected = elementwise_scan(step, inputs, state, weights), plain(step, inputs, state, weights)
    torch.testing.assert_close(list(got), expected, rtol=1e-12, atol=1e-12)
    loss = [torch.stack([(part * part.detach().cos()).sum() for part in parts]).sum() for parts in (got, expected)]
    leaves = [*inputs, *state, *weights]
    for mine, theirs in zip(
        *(torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True) for value in loss), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_agree_with_finite_differences(name: str):
    step, inputs, state, weights = draw(name, steps=4, rows=1, width=2)
    counts = len(inputs), len(inputs) + len(state)

    def scan(*tensors: Tensor) -> tuple[Tensor, ...]:
        return elementwise_scan(step, tensors[: counts[0]], tensors[counts[0] : counts[1]], tensors[counts[1] :])

    assert torch.autograd.gradcheck(scan, (*inputs, *state, *weights))


def test_only_what_needs_a_gradient_gets_one():
    step, inputs, state, weights = draw("scalar", steps=5)
    for leaf in (*inputs, *state):
        leaf.requires_grad_(False)
    (got,), (expected,) = elementwise_scan(step, inputs, state, weights), plain(step, inputs, state, weights)
    for mine, theirs in zip(
        torch.autograd.grad(got.sum(), weights), torch.autograd.grad(expected.sum(), weights), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
    with torch.no_grad():
        assert not elementwise_scan(step, inputs, state, weights)[0].requires_grad


def test_a_part_may_go_unused():
    step, inputs, state, weights = draw("oscillator", steps=5)
    got, expected = elementwise_scan(step, inputs, state, weights)[1], plain(step, inputs, state, weights)[1]
    for mine, theirs in zip(
        torch.autograd.grad(got[2].sum(), inputs), torch.autograd.grad(expected[2].sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
        assert not mine[3:].any()


def test_half_precision_is_carried_in_float32():
    def total(inputs: Parts, state: Parts, weights: Parts) -> Parts:
        return [state[0] + inputs[0]]

    ones = torch.ones(1000, 1, dtype=torch.bfloat16, requires_grad=True)
    (got,) = elementwise_scan(total, [ones], [torch.zeros(1, dtype=torch.bfloat16)])
    assert got.dtype == torch.bfloat16
    assert got[-1].item() == 1000  # summed in bfloat16 it would stay at 256
    assert torch.autograd.grad(got[-1].sum(), ones)[0].dtype == torch.bfloat16
