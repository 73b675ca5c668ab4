"""The chunked scans of matrix states against the plain loop, in float64, with their gradients."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnnbench.scan import matrix
from rnnbench.scan.matrix import delta_scan, matrix_scan

ROWS, HEADS, KEYS, VALUES = 2, 2, 3, 4
DECAYS = ["none", "fixed", "head", "key"]
RULES = ["plain", "delta", "separate"]


def loop(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor, e: Tensor | None, w: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The recurrence as it is written, one step after the other, every product an einsum."""
    outputs = []
    for t in range(q.shape[1]):
        if log_decay is not None:
            decay = log_decay.expand(-1, q.shape[1], *log_decay.shape[2:])[:, t].exp()
            state = state * (decay[..., None] if decay.dim() == 3 else decay[..., None, None])
        added = torch.einsum("bnk,bnv->bnkv", k[:, t], v[:, t])
        if e is not None:
            taken = torch.einsum("bnk,bnkv->bnv", e[:, t], state)
            added = added - torch.einsum("bnk,bnv->bnkv", (k if w is None else w)[:, t], taken)
        state = state + added
        outputs.append(torch.einsum("bnk,bnkv->bnv", q[:, t], state))
    return torch.stack(outputs, 1), state


def draw(
    steps: int, decay: str, rule: str, strength: float = 1.0, dtype: torch.dtype = torch.float64
) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(steps)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    shapes = {"fixed": (1, 1, HEADS), "head": (ROWS, steps, HEADS), "key": (ROWS, steps, HEADS, KEYS)}
    log_decay = None
    if decay != "none":
        draws = torch.rand(shapes[decay], generator=generator, dtype=torch.float64)
        log_decay = (-strength * draws).requires_grad_()
    return {
        "q": normal(ROWS, steps, HEADS, KEYS), "k": normal(ROWS, steps, HEADS, KEYS),
        "v": normal(ROWS, steps, HEADS, VALUES), "log_decay": log_decay, "state": normal(ROWS, HEADS, KEYS, VALUES),
        "e": None if rule == "plain" else normal(ROWS, steps, HEADS, KEYS),
        "w": normal(ROWS, steps, HEADS, KEYS) if rule == "separate" else None,
    }  # fmt: skip


def scan(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor, e: Tensor | None, w: Tensor | None
) -> tuple[Tensor, Tensor]:
    if e is None:
        return matrix_scan(q, k, v, log_decay, state)
    return delta_scan(q, k, v, e, log_decay, state, w)


def scaled(inputs: dict[str, Any]) -> dict[str, Any]:
    """Erases less than all at a step, so that the state stays bounded and absolute tolerances mean something."""
    e, w = inputs["e"], inputs["w"]
    if e is None:
        return inputs
    write = inputs["k"] if w is None else w
    limit = 1 + (e.detach().norm(dim=-1, keepdim=True) * write.detach().norm(dim=-1, keepdim=True))
    return {**inputs, "e": e / limit}


@settings(max_examples=60)
@given(st.integers(1, 11), st.sampled_from(DECAYS), st.sampled_from(RULES), st.sampled_from([1, 2, 4, 8]))
def test_equals_the_loop_with_its_gradients(steps: int, decay: str, rule: str, size: int):
    inputs = draw(steps, decay, rule)
    free = [tensor for tensor in inputs.values() if tensor is not None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "CHUNK", size)
        got = scan(**scaled(inputs))
    expected = loop(**scaled(inputs))
    for mine, plain in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-11, atol=1e-11)
    outers = [torch.arange(1.0, tensor.numel() + 1, dtype=torch.float64).reshape(tensor.shape) for tensor in got]
    for mine, plain in zip(
        torch.autograd.grad(got, free, outers), torch.autograd.grad(expected, free, outers), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_gradients_agree_with_finite_differences(decay: str, rule: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(matrix, "CHUNK", 4)
    inputs = draw(5, decay, rule)
    names = [name for name, tensor in inputs.items() if tensor is not None]

    def of(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        return scan(**{**inputs, **dict(zip(names, tensors, strict=True))})

    assert torch.autograd.gradcheck(of, [inputs[name] for name in names], fast_mode=True)


@pytest.mark.parametrize("decay", ["head", "key"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("strength", [9.2, 300.0])
def test_decay_as_strong_as_can_be_is_exact_in_float32(decay: str, rule: str, strength: float):
    inputs = scaled(draw(64, decay, rule, strength))
    single: dict[str, Any] = {name: None if tensor is None else tensor.float() for name, tensor in inputs.items()}
    got, expected = scan(**single), loop(**inputs)
    for mine, plain in zip(got, expected, strict=True):
        torch.testing.assert_close(mine.double(), plain, rtol=2e-5, atol=2e-5)
    free = [tensor for tensor in draw(64, decay, rule, strength).values() if tensor is not None]
    gradients = torch.autograd.grad(scan(**single)[0].sum(), [x for x in single.values() if x is not None])
    assert len(gradients) == len(free)
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_mixed_decays_keep_what_they_should():
    """One key dimension forgets all at once, the other nothing: neither overflows nor disturbs the other."""
    q = k = torch.ones(1, 64, 1, 2)
    v = torch.arange(64.0).reshape(1, 64, 1, 1)
    log_decay = torch.tensor([-1e4, 0.0]).expand(1, 64, 1, 2)
    o, state = matrix_scan(q, k, v, log_decay)
    torch.testing.assert_close(o[0, :, 0, 0], v[0, :, 0, 0] + v[0, :, 0, 0].cumsum(0))
    assert state[0, 0, :, 0].tolist() == [63.0, 63 * 32.0]


def test_no_decay_is_linear_attention_computed_quadratically():
    inputs = draw(40, "none", "plain")
    scores = torch.einsum("btnk,bsnk->bnts", inputs["q"], inputs["k"]).tril()
    expected = torch.einsum("bnts,bsnv->btnv", scores, inputs["v"])
    got, state = matrix_scan(inputs["q"], inputs["k"], inputs["v"])
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(state, torch.einsum("btnk,btnv->bnkv", inputs["k"], inputs["v"]))


def test_the_delta_rule_with_orthonormal_keys_overwrites():
    """With rate 1 a key's new value replaces its old one, whatever stood there (arXiv 2102.11174)."""
    k = torch.eye(4, dtype=torch.float64).repeat(3, 1).reshape(1, 12, 1, 4)
    v = torch.randn(1, 12, 1, 5, dtype=torch.float64)
    _, state = delta_scan(k, k, v, k)
    torch.testing.assert_close(state[0, 0], v[0, 8:, 0])


def test_delta_rule_without_erasing_is_the_plain_scan():
    inputs = draw(50, "key", "delta")
    erasing = delta_scan(
        inputs["q"], inputs["k"], inputs["v"], torch.zeros_like(inputs["e"]), inputs["log_decay"], inputs["state"]
    )
    plain = matrix_scan(inputs["q"], inputs["k"], inputs["v"], inputs["log_decay"], inputs["state"])
    for a, b in zip(erasing, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_half_precision_is_summed_in_float32():
    ones = torch.ones(1, 1000, 1, 1, dtype=torch.bfloat16)
    o, state = matrix_scan(ones, ones, ones)
    assert state.item() == 1000  # summed in bfloat16 it would stay at 256
    assert o.dtype == state.dtype == torch.bfloat16
