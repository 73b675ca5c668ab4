"""The LSTM with weight drop, the reservoir and the two references, against independent forms in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils.parametrizations import weight_norm

from rnnbench.backbone import Backbone, tensors
from rnnbench.backbones.awd_lstm import AWDLSTM
from rnnbench.backbones.esn import ESN
from rnnbench.backbones.lstm import LSTM
from rnnbench.backbones.tcn import TCN
from rnnbench.backbones.transformer import Transformer, rotate

BATCH, STEPS, INPUTS, HIDDEN = 3, 7, 5, 8
KINDS: dict[str, Any] = {"awd_lstm": AWDLSTM, "esn": ESN, "tcn": TCN, "transformer": Transformer}


def make(kind: Any, size: int = INPUTS, **options: Any) -> Any:
    torch.manual_seed(0)
    built = kind(size, hidden_size=HIDDEN, **options).double()
    with torch.no_grad():  # biases begin at zero, where a mistake in them would not show
        for name, parameter in built.named_parameters():
            if "bias" in name:
                parameter.uniform_(-0.5, 0.5)
    return built


def inputs(steps: int = STEPS, size: int = INPUTS) -> Tensor:
    return torch.randn(BATCH, steps, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def count(built: nn.Module) -> int:
    return sum(parameter.numel() for parameter in built.parameters())


def test_awd_lstm_drops_recurrent_weights_once_a_chunk_in_training():
    awd, plain = make(AWDLSTM, weight_drop=0.4), LSTM(INPUTS, hidden_size=HIDDEN).double()
    plain.load_state_dict(awd.lstm.state_dict())
    torch.testing.assert_close(awd.eval()(inputs()), plain(inputs()), rtol=0, atol=0)
    torch.testing.assert_close(awd.train().step(inputs()[:, 0], plain.initial_state(BATCH)),
                               plain.step(inputs()[:, 0], plain.initial_state(BATCH)), rtol=0, atol=0)  # fmt: skip
    torch.manual_seed(5)
    got = awd(inputs())
    torch.manual_seed(5)
    mask = dropout(torch.ones(4 * HIDDEN, HIDDEN, dtype=torch.float64), 0.4)
    with torch.no_grad():
        plain.get_parameter("layer.weight_hh_l0").mul_(mask)
    torch.testing.assert_close(got, Backbone.forward(plain, inputs()), rtol=0, atol=1e-12)
    got[0].sum().backward()
    gradient = awd.lstm.layer.weight_hh_l0.grad
    assert torch.equal(gradient == 0, mask == 0)
    assert count(awd) == 4 * (HIDDEN * (INPUTS + HIDDEN) + 2 * HIDDEN)


def test_awd_lstm_without_weight_drop_is_lstm_and_draws_nothing():
    awd, before = make(AWDLSTM, weight_drop=0.0), torch.get_rng_state()
    awd(inputs())
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ValueError, match="weight_drop must be at least 0 and below 1, got 1"):
        make(AWDLSTM, weight_drop=1.0)


@pytest.mark.parametrize("leak_rate", [1.0, 0.3])
def test_esn_is_the_formula_and_learns_nothing(leak_rate: float):
    built = make(ESN, leak_rate=leak_rate, input_scaling=0.5)
    w, u = built.input_weight_HI.numpy(), built.recurrent_weight_HH.numpy()
    h = np.ones((BATCH, HIDDEN))
    y, last = built(inputs().requires_grad_(), torch.ones(BATCH, HIDDEN, dtype=torch.float64))
    for step in range(STEPS):
        h = (1 - leak_rate) * h + leak_rate * np.tanh(inputs()[:, step].numpy() @ w.T + h @ u.T)
        assert np.abs(y[:, step].numpy() - h).max() < 1e-12
    assert np.abs(last.numpy() - h).max() < 1e-12
    assert 0.3 < np.abs(w).max() <= 0.5
    assert not y.requires_grad
    assert count(built) == 0
    assert set(built.state_dict()) == {"input_weight_HI", "recurrent_weight_HH"}


@pytest.mark.parametrize(("size", "density", "entries"), [(1, 0.1, 1), (30, 0.2, 6), (30, 0.01, 1), (30, 1.0, 30)])
def test_a_reservoir_is_sparse_and_of_its_spectral_radius(size: int, density: float, entries: int):
    torch.manual_seed(0)
    u = ESN(2, hidden_size=size, density=density, spectral_radius=0.7).recurrent_weight_HH
    assert ((u != 0).sum(1) == entries).all()
    assert np.abs(np.linalg.eigvals(u.double().numpy())).max() == pytest.approx(0.7, rel=1e-3)


def test_a_reservoir_forgets_where_it_began():
    torch.manual_seed(0)
    built, x = ESN(INPUTS, hidden_size=30).double(), inputs(200)
    ends = [built(x, start * torch.ones(BATCH, 30, dtype=torch.float64))[1] for start in (-1.0, 1.0)]
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-6)


def test_tcn_is_torchs_convolutions_padded_and_cut():
    built, x = make(TCN, levels=3, kernel_size=2), inputs()
    with torch.no_grad():
        for level in built.levels:
            level.first.gain_H.mul_(1.5)
    expected = x.mT
    for depth, level in enumerate(built.levels):
        y = expected
        for mine in (level.first, level.second):
            conv = nn.Conv1d(y.shape[1], HIDDEN, 2, padding=2**depth, dilation=2**depth).double()
            weight_norm(conv)
            conv.load_state_dict({
                "bias": mine.bias_H, "parametrizations.weight.original0": mine.gain_H[:, None, None],
                "parametrizations.weight.original1": 3 * mine.direction_HCK,  # only its direction counts
            })  # fmt: skip
            y = conv(y)[:, :, :STEPS].relu()
        expected = (level.shortcut(expected.mT).mT + y).relu()
    torch.testing.assert_close(built(x)[0], expected.mT, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("levels", "kernel_size", "reach"), [(1, 2, 2), (2, 3, 12), (3, 2, 14)])
def test_tcn_sees_as_far_as_it_says(levels: int, kernel_size: int, reach: int):
    built, x = make(TCN, levels=levels, kernel_size=kernel_size), inputs(20).requires_grad_()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.abs_()  # so that no relu shuts the way
    built(x.abs())[0][0, -1].sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(-1)).flatten()
    assert touched.tolist() == list(range(19 - reach, 20))


def test_tcn_counts():
    shortcut, gains_and_biases = HIDDEN * INPUTS + HIDDEN, 4 * 2 * HIDDEN
    assert count(make(TCN, levels=2)) == shortcut + 3 * HIDDEN * INPUTS + 3 * 3 * HIDDEN**2 + gains_and_biases
    with pytest.raises(ValueError, match="kernel_size must be at least 2, got 1"):
        make(TCN, kernel_size=1)
    with pytest.raises(ValueError, match="levels must be at least 1, got 0"):
        make(TCN, levels=0)


def attention(built: Any, x: Tensor) -> np.ndarray:
    """The block over whole rows with places counted from the row's beginning, in numpy, a step and a head at a time."""
    weights = {name: parameter.detach().numpy() for name, parameter in built.named_parameters()}
    heads, width = built.heads, HIDDEN // built.heads

    def norm(row: np.ndarray, name: str) -> np.ndarray:
        scaled = (row - row.mean()) / np.sqrt(row.var() + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def turned(row: np.ndarray, place: int) -> np.ndarray:
        number = row[: width // 2] + 1j * row[width // 2 :]
        return number * np.exp(1j * place * 10000.0 ** (-np.arange(width // 2) / (width // 2)))

    rows = []
    for row in x.numpy():
        inner = row @ weights["inner.weight"].T if "inner.weight" in weights else row
        q, k, v = np.stack(
            [norm(step, "attention_norm") @ weights["query_key_value.weight"].T for step in inner]
        ).reshape(len(inner), 3, heads, width).transpose(1, 2, 0, 3)  # fmt: skip
        outputs = []
        for t, step in enumerate(inner):
            sight = range(max(0, t - built.context), t + 1)
            parts = []
            for n in range(heads):
                scores = [np.real(np.vdot(turned(k[n, s], s), turned(q[n, t], t))) / np.sqrt(width) for s in sight]
                chances = np.exp(scores) / np.exp(scores).sum()
                parts.append(sum(chance * v[n, s] for chance, s in zip(chances, sight, strict=True)))
            a = step + np.concatenate(parts) @ weights["out.weight"].T
            inside = np.maximum(0, norm(a, "mlp_norm") @ weights["mlp.0.weight"].T + weights["mlp.0.bias"])
            outputs.append(a + inside @ weights["mlp.2.weight"].T + weights["mlp.2.bias"])
        rows.append(outputs)
    return np.array(rows)


@pytest.mark.parametrize("size", [INPUTS, HIDDEN])
@pytest.mark.parametrize("context", [1, 4, 50])
def test_transformer_is_attention_over_a_window(size: int, context: int):
    built, x = make(Transformer, size, heads=2, context=context), inputs(13, size)
    expected = attention(built, x)
    assert np.abs(built(x)[0].detach().numpy() - expected).max() < 1e-12
    assert np.abs(Backbone.forward(built, x)[0].detach().numpy() - expected).max() < 1e-12


@settings(max_examples=40)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 6), st.sampled_from(["tcn", "transformer"]))
def test_any_chunks_equal_the_whole_with_the_state(chunks: list[int], context: int, name: str):
    options = {"heads": 2, "context": context} if name == "transformer" else {"levels": 2}
    built, x = make(KINDS[name], **options), inputs(sum(chunks))
    whole, last = built(x)
    state, parts = None, []
    for part in x.split(chunks, 1):
        y, state = built(part, state)
        parts.append(y)
    torch.testing.assert_close((torch.cat(parts, 1), state), (whole, last), rtol=0, atol=1e-10)
    torch.testing.assert_close((whole, last), Backbone.forward(built, x), rtol=0, atol=1e-10)


def test_rows_of_one_batch_may_have_come_differently_far():
    built = make(Transformer, heads=2, context=4)
    states = [built(inputs()[row : row + 1, :steps])[1] for row, steps in enumerate((2, 7, 3))]
    joined = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
    assert joined[2].tolist() == [2, 4, 3]
    y, _ = built(inputs(), joined)
    for row in range(BATCH):
        alone, _ = built(inputs()[row : row + 1], states[row])
        torch.testing.assert_close(y[row], alone[0], rtol=0, atol=1e-12)


def test_rotation_makes_products_depend_on_distance_only():
    q, k = torch.randn(1, 1, 1, 6, dtype=torch.float64), torch.randn(1, 1, 1, 6, dtype=torch.float64)
    products = [(rotate(q, place + 3) * rotate(k, place)).sum().item() for place in (0, 5, 1000)]
    assert products == pytest.approx([products[0]] * 3, abs=1e-10)
    assert (rotate(q, 4) * rotate(k, 0)).sum().item() != pytest.approx(products[0], abs=1e-3)
    torch.testing.assert_close(rotate(q, 7).norm(), q.norm())


def test_transformer_counts_as_the_table_says():
    assert count(make(Transformer, HIDDEN, heads=2)) == 12 * HIDDEN**2 + 9 * HIDDEN
    assert count(make(Transformer, INPUTS, heads=2)) == 12 * HIDDEN**2 + 9 * HIDDEN + HIDDEN * INPUTS
    with pytest.raises(ValueError, match=r"hidden_size 8 must be a multiple of 2 \* heads = 6"):
        make(Transformer, heads=3)
    with pytest.raises(ValueError, match="context must be at least 1, got 0"):
        make(Transformer, heads=2, context=0)


@pytest.mark.parametrize("name", ["esn", "tcn", "transformer"])  # torch's LSTM hands back autocast's own type
def test_half_precision_and_autocast_keep_the_states_types(name: str):
    built = make(KINDS[name]).float()
    half = make(KINDS[name]).bfloat16()
    for module, x, mixed in ((built, inputs().float(), True), (half, inputs().bfloat16(), False)):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            before = module.initial_state(BATCH)
            y, after = module(x, before)
            y, again = module(x, after)
            stepped = module.step(x[:, 0], again)[1]
        assert y.isfinite().all()
        kinds = [tensor.dtype for tensor in tensors(before)]
        assert all([tensor.dtype for tensor in tensors(state)] == kinds for state in (after, again, stepped))
