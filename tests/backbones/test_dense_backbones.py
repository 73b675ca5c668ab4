"""The cells on the dense loop: against their papers' formulas in numpy, torch's layers, and the loop over `step`."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from backbones.formulas import sigmoid
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from rnnbench import plugins
from rnnbench.backbone import Backbone, tensors

BATCH, STEPS, INPUTS, HIDDEN = 3, 7, 5, 8
Arrays = dict[str, np.ndarray]
Formula = Callable[[Any, Arrays, np.ndarray, list[np.ndarray]], tuple[np.ndarray, list[np.ndarray]]]


def make(name: str, inputs: int = INPUTS, hidden: int = HIDDEN, **options: Any) -> Any:
    torch.manual_seed(0)
    backbone: Any = plugins.get("backbone", name).load()
    return backbone(inputs, hidden_size=hidden, **options).double()


def stir(backbone: Any) -> Any:
    """Parameters of a size where each of them shows; clocks stay in their range."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in backbone.named_parameters():
            if name == "open_ratio":
                parameter.uniform_(0.3, 0.6, generator=generator)
            elif name not in ("period", "shift"):
                parameter.uniform_(-0.7, 0.7, generator=generator)
    return backbone


def inputs(steps: int = STEPS, rows: int = BATCH, size: int = INPUTS) -> Tensor:
    return torch.randn(rows, steps, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def random_state(backbone: Backbone, rows: int = BATCH) -> Any:
    """A state some steps on, of which gradients are asked."""
    _, state = backbone(inputs(4, rows, INPUTS))
    return pytree.tree_map(lambda t: t.detach().requires_grad_(t.is_floating_point()), state)


def gates(p: Arrays, x: np.ndarray, h: np.ndarray, count: int) -> list[np.ndarray]:
    return np.split(x @ p["input.weight"].T + p["input.bias"] + h @ p["recurrent"].T, count, axis=-1)


def irnn(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h = np.maximum(0, gates(p, x, state[0], 1)[0])
    return h, [h]


def peephole(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c = state
    i, f, g, o = gates(p, x, h, 4)
    p_i, p_f, p_o = p["peepholes"]
    c_1 = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    h = sigmoid(o + p_o * c_1) * np.tanh(c_1)
    return h, [h, c_1]


def cifg(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c = state
    f, g, o = gates(p, x, h, 3)
    i = 1 - sigmoid(f)
    c = sigmoid(f) * c + i * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def lstm(p: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    i, f, g, o = gates(p, x, h, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def projected(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c = lstm(p, x, *state)
    r = np.einsum("rh,bh->br", p["projection"], h)
    return r, [r, c]


def norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def layernorm(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c = state
    total = norm(x @ p["input"].T) * p["input_gain"] + norm(h @ p["recurrent"].T) * p["recurrent_gain"] + p["bias"]
    i, f, g, o = np.split(total, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(norm(c) * p["cell_gain"] + p["cell_bias"])
    return h, [h, c]


def mogrifier(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c = state
    x = 2 * sigmoid(h @ p["mogrifiers.0"].T) * x
    h = 2 * sigmoid(x @ p["mogrifiers.1"].T) * h
    x = 2 * sigmoid(h @ p["mogrifiers.2"].T) * x
    h = 2 * sigmoid(x @ p["mogrifiers.3"].T) * h
    x = 2 * sigmoid(h @ p["mogrifiers.4"].T) * x
    h, c = lstm(p, x, h, c)
    return h, [h, c]


def slstm(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """By c and n, of which the state has the quotient and the logarithm."""
    h, r, log_n = state
    n = np.exp(log_n)
    c = r * n
    size = HIDDEN // backbone.heads
    wx = x @ p["input.weight"].T + p["input.bias"]
    outputs = []
    for head in range(backbone.heads):
        own = slice(head * size, (head + 1) * size)
        total = wx[:, 4 * head * size : 4 * (head + 1) * size] + h[:, own] @ p["recurrent"][head].T
        z, i, f, o = np.split(total, 4, axis=-1)
        outputs.append((np.tanh(z), np.exp(i), sigmoid(f), sigmoid(o)))
    z, i, f, o = (np.concatenate(parts, axis=-1) for parts in zip(*outputs, strict=True))
    c, n = f * c + i * z, f * n + i
    h = o * c / n
    return h, [h, c / n, np.log(n)]


def cornn(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    y, z = state
    w, w_z = np.split(p["recurrent"], 2, axis=1)
    force = np.tanh(y @ w.T + z @ w_z.T + x @ p["input.weight"].T + p["input.bias"])
    z = z + 0.042 * force - 0.042 * 2.7 * y - 0.042 * 4.7 * z
    y = y + 0.042 * z
    return y, [y, z]


def clockwork(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Module by module, row by row."""
    h, t = state
    new, size = h.copy(), HIDDEN // 4
    for row, module in np.ndindex(len(h), 4):
        if t[row] % (1, 2, 4, 8)[module] == 0:
            own, heard = slice(module * size, (module + 1) * size), slice(module * size, HIDDEN)
            total = p["input.weight"][own] @ x[row] + p["recurrent"][own, heard] @ h[row, heard] + p["input.bias"][own]
            new[row, own] = np.tanh(total)
    return new, [new, t + 1]


def phased(backbone: Any, p: Arrays, x: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    h, c, t = state
    new_h, new_c = lstm(p, x, h, c)
    phase = ((t[:, None] - p["shift"]) % p["period"]) / p["period"]
    r = p["open_ratio"]
    k = np.select([phase < r / 2, phase < r], [2 * phase / r, 2 - 2 * phase / r], 0.001 * phase)
    h, c = k * new_h + (1 - k) * h, k * new_c + (1 - k) * c
    return h, [h, c, t + 1]


FORMULAS: dict[str, Formula] = {
    "irnn": irnn, "peephole_lstm": peephole, "cifg_lstm": cifg, "projected_lstm": projected,
    "layernorm_lstm": layernorm, "mogrifier_lstm": mogrifier, "slstm": slstm, "cornn": cornn, "clockwork": clockwork,
    "phased_lstm": phased,
}  # fmt: skip
NAMES = ["elman", "gru", *FORMULAS]


@pytest.mark.parametrize("name", FORMULAS)
def test_forward_is_the_formula(name: str):
    backbone = stir(make(name))
    parameters = {name: parameter.detach().numpy() for name, parameter in backbone.named_parameters()}
    state = random_state(backbone)
    y, _ = backbone(inputs(), state)
    now = [tensor.detach().numpy() for tensor in tensors(state)]
    for step in range(STEPS):
        expected, now = FORMULAS[name](backbone, parameters, inputs()[:, step].numpy(), now)
        np.testing.assert_allclose(y[:, step].detach().numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("name", NAMES)
def test_forward_equals_step_with_the_gradients_of_outputs_and_states(name: str, steps: int):
    backbone = stir(make(name))
    state, x = random_state(backbone), inputs(steps).requires_grad_()
    given = [x, *(tensor for tensor in tensors(state) if tensor.requires_grad), *backbone.parameters()]
    results = []
    for y, last in (backbone(x, state), Backbone.forward(backbone, x, state)):
        results.append([y, *tensors(last)])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    gradients = []
    for result in results:
        smooth = [tensor for tensor in result if tensor.is_floating_point()]
        generator = torch.Generator().manual_seed(2)
        outer = [torch.randn(tensor.shape, generator=generator, dtype=torch.float64) for tensor in smooth]
        gradients.append(torch.autograd.grad(smooth, given, outer, allow_unused=True))
    for fast, slow in zip(*gradients, strict=True):
        zero = torch.zeros(())
        torch.testing.assert_close(zero if fast is None else fast, zero if slow is None else slow, rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, STEPS])
def test_a_large_projected_lstm_runs_by_the_dense_loop_and_equals_step(steps: int, monkeypatch: pytest.MonkeyPatch):
    backbone = stir(make("projected_lstm"))
    given, state = [*backbone.parameters()], random_state(backbone)
    results = [Backbone.forward(backbone, inputs(steps), state), backbone(inputs(steps), state)]
    monkeypatch.setattr("rnnbench.backbones.projected_lstm.SMALL", HIDDEN - 1)
    results.append(backbone(inputs(steps), state))
    assert "DenseLoop" in str(results[-1][1][1].grad_fn)
    slow, *fast = ([y, *torch.autograd.grad(y.square().sum(), [*given, *state])] for y, _ in results)
    for each in fast:
        torch.testing.assert_close(each, slow, rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, STEPS])
@pytest.mark.parametrize("name", NAMES)
def test_without_a_state_forward_begins_at_the_initial_one(name: str, steps: int):
    backbone = stir(make(name))
    (y, last), (expected, expected_last) = (
        backbone(inputs(steps)),
        backbone(inputs(steps), backbone.initial_state(BATCH)),
    )
    for mine, other in zip([y, *tensors(last)], [expected, *tensors(expected_last)], strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_forward_equals_step_at_a_size_where_products_go_to_onednn(name: str):
    backbone = make(name, inputs=128, hidden=128).float()
    x = torch.randn(32, 3, 128, generator=torch.Generator().manual_seed(1))
    fast, slow = backbone(x)[0], Backbone.forward(backbone, x)[0]
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-5)
    for parameter in backbone.parameters():
        mine, plain = (torch.autograd.grad(y.square().mean(), parameter, retain_graph=True)[0] for y in (fast, slow))
        torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_agree_with_finite_differences(name: str):
    options = {"heads": 2} if name == "slstm" else {"modules": 2} if name == "clockwork" else {}
    backbone = stir(make(name, inputs=2, hidden=2, **options))
    values = [inputs(3, 2, 2), *(tensor.detach() for tensor in tensors(backbone(inputs(2, 2, 2))[1]))]
    asked = [value.requires_grad_(value.is_floating_point()) for value in values]

    def everything(x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        y, last = backbone(x, pytree.tree_unflatten(list(state), pytree.tree_flatten(backbone.initial_state(2))[1]))
        return y, *(tensor for tensor in tensors(last) if tensor.is_floating_point())

    assert torch.autograd.gradcheck(everything, asked)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_states_keep_their_shapes_and_types(name: str, kind: torch.dtype):
    backbone = make(name).to(kind)
    before = backbone.initial_state(BATCH)
    y, after = backbone(inputs().to(kind), before)
    _, once = backbone.step(inputs()[:, 0].to(kind), before)
    described = [[(t.shape, t.dtype) for t in tensors(state)] for state in (before, after, once)]
    assert described[0] == described[1] == described[2]
    assert y.dtype == kind
    assert y.shape == (BATCH, STEPS, backbone.output_size)


def copy_lstm(layer: nn.LSTM, backbone: Any) -> None:
    layer.load_state_dict({
        **layer.state_dict(), "weight_ih_l0": backbone.input.weight, "weight_hh_l0": backbone.recurrent,
        "bias_ih_l0": backbone.input.bias, "bias_hh_l0": torch.zeros(4 * HIDDEN),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"), [("peephole_lstm", {}), ("mogrifier_lstm", {"rounds": 0}), ("projected_lstm", {})]
)
def test_with_nothing_added_it_is_torchs_lstm(name: str, options: dict[str, Any]):
    backbone = make(name, **options)
    size = 0 if backbone.output_size == HIDDEN else backbone.output_size
    layer = nn.LSTM(INPUTS, HIDDEN, batch_first=True, proj_size=size).double()
    if size:
        layer.weight_hr_l0.data = backbone.projection.detach()
    copy_lstm(layer, backbone)
    state = random_state(backbone)
    y, (h, c) = backbone(inputs(), state)
    expected, (h_1, c_1) = layer(inputs(), tuple(tensor[None] for tensor in state))
    for mine, torchs in ((y, expected), (h, h_1[0]), (c, c_1[0])):
        torch.testing.assert_close(mine, torchs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_any_number_of_rounds_mogrifies(rounds: int):
    backbone = stir(make("mogrifier_lstm", rounds=rounds))
    torch.testing.assert_close(backbone(inputs())[0], Backbone.forward(backbone, inputs())[0], rtol=0, atol=1e-12)
    fewer = stir(make("mogrifier_lstm", rounds=rounds - 1))
    assert (backbone(inputs())[0] - fewer(inputs())[0]).abs().max() > 1e-3


def test_clockwork_of_one_module_is_elman():
    clockwork, elman = stir(make("clockwork", modules=1)), make("elman")
    own = {"weight_ih_l0": clockwork.input.weight, "weight_hh_l0": clockwork.recurrent}
    biases = {"bias_ih_l0": clockwork.input.bias, "bias_hh_l0": torch.zeros(HIDDEN)}
    elman.layer.load_state_dict(own | biases)
    torch.testing.assert_close(clockwork(inputs())[0], elman(inputs())[0], rtol=0, atol=1e-12)


def test_slow_modules_do_not_hear_fast_ones():
    backbone = stir(make("clockwork"))
    h = torch.randn(1, HIDDEN, dtype=torch.float64, requires_grad=True)
    y, _ = backbone(inputs(1, 1), (h, torch.zeros(1, dtype=torch.int64)))
    for module in range(4):
        (gradient,) = torch.autograd.grad(y[..., 2 * module : 2 * module + 2].sum(), h, retain_graph=True)
        assert (gradient[0] != 0).tolist() == [index >= 2 * module for index in range(HIDDEN)]


@pytest.mark.parametrize("name", ["clockwork", "phased_lstm"])
def test_time_goes_on_in_chunks_and_each_row_has_its_own(name: str):
    backbone = stir(make(name))
    whole, last = backbone(inputs())
    first, state = backbone(inputs()[:, :3])
    second, end = backbone(inputs()[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)
    assert torch.equal(end[-1], last[-1])
    assert last[-1].tolist() == [STEPS] * BATCH
    late = tensors(state)
    mixed = tuple(torch.cat([new[:1], old[:1]]) for new, old in zip(backbone.initial_state(1), late, strict=True))
    both, _ = backbone(torch.stack([inputs()[0, :4], inputs()[0, 3:]]), mixed)
    torch.testing.assert_close(both[0], whole[0, :4], rtol=0, atol=1e-12)
    torch.testing.assert_close(both[1], whole[0, 3:], rtol=0, atol=1e-12)


def test_a_closed_phased_unit_keeps_its_state_and_leaks_in_training_alone():
    backbone = make("phased_lstm", longest_period=1.0, open_ratio=0.25)
    with torch.no_grad():
        backbone.period.fill_(4.0)
        backbone.shift.fill_(0.0)
    t = torch.arange(5)
    assert backbone.time_gate(t)[:, 0].tolist() == pytest.approx([0, 0.25e-3, 0.5e-3, 0.75e-3, 0])
    assert not backbone.eval().time_gate(t).any()
    state = random_state(backbone)
    _, after = backbone(inputs(), state)
    assert torch.equal(after[0], state[0])
    assert torch.equal(after[1], state[1])


def test_no_decay_pulls_at_clocks_and_one_that_stops_stays_finite():
    backbone = make("phased_lstm")
    (group,) = backbone.parameter_groups()
    assert {id(p) for p in group.parameters} == {id(backbone.period), id(backbone.shift), id(backbone.open_ratio)}
    assert not group.decay
    with torch.no_grad():
        backbone.period[0], backbone.open_ratio[1] = -1.0, 0.0
    y, _ = backbone(inputs())
    y.sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in backbone.parameters())


def test_slstm_stays_finite_where_exponentials_would_not():
    backbone = stir(make("slstm")).float()
    with torch.no_grad():
        backbone.input.weight.mul_(500)
    x = inputs().float().requires_grad_()
    y, state = backbone(x)
    y.sum().backward()
    gradients = [tensor.grad for tensor in (x, *backbone.parameters())]
    assert all(tensor is not None and bool(tensor.isfinite().all()) for tensor in (y, *state, *gradients))


def test_slstm_in_float32_is_as_good_as_its_formula_in_float64_where_gates_are_extreme():
    backbone = stir(make("slstm"))
    with torch.no_grad():
        backbone.input.weight.view(4, 4, -1, INPUTS)[:, 1:3].mul_(60)
    x = inputs(300)
    exact, single = backbone(x)[0], backbone.float()(x.float())[0]
    assert (x @ backbone.input.weight.double().T).abs().max() > 80
    torch.testing.assert_close(single.double(), exact, rtol=0, atol=1e-4)


def test_initialisation():
    backbone = make("irnn")
    assert torch.equal(backbone.recurrent.detach(), torch.eye(HIDDEN).double())
    assert not backbone.input.bias.any()
    assert make("irnn", inputs=400, hidden=50).input.weight.std().item() == pytest.approx(0.001, rel=0.05)
    assert torch.equal(make("irnn", scale=0.01).recurrent.detach(), (0.01 * torch.eye(HIDDEN)).double())
    for name, count, forget in (("peephole_lstm", 4, 1), ("cifg_lstm", 3, 0), ("phased_lstm", 4, 1)):
        backbone = make(name)
        for block in backbone.recurrent.detach().chunk(count):
            torch.testing.assert_close(block @ block.T, torch.eye(HIDDEN).double(), rtol=0, atol=1e-6)
        biases = [block.tolist() for block in backbone.input.bias.detach().chunk(count)]
        assert biases == [[float(index == forget)] * HIDDEN for index in range(count)]
    heads = make("slstm", heads=2).input.bias.detach().view(2, 4, 4)
    assert heads[:, 2, 0].tolist() == [5, 5]
    assert heads[:, 2, -1].tolist() == [-7, -7]
    assert heads[0, 2, 1].item() == pytest.approx(5 - 12 * (1 / 3) ** 0.3)
    assert not heads[:, [0, 1, 3]].any()
    periods = make("phased_lstm", hidden=1000).period
    assert periods.min() >= 1
    assert periods.max() <= math.exp(3)
    assert periods.log().mean().item() == pytest.approx(1.5, abs=0.1)


I, H = INPUTS, HIDDEN  # noqa: E741 - the sizes' letters


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("irnn", {}, H * (I + H) + H),
        ("peephole_lstm", {}, 4 * H * (I + H) + 4 * H + 3 * H),
        ("cifg_lstm", {}, 3 * H * (I + H) + 3 * H),
        ("projected_lstm", {"projection_size": 3}, 4 * H * (I + 3) + 4 * H + 3 * H),
        ("layernorm_lstm", {}, 4 * H * (I + H) + 4 * H + 10 * H),
        ("mogrifier_lstm", {"rounds": 5}, 4 * H * (I + H) + 4 * H + 5 * H * I),
        ("slstm", {"heads": 4}, 4 * H * I + 4 * H * H // 4 + 4 * H),
        ("cornn", {}, H * (I + 2 * H) + H),
        ("clockwork", {}, H * (I + H) + H),
        ("phased_lstm", {}, 4 * H * (I + H) + 4 * H + 3 * H),
    ],
)
def test_parameter_counts(name: str, options: dict[str, Any], expected: int):
    assert sum(parameter.numel() for parameter in make(name, **options).parameters()) == expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        *((name, {"hidden": 0}, "hidden_size must be at least 1, got 0") for name in FORMULAS),
        ("slstm", {"heads": 3}, "heads must divide hidden_size 8, got 3"),
        ("slstm", {"heads": 0}, "heads must be at least 1, got 0"),
        ("clockwork", {"modules": 3}, "modules must divide hidden_size 8, got 3"),
        ("projected_lstm", {"projection_size": 9}, "projection_size must be at most hidden_size 8, got 9"),
        ("projected_lstm", {"projection_size": 0}, "projection_size must be at least 1, got 0"),
        ("mogrifier_lstm", {"rounds": -1}, "rounds must be at least 0, got -1"),
        ("cornn", {"dt": -1.0}, "dt must be at least 0, got -1.0"),
        ("phased_lstm", {"open_ratio": 0.0}, "open_ratio must be above 0 and at most 1, got 0.0"),
        ("phased_lstm", {"longest_period": 0.5}, "longest_period must be at least 1, got 0.5"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(name: str, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make(name, **options)
