"""State spaces and gated linear recurrences: each against its paper's formulas in numpy, and how each begins."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from backbones.formulas import sigmoid, silu, softplus
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench import plugins
from rnnbench.backbone import Backbone, tensors

BATCH, INPUTS, HIDDEN = 3, 5, 6
NAMES = ["lru", "rglru", "hgrn", "complex hgrn", "s4d", "s5", "mamba"]

Weights = dict[str, np.ndarray]


def make(name: str, inputs: int = INPUTS, hidden: int = HIDDEN, **options: Any) -> Any:
    torch.manual_seed(0)
    name, *form = reversed(name.split())
    options = {**options, "phases": True} if form else options
    return plugins.get("backbone", name).load()(inputs, hidden_size=hidden, **options).double()


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + special.erf(x / math.sqrt(2))) / 2


def affine(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)


def glu(w: Weights, x: np.ndarray) -> np.ndarray:
    value, gate = np.split(affine(w, "mix.1", gelu(x)), 2, axis=-1)
    return value * sigmoid(gate)


def convolution(w: Weights, x: np.ndarray) -> np.ndarray:
    taps = w["convolution.weight"]
    seen = np.concatenate([np.zeros((len(x), len(taps) - 1, x.shape[2])), x], axis=1)
    y = np.zeros_like(x)
    for step in range(x.shape[1]):
        y[:, step] = (seen[:, step : step + len(taps)] * taps).sum(1) + w["convolution.bias"]
    return y


def recurrence(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """h_t = a_t h_{t-1} + b_t over the second axis."""
    a, h, states = np.broadcast_to(a, b.shape), np.zeros_like(b[:, 0]), []
    for step in range(b.shape[1]):
        h = a[:, step] * h + b[:, step]
        states.append(h)
    return np.stack(states, axis=1)


def numpy_lru(w: Weights, x: np.ndarray) -> np.ndarray:
    b, c = w["b"][0::2] + 1j * w["b"][1::2], w["c"][:, 0::2] - 1j * w["c"][:, 1::2]
    h = recurrence(np.exp(-np.exp(w["nu"]) + 1j * np.exp(w["theta"])), np.exp(w["gamma"]) * (x @ b.T))
    return glu(w, (h @ c.T).real + x @ w["d.weight"].T)


def numpy_s5(w: Weights, x: np.ndarray) -> np.ndarray:
    b, c = w["b"][0::2] + 1j * w["b"][1::2], w["c"][:, 0::2] - 1j * w["c"][:, 1::2]
    eigenvalues, step = -np.exp(w["log_decay"]) + 1j * w["frequency"], np.exp(w["log_step"])
    h = recurrence(np.exp(eigenvalues * step), np.expm1(eigenvalues * step) / eigenvalues * (x @ b.T))
    g = gelu(2 * (h @ c.T).real + x @ w["d.weight"].T)
    return g * sigmoid(affine(w, "mix", g))


def numpy_s4d(w: Weights, x: np.ndarray) -> np.ndarray:
    u = affine(w, "expand", x)
    z = (-np.exp(w["log_decay"]) + 1j * w["frequency"]) * np.exp(w["log_step"])[:, None]
    eigenvalues = -np.exp(w["log_decay"]) + 1j * w["frequency"]
    vandermonde = np.exp(z[:, :, None] * np.arange(x.shape[1]))
    c = w["c"][..., 0] + 1j * w["c"][..., 1]
    kernel = 2 * np.einsum("hn,hnl->hl", c * np.expm1(z) / eigenvalues, vandermonde).real
    y = np.zeros_like(u)
    for step in range(x.shape[1]):
        for lag in range(step + 1):
            y[:, step] += kernel[:, lag] * u[:, step - lag]
    return glu(w, y + w["d"] * u)


def numpy_hgrn(w: Weights, x: np.ndarray) -> np.ndarray:
    f, c, g = np.split(affine(w, "gates", x), 3, axis=-1)
    f = 0.3 + 0.7 * sigmoid(f)
    return hgrn_output(w, sigmoid(g) * recurrence(f, (1 - f) * silu(c)))


def numpy_complex_hgrn(w: Weights, x: np.ndarray) -> np.ndarray:
    f, c, g = np.split(affine(w, "gates", x), [HIDDEN, 3 * HIDDEN], axis=-1)
    f, c = 0.3 + 0.7 * sigmoid(f), silu(c)
    h = recurrence(f * np.exp(1j * w["theta"]), (1 - f) * (c[..., 0::2] + 1j * c[..., 1::2]))
    return hgrn_output(w, sigmoid(g) * np.stack([np.real(h), np.imag(h)], axis=-1).reshape(c.shape))


def hgrn_output(w: Weights, h: np.ndarray) -> np.ndarray:
    normal = (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-5)
    return affine(w, "out", normal * w["norm.weight"] + w["norm.bias"])


def numpy_rglru(w: Weights, x: np.ndarray) -> np.ndarray:
    u, g = np.split(affine(w, "branches", x), 2, axis=-1)
    u = convolution(w, u)
    r, i = np.zeros_like(u), np.zeros_like(u)
    for head in range(2):
        own = slice(3 * head, 3 * head + 3)
        gates = u[..., own] @ w["gate_weight"][head] + w["gate_bias"][head]
        r[..., own], i[..., own] = sigmoid(gates[..., :3]), sigmoid(gates[..., 3:])
    a = sigmoid(-w["decay"]) ** (8 * r)  # the paper's a = sigma(Lambda), its Lambda being minus this one's
    return affine(w, "out", recurrence(a, np.sqrt(1 - a**2) * i * u) * gelu(g))


def numpy_mamba(w: Weights, x: np.ndarray) -> np.ndarray:
    u, z = np.split(affine(w, "branches", x), 2, axis=-1)
    u = silu(convolution(w, u))
    low, b, c = np.split(affine(w, "select", u), [1, 5], axis=-1)
    s = softplus(affine(w, "step_size", low))
    y = np.zeros_like(u)
    for n in range(4):
        factor = np.exp(-s * np.exp(w["log_decay"][n]))
        y += c[..., n, None] * recurrence(factor, s * b[..., n, None] * u)
    return affine(w, "out", (y + w["d"] * u) * silu(z))


FORMULAS: dict[str, Callable[[Weights, np.ndarray], np.ndarray]] = {
    "lru": numpy_lru, "s4d": numpy_s4d, "s5": numpy_s5, "hgrn": numpy_hgrn, "rglru": numpy_rglru, "mamba": numpy_mamba,
    "complex hgrn": numpy_complex_hgrn,
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "lru": {"state_size": 4}, "s4d": {"state_size": 4}, "s5": {"state_size": 8, "blocks": 2},
    "hgrn": {"lower_bound": 0.3}, "complex hgrn": {"lower_bound": 0.3}, "rglru": {"heads": 2},
    "mamba": {"state_size": 4},
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_the_formula_in_uneven_chunks(name: str):
    backbone = make(name, **OPTIONS[name])
    with torch.no_grad():  # biases begin at zero, where a mistake in them would not show
        for parameter in backbone.parameters():
            parameter.add_(torch.empty_like(parameter).uniform_(-0.3, 0.3))
    x, state, outputs = draw(BATCH, 12, INPUTS), None, []
    for part in x.split([5, 1, 4, 2], dim=1):
        y, state = backbone(part, state)
        outputs.append(y)
    expected = FORMULAS[name]({key: p.detach().numpy() for key, p in backbone.named_parameters()}, x.numpy())
    np.testing.assert_allclose(torch.cat(outputs, dim=1).detach(), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(st.sampled_from([1, 2, 16, 17, 64, 65, 130]), st.booleans())
def test_forward_equals_step_with_its_gradients_from_any_state(name: str, steps: int, same_size: bool):
    backbone = make(name, HIDDEN if same_size else INPUTS, **OPTIONS[name])
    x = draw(2, steps, HIDDEN if same_size else INPUTS).requires_grad_()
    begin = pytree.tree_map(lambda zeros: torch.randn_like(zeros).requires_grad_(), backbone.initial_state(2))
    leaves = [x, *tensors(begin), *backbone.parameters()]
    both = []
    for forward in (type(backbone).forward, Backbone.forward):
        y, last = forward(backbone, x, begin)
        outer = draw(*y.shape, seed=4)
        loss = (y * outer).sum() + sum((2 * t.real + (t * (1 + 1j)).imag).sum() for t in tensors(last))
        both.append([y, *tensors(last), *torch.autograd.grad(loss, leaves)])
    for fast, slow in zip(*both, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_state_keeps_its_type_in_half_precision(name: str):
    backbone = make(name).to(torch.bfloat16)
    y, after = backbone(draw(BATCH, 70, INPUTS).bfloat16())
    stepped, last = backbone.step(draw(BATCH, INPUTS).bfloat16(), backbone.initial_state(BATCH))
    assert y.dtype == stepped.dtype == torch.bfloat16
    assert y.isfinite().all()
    types = [(t.shape, t.dtype) for t in tensors(backbone.initial_state(BATCH))]
    assert types == [(t.shape, t.dtype) for t in tensors(after)] == [(t.shape, t.dtype) for t in tensors(last)]
    assert types[0][1] in (torch.float32, torch.complex64)  # decays near 1 are 1 in bfloat16


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [  # I = 5 and H = 6, or I = H where the papers' count has it so
        ("lru", {"state_size": 4, "mix": "none"}, 2 * 4 * 5 + 2 * 4 * 6 + 5 * 6 + 3 * 4),
        ("lru", {"state_size": 4}, 2 * 4 * 5 + 2 * 4 * 6 + 5 * 6 + 3 * 4 + 2 * 6 * 6 + 2 * 6),
        ("s4d", {"state_size": 4}, (5 + 1) * 6 + 2 * 4 * 6 + 2 * 6 + 2 * 6 * 6 + 2 * 6),
        ("s5", {"state_size": 4}, 4 * 5 + 4 * 6 + 4 + 2 + 5 * 6 + 6 * 6 + 6),
        ("hgrn", {}, 3 * (5 + 1) * 6 + 2 * 6 + (6 + 1) * 6),
        ("complex hgrn", {}, 5 * (5 + 1) * 6 + 2 * 12 + (12 + 1) * 6 + 6),
        ("rglru", {"heads": 2}, 2 * (5 + 1) * 6 + 5 * 6 + 2 * (6 * 6 // 2 + 6) + 6 + (6 + 1) * 6),
        ("mamba", {"state_size": 4}, 5 * 24 + 5 * 12 + 12 * (1 + 8) + 2 * 12 + 4 * 12 + 12 + 12 * 6),
    ],
)
def test_parameter_counts(name: str, options: dict[str, Any], expected: int):
    assert sum(parameter.numel() for parameter in make(name, **options).parameters()) == expected


def test_published_parameter_counts():
    def count(backbone: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in backbone.parameters())

    assert count(make("lru", 6, state_size=4, mix="none")) == 4 * 4 * 6 + 6 + 3 * 4  # 4NH + H + 3N
    # mamba-130m (state-spaces/mamba-130m): 24 mixers of width 768 in 129,135,360 parameters, the rest being 25 norms
    # and an embedding of 50,280 tokens that the head shares.
    assert 24 * count(make("mamba", 768, 768)) + 25 * 768 + 50280 * 768 == 129_135_360


@pytest.mark.parametrize(
    ("name", "state", "bytes_a_row"),
    [("lru", {"state_size": 4}, 4 * 8), ("s4d", {"state_size": 4}, 6 * 4 * 4), ("s5", {"state_size": 4}, 4 * 4),
     ("hgrn", {}, 6 * 4), ("complex hgrn", {}, 6 * 8),
     ("rglru", {}, 4 * 6 * 4), ("mamba", {"state_size": 4}, 12 * 4 * 4 + 3 * 12 * 4)],
)  # fmt: skip
def test_state_sizes(name: str, state: dict[str, Any], bytes_a_row: int):
    backbone = make(name, **state).float()
    assert sum(t[0].nbytes for t in tensors(backbone.initial_state(BATCH))) == bytes_a_row


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lru", {"nu", "theta", "gamma"}), ("s4d", {"log_decay", "frequency", "log_step"}),
     ("s5", {"log_decay", "frequency", "log_step"}), ("rglru", {"decay"}),
     ("mamba", {"log_decay", "d", "step_size.bias"}), ("hgrn", set()), ("complex hgrn", {"theta"})],
)  # fmt: skip
def test_recurrent_parameters_do_not_decay(name: str, expected: set[str]):
    backbone = make(name)
    groups = backbone.parameter_groups()
    names = {id(parameter): key for key, parameter in backbone.named_parameters()}
    assert {names[id(parameter)] for group in groups for parameter in group.parameters} == expected
    assert not any(group.decay for group in groups)
    assert all(group.rate == {"lru": 0.5, "s4d": 0.25, "s5": 0.25}.get(name, 1.0) for group in groups)


def test_rglru_has_finite_gradients_where_nothing_is_let_in():
    backbone = make("rglru")
    backbone.gate_bias.data.fill_(-1000)
    y, _ = backbone(draw(BATCH, 4, INPUTS))
    y.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in backbone.parameters())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rglru", {"heads": 4}, "^hidden_size 6 must be a multiple of heads 4$"),
        ("s5", {"state_size": 6, "blocks": 2}, "^state_size 6 must be a multiple of 2 x blocks, 2 x 2$"),
        ("s5", {"min_step": 0.2}, "^0 < min_step <= max_step must hold, got 0.2 and 0.1$"),
        ("s4d", {"state_size": 3}, "^state_size must be a multiple of 2, got 3$"),
        ("s4d", {"min_step": 0.0}, "^0 < min_step <= max_step must hold, got 0.0 and 0.1$"),
        ("lru", {"min_radius": 0.9, "max_radius": 0.5}, "^0 <= min_radius < max_radius <= 1 must hold, got 0.9 and 0"),
        ("lru", {"max_phase": 0.0}, "^max_phase must be above 0, got 0.0$"),
        ("lru", {"state_size": 0}, "^state_size must be at least 1, got 0$"),
        ("hgrn", {"lower_bound": 1.0}, "^lower_bound must be at least 0 and below 1, got 1.0$"),
        ("mamba", {"expansion": 0}, "^expansion must be at least 1, got 0$"),
        ("mamba", {"hidden": 0}, "^hidden_size must be at least 1, got 0$"),
    ],
)
def test_what_can_not_be_is_refused(name: str, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make(name, **options)
