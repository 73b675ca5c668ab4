"""What every built-in backbone keeps: the contract, against the formulas of the papers in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench import plugins
from rnnbench.backbone import Backbone, detach, tensors

NAMES = ["feedforward", "elman", "lstm", "gru"]
BATCH, STEPS, INPUTS, HIDDEN = 3, 7, 5, 6


def make(name: str, **options: Any) -> Backbone:
    torch.manual_seed(0)
    backbone: Any = plugins.get("backbone", name).load()
    return backbone(INPUTS, hidden_size=HIDDEN, **options).double()


def inputs(requires_grad: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(BATCH, STEPS, INPUTS, generator=generator, dtype=torch.float64, requires_grad=requires_grad)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def weights(backbone: Any) -> list[np.ndarray]:
    return [weight.detach().numpy() for weight in backbone.layer.all_weights[0]]


def feedforward(backbone: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = (p.detach().numpy() for p in backbone.linear.parameters())
    return np.tanh(x @ weight.T + bias), c


def elman(backbone: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    w, u, b, d = weights(backbone)
    return np.tanh(x @ w.T + b + h @ u.T + d), c


def gru(backbone: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (wr, wz, wn), (ur, uz, un), (br, bz, bn), (dr, dz, dn) = (np.split(weight, 3) for weight in weights(backbone))
    r = sigmoid(x @ wr.T + br + h @ ur.T + dr)
    z = sigmoid(x @ wz.T + bz + h @ uz.T + dz)
    n = np.tanh(x @ wn.T + bn + r * (h @ un.T + dn))
    return (1 - z) * n + z * h, c


def lstm(backbone: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    w, u, b, d = (np.split(weight, 4) for weight in weights(backbone))
    i, f, g, o = (x @ w[k].T + b[k] + h @ u[k].T + d[k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


FORMULAS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "feedforward": feedforward, "elman": elman, "lstm": lstm, "gru": gru,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_the_formula(name: str):
    backbone = make(name)
    with torch.no_grad():  # biases begin at zero, where a mistake in them would not show
        for parameter in backbone.parameters():
            parameter.uniform_(-0.7, 0.7)
    y, _ = backbone(inputs())
    h, c = np.zeros((BATCH, HIDDEN)), np.zeros((BATCH, HIDDEN))
    for step in range(STEPS):
        h, c = FORMULAS[name](backbone, inputs()[:, step].numpy(), h, c)
        assert np.abs(y[:, step].detach().numpy() - h).max() < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_forward_equals_step_with_its_gradients(name: str):
    fast, slow = make(name), make(name)
    x_fast, x_slow = inputs(requires_grad=True), inputs(requires_grad=True)
    y_fast, last_fast = fast(x_fast)
    y_slow, last_slow = Backbone.forward(slow, x_slow)
    torch.testing.assert_close(y_fast, y_slow, rtol=0, atol=1e-12)
    for a, b in zip(tensors(last_fast), tensors(last_slow), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    for y in (y_fast, y_slow):
        (y * torch.arange(y.numel()).reshape(y.shape)).sum().backward()
    torch.testing.assert_close(x_fast.grad, x_slow.grad, rtol=1e-10, atol=1e-10)
    for a, b in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_two_chunks_with_carried_state_equal_the_whole(name: str):
    backbone = make(name)
    whole, _ = backbone(inputs())
    first, state = backbone(inputs()[:, :3])
    second, _ = backbone(inputs()[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_do_not_depend_on_later_inputs_or_other_rows(name: str):
    backbone = make(name)
    x = inputs(requires_grad=True)
    backbone(x)[0][1, 3].sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().sum(-1) > 0
    assert not touched[:, 4:].any()
    assert not touched[[0, 2]].any()
    assert touched[1, 3]


@pytest.mark.parametrize("name", NAMES)
def test_state_is_batch_first_of_constant_shape_and_detach_cuts(name: str):
    backbone = make(name)
    before = backbone.initial_state(BATCH)
    y, after = backbone(inputs(requires_grad=True))
    assert y.shape == (BATCH, STEPS, backbone.output_size)
    assert [t.shape for t in tensors(before)] == [t.shape for t in tensors(after)] == [
        (BATCH, HIDDEN)
    ] * len(tensors(before))  # fmt: skip
    assert all(tensor.requires_grad for tensor in tensors(after))
    assert not any(tensor.requires_grad for tensor in tensors(detach(after)))


@pytest.mark.parametrize("name", NAMES)
def test_sizes_below_one_are_refused(name: str):
    backbone: Any = plugins.get("backbone", name).load()
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        backbone(INPUTS, hidden_size=0)


@pytest.mark.parametrize("name", ["feedforward", "elman"])
def test_relu_is_to_be_had(name: str):
    backbone = make(name, activation="relu")
    y, _ = backbone(inputs())
    assert (y >= 0).all()
    torch.testing.assert_close(y, Backbone.forward(backbone, inputs())[0], rtol=0, atol=1e-12)


def test_initialisation_is_orthogonal_in_time_and_the_forget_gate_begins_open():
    layer: Any = make("lstm", forget_bias=2.0).layer
    w, u, b, d = layer.all_weights[0]
    for block in u.chunk(4):
        torch.testing.assert_close(block @ block.T, torch.eye(HIDDEN, dtype=torch.float64), rtol=0, atol=1e-6)
    assert b.chunk(4)[1].tolist() == [2.0] * HIDDEN
    assert b.chunk(4)[0].abs().sum() == b.chunk(4)[2].abs().sum() == d.abs().sum() == 0
    assert w.abs().max() <= (6 / (INPUTS + HIDDEN)) ** 0.5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("feedforward", HIDDEN * INPUTS + HIDDEN),
        ("elman", HIDDEN * (INPUTS + HIDDEN) + 2 * HIDDEN),
        ("gru", 3 * (HIDDEN * (INPUTS + HIDDEN) + 2 * HIDDEN)),
        ("lstm", 4 * (HIDDEN * (INPUTS + HIDDEN) + 2 * HIDDEN)),
    ],
)
def test_parameter_counts(name: str, expected: int):
    assert sum(parameter.numel() for parameter in make(name).parameters()) == expected
