"""Backbones with a matrix state against the formulas of their papers, written anew in numpy and float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from backbones.formulas import sigmoid, silu, softplus
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench import plugins
from rnnbench.backbone import Backbone, detach, tensors
from rnnbench.backbones.mlstm import stabilizer

BATCH, STEPS, INPUTS, HIDDEN, HEADS = 2, 7, 5, 8, 2
SIZE = HIDDEN // HEADS
OPTIONS: dict[str, dict[str, Any]] = {
    "deltanet": {}, "gated_deltanet": {}, "gla": {"gate_rank": 3}, "hgrn2": {"lower_bound": 0.3},
    "mamba2": {"state_size": 3}, "mlstm": {}, "retnet": {},
    "rwkv7": {"decay_rank": 3, "rate_rank": 2, "gate_rank": 4},
}  # fmt: skip


def make(name: str, random: bool = True, **options: Any) -> Any:
    torch.manual_seed(0)
    backbone: Any = plugins.get("backbone", name).load()
    built = backbone(INPUTS, **{"hidden_size": HIDDEN, "heads": HEADS, **OPTIONS[name], **options}).double()
    if random:  # what begins at zero or one hides mistakes in itself
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.uniform_(-0.9, 0.9)
    return built


def inputs(steps: int = STEPS) -> Tensor:
    return torch.randn(BATCH, steps, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def rms(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)


def standard(x: np.ndarray, epsilon: float) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum(-1, keepdims=True) + 1e-6)


def numbers(backbone: Any) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in backbone.state_dict().items()}


def convolve(p: dict[str, np.ndarray], past: list[np.ndarray]) -> np.ndarray:
    """The last four of `past`, weighted; before the first there are zeros."""
    taps = list(zip(reversed(past), reversed(p["convolution.weight"]), strict=False))
    return silu(sum(value * weight for value, weight in taps) + p.get("convolution.bias", np.array(0.0)))


def heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(HEADS, -1)


Step = Callable[[np.ndarray], np.ndarray]


def retnet(p: dict[str, np.ndarray]) -> Step:
    """With complex keys: pairs (i, i + K/2) of key dimensions are one number that turns."""
    states = [np.zeros((SIZE // 2, 2 * SIZE), dtype=complex) for _ in range(HEADS)]
    theta = 10000.0 ** (-np.arange(0, SIZE, 2) / SIZE)

    def step(x: np.ndarray) -> np.ndarray:
        q, k, v, g = np.split(p["project.weight"] @ x, [HIDDEN, 2 * HIDDEN, 4 * HIDDEN])
        outputs = []
        for n in range(HEADS):
            pair = [heads(part)[n][: SIZE // 2] + 1j * heads(part)[n][SIZE // 2 :] for part in (q, k)]
            gamma = 1 - 2.0 ** (-5 - n)
            states[n] = gamma * np.exp(1j * theta)[:, None] * states[n] + np.outer(pair[1], heads(v)[n])
            outputs.append(standard((pair[0].conj() @ states[n]).real, 1e-6))
        return p["out.weight"] @ (silu(g) * np.concatenate(outputs))

    return step


def gla(p: dict[str, np.ndarray]) -> Step:
    states = [np.zeros((SIZE // 2, SIZE)) for _ in range(HEADS)]

    def step(x: np.ndarray) -> np.ndarray:
        q, k, v, r = np.split(p["project.weight"] @ x, [HIDDEN // 2, HIDDEN, 2 * HIDDEN])
        alpha = sigmoid(p["gate.weight"] @ p["narrow.weight"] @ x + p["gate.bias"]) ** (1 / 16)
        outputs = []
        for n in range(HEADS):
            states[n] = np.diag(heads(alpha)[n]) @ states[n] + np.outer(heads(k)[n], heads(v)[n])
            outputs.append(rms(heads(q)[n] @ states[n]) * p["norm.weight"])
        return p["out.weight"] @ (silu(r) * np.concatenate(outputs))

    return step


def hgrn2(p: dict[str, np.ndarray]) -> Step:
    states = [np.zeros((SIZE, SIZE)) for _ in range(HEADS)]

    def step(x: np.ndarray) -> np.ndarray:
        q, i, z = np.split(p["project.weight"] @ x, 3)
        f = 0.3 + 0.7 * sigmoid(z)
        for n in range(HEADS):
            states[n] = np.diag(heads(f)[n]) @ states[n] + np.outer(1 - heads(f)[n], heads(i)[n])
        o = np.concatenate([heads(silu(q))[n] @ states[n] for n in range(HEADS)])
        return p["out.weight"] @ (rms(o) * p["norm.weight"])

    return step


def deltanet(p: dict[str, np.ndarray]) -> Step:
    states, past = [np.zeros((SIZE, SIZE)) for _ in range(HEADS)], []

    def step(x: np.ndarray) -> np.ndarray:
        past.append(p["project.weight"] @ x)
        q, k, v = (heads(part) for part in np.split(convolve(p, past), 3))
        q, k, beta = unit(q), unit(k), sigmoid(p["rate.weight"] @ x)
        outputs = []
        for n in range(HEADS):
            erase = np.eye(SIZE) - beta[n] * np.outer(k[n], k[n])
            states[n] = erase @ states[n] + beta[n] * np.outer(k[n], v[n])
            outputs.append(rms(q[n] @ states[n]) * p["norm.weight"])
        return p["out.weight"] @ np.concatenate(outputs)

    return step


def gated_deltanet(p: dict[str, np.ndarray]) -> Step:
    states, past = [np.zeros((SIZE, 2 * SIZE)) for _ in range(HEADS)], []

    def step(x: np.ndarray) -> np.ndarray:
        past.append(p["project.weight"] @ x)
        q, k, v = (heads(part) for part in np.split(convolve(p, past), [HIDDEN, 2 * HIDDEN]))
        q, k, beta = unit(q), unit(k), sigmoid(p["rate.weight"] @ x)
        alpha = np.exp(-np.exp(p["log_a"]) * softplus(p["forget.weight"] @ x + p["forget.bias"]))
        gate, outputs = heads(silu(p["gate.weight"] @ x)), []
        for n in range(HEADS):
            erase = alpha[n] * (np.eye(SIZE) - beta[n] * np.outer(k[n], k[n]))
            states[n] = erase @ states[n] + beta[n] * np.outer(k[n], v[n])
            outputs.append(gate[n] * rms(q[n] @ states[n]) * p["norm.weight"])
        return p["out.weight"] @ np.concatenate(outputs)

    return step


def mamba2(p: dict[str, np.ndarray]) -> Step:
    """Head by head and channel by channel, each a state space of three numbers."""
    states, past = np.zeros((2 * HIDDEN, 3)), []

    def step(x: np.ndarray) -> np.ndarray:
        past.append(p["project.weight"] @ x)
        u, b, c = np.split(convolve(p, past), [2 * HIDDEN, 2 * HIDDEN + 3])
        delta = softplus(p["step_size.weight"] @ x + p["step_size.bias"])
        y = np.zeros(2 * HIDDEN)
        for channel in range(2 * HIDDEN):
            n = channel // (2 * SIZE)
            kept = np.exp(delta[n] * -np.exp(p["log_a"][n])) * states[channel]
            states[channel] = kept + delta[n] * b * u[channel]
            y[channel] = c @ states[channel] + p["d"][n] * u[channel]
        return p["out.weight"] @ (rms(y * silu(p["gate.weight"] @ x)) * p["norm.weight"])

    return step


def mlstm(p: dict[str, np.ndarray]) -> Step:
    """Without the stabiliser: equations 19 to 27 as they are before it."""
    memory, normalizer = np.zeros((HEADS, SIZE, SIZE)), np.zeros((HEADS, SIZE))

    def step(x: np.ndarray) -> np.ndarray:
        q, k, v, o = (heads(part) for part in np.split(p["project.weight"] @ x + p["project.bias"], 4))
        gates = p["gates.weight"] @ x + p["gates.bias"]
        i, f = np.exp(gates[:HEADS]), sigmoid(gates[HEADS:])
        outputs = []
        for n in range(HEADS):
            memory[n] = f[n] * memory[n] + i[n] * np.outer(v[n], k[n] / np.sqrt(SIZE))
            normalizer[n] = f[n] * normalizer[n] + i[n] * k[n] / np.sqrt(SIZE)
            h = memory[n] @ q[n] / max(abs(normalizer[n] @ q[n]), 1)
            outputs.append(sigmoid(o[n]) * p["weight"][n] * standard(h, 1e-5))
        return p["out.weight"] @ np.concatenate(outputs)

    return step


def rwkv7(p: dict[str, np.ndarray]) -> Step:
    """State as in the paper, values by keys, S (Diag(w) - c' (a c)) + v' k."""
    states, last = [np.zeros((SIZE, SIZE)) for _ in range(HEADS)], [np.zeros(INPUTS)]

    def step(x: np.ndarray) -> np.ndarray:
        xr, xw, xk, xv, xa, xg = (x + (last[0] - x) * mix for mix in p["mix"])
        last[0] = x
        r, k, v = p["receptance.weight"] @ xr, p["key.weight"] @ xk, p["value.weight"] @ xv
        w = p["decay.wide.weight"] @ np.tanh(p["decay.narrow.weight"] @ xw) + p["decay.wide.bias"]
        w = np.exp(-np.exp(-0.5) * sigmoid(w))
        a = sigmoid(p["rate.wide.weight"] @ p["rate.narrow.weight"] @ xa + p["rate.wide.bias"])
        g = p["gate.wide.weight"] @ sigmoid(p["gate.narrow.weight"] @ xg)
        c, k = heads(k * p["erase_scale"]), k * (1 + (a - 1) * p["rate_scale"])
        r, k, v, w, a, outputs = heads(r), heads(k), heads(v), heads(w), heads(a), []
        weight, bias = heads(p["norm.weight"]), heads(p["norm.bias"])
        for n in range(HEADS):
            removal = unit(c[n])
            transition = np.diag(w[n]) - np.outer(removal, a[n] * removal)
            states[n] = states[n] @ transition + np.outer(v[n], k[n])
            bonus = (r[n] * p["bonus"][n] * k[n]).sum() * v[n]
            outputs.append(standard(states[n] @ r[n], 64e-5) * weight[n] + bias[n] + bonus)
        return p["out.weight"] @ (g * np.concatenate(outputs))

    return step


FORMULAS = {
    "deltanet": deltanet, "gated_deltanet": gated_deltanet, "gla": gla, "hgrn2": hgrn2, "mamba2": mamba2,
    "mlstm": mlstm, "retnet": retnet, "rwkv7": rwkv7,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_forward_is_the_formula(name: str):
    backbone = make(name)
    y, _ = backbone(inputs())
    for row in range(BATCH):
        step = FORMULAS[name](numbers(backbone))
        for t in range(STEPS):
            expected = step(inputs()[row, t].numpy())
            assert np.abs(y[row, t].detach().numpy() - expected).max() < 1e-11


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("steps", [1, 7, 37])  # 37: a chunk and a part of one
def test_forward_from_a_carried_state_equals_step_with_all_gradients(name: str, steps: int):
    backbone = make(name)
    _, state = backbone(-inputs(3))
    state = pytree.tree_map(lambda tensor: tensor.clone().requires_grad_(), detach(state))
    x = inputs(steps).requires_grad_()
    free = [x, *tensors(state), *backbone.parameters()]
    fast, slow = backbone(x, state), Backbone.forward(backbone, x, state)
    found = []
    for y, last in (fast, slow):
        loss = sum((tensor * torch.linspace(-1, 2, tensor.numel()).view_as(tensor)).sum() for tensor in tensors(last))
        loss = loss + (y * torch.linspace(-1, 2, y.numel()).view_as(y)).sum()
        assert isinstance(loss, Tensor)
        found.append(torch.autograd.grad(loss, free))
    torch.testing.assert_close(fast[0], slow[0], rtol=1e-11, atol=1e-11)
    for mine, plain in zip(tensors(fast[1]), tensors(slow[1]), strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-11, atol=1e-11)
    for mine, plain in zip(*found, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_state_in_half_precision_is_summed_in_float32_both_ways(name: str):
    backbone = make(name, random=False).bfloat16()
    x = inputs(40).bfloat16()
    fast, slow = backbone(x), Backbone.forward(backbone, x)
    assert fast[0].dtype == slow[0].dtype == torch.bfloat16
    before = [(tensor.shape, tensor.dtype) for tensor in tensors(backbone.initial_state(BATCH))]
    for _, state in (fast, slow):
        assert [(tensor.shape, tensor.dtype) for tensor in tensors(state)] == before
    assert before[0][1] == torch.float32
    torch.testing.assert_close(fast[0], slow[0], rtol=0.05, atol=0.05)


def count(backbone: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in backbone.parameters())


@pytest.mark.parametrize(
    ("name", "parameters", "state"),
    [  # with I = 20, H = 32, n = 4, K = 8
        ("deltanet", 3 * 32 * 20 + 4 * 96 + 4 * 20 + 8 + 32 * 32, 4 * 8 * 8 + 3 * 96),
        ("gated_deltanet", 6 * 32 * 20 + 4 * 128 + 2 * 4 * 20 + 2 * 4 + 16 + 2 * 32 * 32, 4 * 8 * 16 + 3 * 128),
        ("gla", 3 * 32 * 20 + 16 * 20 + 16 * 16 + 16 + 8 + 32 * 32, 4 * 4 * 8),
        ("hgrn2", 3 * 32 * 20 + 32 + 32 * 32, 4 * 8 * 8),
        ("mamba2", (2 * 64 + 2 * 64 + 4) * 20 + 5 * (64 + 2 * 64) + 3 * 4 + 64 + 64 * 32, 4 * 64 * 16 + 3 * 192),
        ("mlstm", 4 * 32 * 21 + 2 * 4 * 21 + 32 + 32 * 32, 4 * (8 * 8 + 8 + 1)),
        ("retnet", 6 * 32 * 20 + 2 * 32 * 32, 4 * 8 * 16),
        ("rwkv7", 6 * 20 + 3 * 32 * 20 + 128 * 52 + 7 * 32 + 32 * 32, 4 * 8 * 8 + 20),
    ],
)
def test_parameters_and_state_are_as_many_as_the_papers_formulas_say(name: str, parameters: int, state: int):
    backbone: Any = plugins.get("backbone", name).load()(20, hidden_size=32, heads=4)
    assert count(backbone) == parameters
    assert sum(tensor[0].numel() for tensor in tensors(backbone.initial_state(3))) == state


def test_mamba2_has_the_published_size():
    """state-spaces/mamba2-130m: 24 blocks of width 768, heads of 64, state 128, norms, tied embedding of 50288."""
    block: Any = plugins.get("backbone", "mamba2").load()(768, hidden_size=768, heads=24, state_size=128)
    assert 24 * (count(block) + 768) + 768 + 50288 * 768 == 128_989_632


@pytest.mark.parametrize("name", FORMULAS)
def test_sizes_that_do_not_divide_are_refused(name: str):
    with pytest.raises(ValueError, match="hidden_size 10 does not divide into 3 heads.* try "):
        make(name, hidden_size=10, heads=3)
    with pytest.raises(ValueError, match="heads must be at least 1, got 0"):
        make(name, heads=0)
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        make(name, hidden_size=0)


def test_heads_that_need_even_sizes_say_so():
    for name in ("retnet", "gla"):
        with pytest.raises(
            ValueError, match="hidden_size 6 does not divide into 2 heads of a size divisible by 2; try 8"
        ):
            make(name, hidden_size=6)


def test_gla_with_one_gate_a_head_is_retention_without_turning():
    """The gate made the same number everywhere: what stays is the mask of retention, computed quadratically."""
    backbone = make("gla")
    with torch.no_grad():
        backbone.gate.weight.zero_()
        backbone.gate.bias.fill_(0.4)
    q, k, v, r = backbone._project(inputs())
    gamma = torch.sigmoid(torch.tensor(0.4, dtype=torch.float64)) ** (1 / 16)
    distance = torch.arange(STEPS)[:, None] - torch.arange(STEPS)
    mask = torch.where(distance >= 0, gamma ** distance.clamp(min=0), 0)
    o = torch.einsum("bnts,bsnv->btnv", torch.einsum("btnk,bsnk->bnts", q, k) * mask, v)
    torch.testing.assert_close(backbone(inputs())[0], backbone._output(o, r), rtol=1e-11, atol=1e-11)


def test_gated_deltanet_that_forgets_nothing_is_deltanet():
    gated, plain = make("gated_deltanet", expansion=1), make("deltanet")
    x = inputs()
    x[..., 0] = 1
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            parameter.copy_(gated.get_parameter(name))
        gated.log_a.fill_(-100)  # a = exp(-0)
        gated.gate.weight.zero_()
        gated.gate.weight[:, 0] = 1.5  # the same gate everywhere
    gate = torch.nn.functional.silu(torch.tensor(1.5, dtype=torch.float64))
    torch.testing.assert_close(gated(x)[0], gate * plain(x)[0], rtol=1e-11, atol=1e-11)


def test_hgrn2_keeps_what_its_lower_bound_says():
    backbone = make("hgrn2", lower_bound=0.9)
    with torch.no_grad():
        backbone.project.weight[2 * HIDDEN :] = -1e3  # f at its bound
    x = inputs().abs() + 1
    _, _, k, log_f = backbone._project(x)
    torch.testing.assert_close(log_f.exp(), torch.full_like(log_f, 0.9))
    torch.testing.assert_close(k, torch.full_like(k, 0.1))
    with pytest.raises(ValueError, match="lower_bound must be at least 0 and below 1, got 1.0"):
        make("hgrn2", lower_bound=1.0)


def test_retention_depends_on_distances_only():
    """A state turned by 1000 steps of silence answers as the same queries at the beginning, but for what faded."""
    backbone = make("retnet")
    _, state = backbone(inputs(2))
    _, later = backbone(torch.zeros(BATCH, 1000, INPUTS, dtype=torch.float64), torch.zeros_like(state))
    assert not later.any()
    whole, _ = backbone(inputs(), later)
    torch.testing.assert_close(whole, backbone(inputs())[0], rtol=0, atol=0)


def test_mlstm_does_not_depend_on_the_scale_of_its_state():
    """C and n divided by e, m one higher: the same state, the same outputs, the same state after."""
    backbone = make("mlstm")
    _, (c, n, m) = backbone(inputs(5))
    y, after = backbone(inputs(), (c, n, m))
    z, moved = backbone(inputs(), (c / np.e, n / np.e, m + 1))
    torch.testing.assert_close(z, y, rtol=1e-11, atol=1e-11)
    scale = torch.exp(moved[2] - after[2])
    torch.testing.assert_close(moved[0] * scale[..., None, None], after[0], rtol=1e-11, atol=1e-11)


def test_mlstm_gates_of_any_size_stay_finite():
    backbone = make("mlstm").float()
    for bias in (-200.0, 200.0):  # exp(200) is infinite in float32
        with torch.no_grad():
            backbone.gates.bias.fill_(bias)
        backbone.zero_grad()
        y, state = backbone(inputs(40).float())
        y.sum().backward()
        assert all(tensor.isfinite().all() for tensor in (y, *tensors(state)))
        assert all(parameter.grad.isfinite().all() for parameter in backbone.parameters())


def test_stabilizer_is_its_recurrence():
    generator = torch.Generator().manual_seed(0)
    log_i, log_f = torch.randn(2, 3, 50, 2, generator=generator, dtype=torch.float64) * 5
    log_f, m = -log_f.abs(), torch.randn(3, 2, generator=generator, dtype=torch.float64)
    for t, got in enumerate(stabilizer(log_i, log_f, m).unbind(1)):
        m = torch.maximum(log_f[:, t] + m, log_i[:, t])
        torch.testing.assert_close(got, m, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_silence_does_not_make_gradients_explode(name: str):
    """Where inputs are zero so are keys, whose length is then divided by."""
    backbone = make(name)
    x = inputs()
    x[:, 3:6] = 0
    backbone(x.requires_grad_())[0].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().max() < 1e6


def test_groups_hold_what_does_not_decay():
    (mamba,) = make("mamba2").parameter_groups()
    assert [tuple(parameter.shape) for parameter in mamba.parameters] == [(HEADS,)] * 3
    assert not mamba.decay
    first, others = make("rwkv7").parameter_groups()
    assert (first.rate, first.decay, others.rate, others.decay) == (2.0, False, 1.0, False)
    decaying = count(make("rwkv7")) - sum(p.numel() for p in [*first.parameters, *others.parameters])
    assert decaying == 3 * HIDDEN * INPUTS + HIDDEN * HIDDEN


def test_steps_sizes_and_gates_begin_where_the_papers_say():
    for name, layer in (("mamba2", "step_size"), ("gated_deltanet", "forget")):
        backbone = make(name, random=False, hidden_size=64, heads=32)
        steps = torch.nn.functional.softplus(getattr(backbone, layer).bias)
        assert 0.001 <= steps.min() < 0.005 < 0.02 < steps.max() <= 0.1
        assert 1 <= backbone.log_a.exp().min() < 5 < 12 < backbone.log_a.exp().max() <= 16
    gates = make("mlstm", random=False, heads=4).gates
    assert gates.bias[4:].tolist() == [3, 4, 5, 6]
    assert gates.weight.abs().sum() == 0
    decay = torch.sigmoid(make("rwkv7", random=False, hidden_size=64).decay.wide.bias)
    assert decay[:32].max() < 0.6
    assert decay[0] < 1e-3 < 0.9 < decay[-1]  # channels from slow to fast
