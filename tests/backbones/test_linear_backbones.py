"""Backbones whose loop is elementwise or linear: their formulas in numpy, how they begin, their counts."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from backbones.formulas import sigmoid
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from rnnbench import plugins
from rnnbench.backbone import Backbone, ParameterGroup, tensors

BATCH, STEPS, INPUTS, HIDDEN = 3, 7, 5, 6

CASES: list[tuple[str, dict[str, Any]]] = [
    ("indrnn", {}),
    ("indrnn", {"activation": "tanh"}),
    ("sru", {}),
    ("sru", {"highway_bias": -1.0, "hidden_size": INPUTS}),
    ("unicornn", {"dt": 0.3, "alpha": 2.0}),
    ("qrnn", {}),
    ("qrnn", {"window": 1}),
    ("qrnn", {"window": 4}),
    ("mingru", {}),
    ("minlstm", {"forget_bias": 1.0}),
]
NAMES = sorted({name for name, _ in CASES})
each_case = pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))


def make(name: str, input_size: int = INPUTS, **options: Any) -> Any:
    torch.manual_seed(0)
    load: Any = plugins.get("backbone", name).load()
    return load(input_size, **{"hidden_size": HIDDEN, **options}).double()


def shaken(name: str, **options: Any) -> Any:
    """One whose biases are not zero, so that a mistake in them would show."""
    backbone = make(name, **options)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.uniform_(-0.7, 0.7)
    return backbone


def inputs(steps: int = STEPS, batch: int = BATCH) -> Tensor:
    return torch.randn(batch, steps, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def apply(linear: nn.Linear, x: np.ndarray) -> np.ndarray:
    bias = 0 if linear.bias is None else linear.bias.detach().numpy()
    return x @ linear.weight.detach().numpy().T + bias


def indrnn(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    phi = np.tanh if options.get("activation") == "tanh" else lambda value: np.maximum(value, 0)
    h, u, outputs = np.zeros((BATCH, HIDDEN)), net.u.detach().numpy(), []
    for x_t in x:
        h = phi(apply(net.input, x_t) + u * h)
        outputs.append(h)
    return outputs


def sru(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    c, outputs = np.zeros((BATCH, net.output_size)), []
    v_f, v_r = net.v_f.detach().numpy(), net.v_r.detach().numpy()
    for x_t in x:
        f = sigmoid(apply(net.forget, x_t) + v_f * c)
        r = sigmoid(apply(net.reset, x_t) + v_r * c)
        c = f * c + (1 - f) * apply(net.candidate, x_t)
        if net.highway is None:
            skip = math.sqrt(1 + 2 * math.exp(options["highway_bias"])) * x_t
        else:
            skip = apply(net.highway, x_t)
        outputs.append(r * c + (1 - r) * skip)
    return outputs


def unicornn(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    y, z, outputs = np.zeros((BATCH, HIDDEN)), np.zeros((BATCH, HIDDEN)), []
    w, c = net.w.detach().numpy(), net.c.detach().numpy()
    step = options["dt"] * (0.5 + 0.5 * np.tanh(c / 2))
    for x_t in x:
        z = z - step * (np.tanh(w * y + apply(net.input, x_t)) + options["alpha"] * y)
        y = y + step * z
        outputs.append(y)
    return outputs


def qrnn(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    window, c, outputs = options.get("window", 2), np.zeros((BATCH, HIDDEN)), []

    def convolve(linear: nn.Linear, t: int) -> np.ndarray:
        kernel = linear.weight.detach().numpy().reshape(HIDDEN, window, INPUTS)
        total = np.zeros((BATCH, HIDDEN)) + linear.bias.detach().numpy()
        for lag in range(min(window, t + 1)):
            total += x[t - lag] @ kernel[:, window - 1 - lag].T
        return total

    for t in range(len(x)):
        f = sigmoid(convolve(net.forget, t))
        c = f * c + (1 - f) * np.tanh(convolve(net.candidate, t))
        outputs.append(sigmoid(convolve(net.output, t)) * c)
    return outputs


def mingru(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    h, outputs = np.zeros((BATCH, HIDDEN)), []
    for x_t in x:
        z = sigmoid(apply(net.update, x_t))
        h = (1 - z) * h + z * apply(net.candidate, x_t)
        outputs.append(h)
    return outputs


def minlstm(net: Any, x: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    h, outputs = np.zeros((BATCH, HIDDEN)), []
    for x_t in x:
        f, i = sigmoid(apply(net.forget, x_t)), sigmoid(apply(net.input, x_t))
        h = f / (f + i) * h + i / (f + i) * apply(net.candidate, x_t)
        outputs.append(h)
    return outputs


FORMULAS = {"indrnn": indrnn, "sru": sru, "unicornn": unicornn, "qrnn": qrnn, "mingru": mingru, "minlstm": minlstm}


@each_case
def test_forward_is_the_formula(name: str, options: dict[str, Any]):
    net = shaken(name, **options)
    y = net(inputs())[0].detach().numpy()
    expected = FORMULAS[name](net, inputs().transpose(0, 1).numpy(), options)
    np.testing.assert_allclose(y, np.stack(expected, axis=1), rtol=0, atol=1e-12)


@each_case
@pytest.mark.parametrize("steps", [1, 2, STEPS])
def test_forward_equals_step_from_any_state_with_its_gradients(name: str, options: dict[str, Any], steps: int):
    net, gradients = shaken(name, **options), []
    _, state = net(inputs(steps=5).flip(1))
    state = pytree.tree_map(lambda part: part.detach().requires_grad_(), state)
    x = inputs(steps).requires_grad_()
    fast, slow = net(x, state), Backbone.forward(net, x, state)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    for y, last in (fast, slow):
        loss = (y * y.detach().cos()).sum() + sum((part * part.detach().sin()).sum() for part in tensors(last))
        gradients.append(torch.autograd.grad(loss, [x, *tensors(state), *net.parameters()], materialize_grads=True))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-10, atol=1e-10)


@each_case
@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
def test_forward_equals_step_in_lower_precision(
    name: str, options: dict[str, Any], kind: torch.dtype, tolerance: float
):
    net = shaken(name, **options).to(kind)
    x = inputs(steps=40, batch=4).to(kind)  # enough rows for the product by oneDNN
    (y, last), (z, slow_last) = net(x), Backbone.forward(net, x)
    torch.testing.assert_close(y, z, rtol=tolerance, atol=tolerance)
    for part, other, before in zip(tensors(last), tensors(slow_last), tensors(net.initial_state(4)), strict=True):
        torch.testing.assert_close(part, other, rtol=tolerance, atol=tolerance)
        assert (part.shape, part.dtype) == (before.shape, before.dtype)
    y.float().square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


H, I = HIDDEN, INPUTS  # noqa: E741 -- as in the table of parameter counts


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("indrnn", {}, H * I + 2 * H),
        ("sru", {}, 4 * H * I + 4 * H),
        ("sru", {"hidden_size": I}, 3 * I * I + 4 * I),
        ("unicornn", {}, H * I + 3 * H),
        ("qrnn", {"window": 3}, 3 * (3 * H * I + H)),
        ("mingru", {}, 2 * (H * I + H)),
        ("minlstm", {}, 3 * (H * I + H)),
    ],
)
def test_parameter_counts(name: str, options: dict[str, Any], expected: int):
    assert sum(parameter.numel() for parameter in make(name, **options).parameters()) == expected


@pytest.mark.parametrize("name", NAMES)
def test_all_begin_with_small_outputs_and_listed_primitives(name: str):
    net = make(name, input_size=64, hidden_size=64)
    y, _ = net(torch.randn(8, 50, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    assert 0.01 < y.std() < 10
    assert net.primitive == ("linear scan" if name in ("qrnn", "mingru", "minlstm") else "elementwise scan")
    assert net.parameter_groups() == list[ParameterGroup]()


def test_the_recurrent_weights_of_indrnn_begin_within_their_bound():
    u = make("indrnn", hidden_size=1000, bound=0.9).u
    assert 0 <= u.min() < 0.05
    assert 0.85 < u.max() <= 0.9


def test_sru_begins_as_its_authors_code():
    net = make("sru", input_size=300, hidden_size=400, highway_bias=-2.0)
    scale = math.sqrt(1 + 2 * math.exp(-2))
    for linear, variance in ((net.candidate, 1), (net.forget, 0.5), (net.reset, 0.5), (net.highway, scale**2)):
        assert linear.weight.var().item() * 300 == pytest.approx(variance, rel=0.02)
    assert net.v_f.var().item() == pytest.approx(0.5, rel=0.2)
    assert net.forget.bias.eq(0).all()
    assert net.reset.bias.eq(-2).all()


def test_sru_keeps_the_variance_of_its_input():
    net = make("sru", input_size=256, hidden_size=256)
    x = torch.randn(64, 1, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert net(x)[0].var().item() == pytest.approx(1, rel=0.15)  # what the scale of the highway is for


def test_a_step_of_unicornn_keeps_the_volume_of_its_state():
    net = make("unicornn", hidden_size=2, dt=0.5, alpha=3.0)
    x = inputs()[:1, 0]

    def step(state: Tensor) -> Tensor:
        y, z = net.step(x, (state[None, :2], state[None, 2:]))[1]
        return torch.cat([y[0], z[0]])

    jacobian: Any = torch.autograd.functional.jacobian(step, torch.randn(4, dtype=torch.float64))
    assert torch.linalg.det(jacobian).item() == pytest.approx(1, abs=1e-12)


def test_the_gates_of_minlstm_may_both_close():
    net = make("minlstm").float()
    with torch.no_grad():
        for gate, bias in ((net.forget, -200.0), (net.input, -201.0)):
            gate.weight.zero_()
            gate.bias.fill_(bias)
    y, _ = net(inputs().float())
    kept = 1 / (1 + math.exp(-1))
    torch.testing.assert_close(y[:, 0], (1 - kept) * net.candidate(inputs().float()[:, 0]))
    y.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("qrnn", {"window": 0}, "window must be at least 1, got 0"),
        ("indrnn", {"bound": -1}, "bound must be at least 0, got -1"),
        ("unicornn", {"dt": -0.1}, "dt must be at least 0, got -0.1"),
        ("unicornn", {"alpha": -1}, "alpha must be at least 0, got -1"),
        *((name, {"hidden_size": 0}, "hidden_size must be at least 1, got 0") for name in NAMES),
    ],
)
def test_impossible_options_are_refused_in_one_line(name: str, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make(name, **options)
