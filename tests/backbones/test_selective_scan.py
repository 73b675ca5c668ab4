"""Mamba's scan against the plain loop and against finite differences, in float64."""

import pytest
import torch
from torch import Tensor

from rnnbench.backbones import selective_scan as module
from rnnbench.backbones.selective_scan import selective_scan

BATCH, STATE, INNER = 2, 3, 4


def arguments(steps: int, seed: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(steps, BATCH, INNER)] * 2 + [(STATE, INNER)] + [(steps, BATCH, STATE)] * 2 + [(BATCH, STATE, INNER)]
    values = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    values[1], values[2] = values[1].abs(), -values[2].abs()
    return [value.requires_grad_() for value in values]


def loop(drive: Tensor, s: Tensor, a: Tensor, b: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    outputs = []
    for t in range(len(drive)):
        h = torch.exp(torch.einsum("be,ne->bne", s[t], a)) * h + torch.einsum("bn,be->bne", b[t], drive[t])
        outputs.append(torch.einsum("bn,bne->be", c[t], h))
    return torch.stack(outputs), h


@pytest.mark.parametrize("steps", [1, 15, 16, 17, 40])
def test_equals_the_loop_with_its_gradients(steps: int):
    values = arguments(steps)
    before = [value.detach().clone() for value in values]
    both = [selective_scan(*values), loop(*values)]
    outer = [torch.randn_like(part) for part in both[0]]
    results = [(*out, *torch.autograd.grad(out, values, outer)) for out in both]
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-11)
    assert all(torch.equal(value, old) for value, old in zip(values, before, strict=True))


def test_gradients_agree_with_finite_differences(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    assert torch.autograd.gradcheck(selective_scan, arguments(5))


def test_only_a_state_a_chunk_is_kept_for_the_way_back():
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        selective_scan(*arguments(64))
    assert sum(t.shape == (BATCH, STATE, INNER) for t in kept) == 64 // module.CHUNK
    assert max(t.numel() for t in kept) < 64 * BATCH * STATE * INNER
