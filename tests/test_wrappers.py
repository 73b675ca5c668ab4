"""The wrappers against their papers' formulas, written again with masks drawn from the same seed."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from rnnbench.backbone import Backbone, State, detach, tensors
from rnnbench.backbones.elman import Elman
from rnnbench.backbones.feedforward import Feedforward
from rnnbench.backbones.gru import GRU
from rnnbench.backbones.lstm import LSTM
from rnnbench.config import StackConfig
from rnnbench.errors import UserError
from rnnbench.regularization import (
    ColumnDropout,
    EmbeddingDropout,
    LockedDropout,
    activation_penalty,
    temporal_penalty,
)
from rnnbench.stack import Stack, build_stack
from rnnbench.wrappers import Highway, Preceded, WeightDrop, Zoneout

PLAIN = {"num_layers": 1, "dropout": 0.0, "norm": "none", "residual": False, "bidirectional": False}
BATCH, STEPS, INPUTS, HIDDEN = 4, 7, 5, 6


def cell(kind: Any, size: int = INPUTS) -> Any:
    torch.manual_seed(0)
    return kind(size, hidden_size=HIDDEN).double()


def stack(kind: Any = GRU, **changes: Any) -> Stack:
    torch.manual_seed(0)
    config = StackConfig(**{**PLAIN, **changes})
    return build_stack(lambda size: kind(size, hidden_size=HIDDEN), INPUTS, config).double()


def inputs() -> Tensor:
    return torch.randn(BATCH, STEPS, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def seeded(module: Any, *given: Any) -> Any:
    torch.manual_seed(3)
    return module(*given)


def test_locked_dropout_keeps_a_mask_a_row_for_all_steps_of_a_chunk():
    x = torch.ones(50, STEPS, 200)
    y = seeded(LockedDropout(0.25), x)
    assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert len({tuple(row.tolist()) for row in y[:, 0]}) == 50
    assert (y == 0).double().mean().item() == pytest.approx(0.25, abs=0.05)
    assert not torch.equal(y, LockedDropout(0.25)(x))
    assert torch.equal(LockedDropout(0.25).eval()(x), x)


def test_a_single_step_is_a_chunk_of_its_own():
    y = seeded(LockedDropout(0.5), torch.ones(50, 200))
    assert len({tuple(row.tolist()) for row in y}) == 50


def test_embedding_dropout_drops_every_place_of_a_word():
    tokens = torch.randint(0, 9, (BATCH, 50), generator=torch.Generator().manual_seed(0))
    module = EmbeddingDropout(0.5, words=9)
    y = seeded(module, torch.ones(BATCH, 50, 3), tokens)
    kept = {word: set(y[tokens == word].flatten().tolist()) for word in range(9)}
    assert all(values in ({0.0}, {2.0}) for values in kept.values())
    assert {0.0} in kept.values()
    assert {2.0} in kept.values()
    assert torch.equal(module.eval()(y, tokens), y)


@pytest.mark.parametrize("kind", [Elman, GRU, LSTM])
@pytest.mark.parametrize("drop", [nn.Dropout(0.5), ColumnDropout(0.5)])
def test_weight_drop_is_the_cell_with_a_masked_matrix(kind: Any, drop: nn.Module):
    plain, wrapped = cell(kind), WeightDrop(drop, cell(kind))
    mask = seeded(drop, torch.ones(*plain.layer.weight_hh_l0.shape, dtype=torch.float64))
    with torch.no_grad():
        plain.layer.weight_hh_l0.mul_(mask)
    expected, last = Backbone.forward(plain, inputs())
    got, state = seeded(wrapped, inputs())
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(tensors(state), tensors(last), rtol=0, atol=1e-12)
    for y in (got, expected):
        y.sin().sum().backward()
    weight = wrapped.get_parameter("layer.layer.weight_hh_l0")
    torch.testing.assert_close(weight.grad, plain.layer.weight_hh_l0.grad * mask, rtol=0, atol=1e-12)
    assert 0 < (mask == 0).double().mean() < 1


def test_weight_drop_leaves_parameters_and_evaluation_whole_and_draws_anew_each_chunk():
    plain, wrapped = cell(LSTM), WeightDrop(nn.Dropout(0.5), cell(LSTM))
    before = {name: value.clone() for name, value in wrapped.state_dict().items()}
    first, second = wrapped(inputs())[0], wrapped(inputs())[0]
    assert not torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in wrapped.state_dict().items())
    assert all(isinstance(parameter, nn.Parameter) for parameter in wrapped.parameters())
    torch.testing.assert_close(wrapped.eval()(inputs())[0], plain(inputs())[0], rtol=0, atol=0)
    state = plain.initial_state(BATCH)
    torch.testing.assert_close(wrapped.step(inputs()[:, 0], state), plain.step(inputs()[:, 0], state))


def test_recurrent_dropout_masks_the_state_that_enters_the_matrix_and_not_the_cell():
    plain, wrapped = cell(LSTM), WeightDrop(ColumnDropout(0.5), cell(LSTM))
    mask = seeded(dropout, torch.ones(1, HIDDEN, dtype=torch.float64), 0.5)
    w, u, b, d = plain.layer.all_weights[0]
    h = c = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    got, _ = seeded(wrapped, inputs())
    for step in range(STEPS):
        i, f, g, o = (inputs()[:, step] @ w.T + b + (h * mask) @ u.T + d).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(got[:, step], h, rtol=0, atol=1e-12)


@pytest.mark.parametrize("option", ["weight_drop", "recurrent_dropout"])
def test_dropping_what_is_not_there_is_refused(option: str):
    with pytest.raises(UserError, match=f"stack.{option}: Feedforward names no recurrent.*; set stack.{option}=0"):
        stack(Feedforward, **{option: 0.5})


def test_zoneout_keeps_elements_at_random_in_training():
    plain, wrapped = cell(LSTM), Zoneout(0.3, cell(LSTM))
    got, last = seeded(wrapped, inputs())
    torch.manual_seed(3)
    h = c = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    for step in range(STEPS):
        _, (h_new, c_new) = plain.step(inputs()[:, step], (h, c))
        keep_h, keep_c = torch.rand_like(h) < 0.3, torch.rand_like(c) < 0.3
        h, c = torch.where(keep_h, h, h_new), torch.where(keep_c, c, c_new)
        torch.testing.assert_close(got[:, step], h, rtol=0, atol=1e-12)
    torch.testing.assert_close(last, (h, c), rtol=0, atol=1e-12)


def test_zoneout_takes_the_expectation_in_evaluation():
    plain, wrapped = cell(GRU), Zoneout(0.3, cell(GRU)).eval()
    got, _ = wrapped(inputs())
    h = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    for step in range(STEPS):
        h = 0.3 * h + 0.7 * plain.step(inputs()[:, step], h)[0]
        torch.testing.assert_close(got[:, step], h, rtol=0, atol=1e-12)


class Counting(Backbone):
    """Counts steps in an integer and turns a complex number."""

    def __init__(self) -> None:
        super().__init__()
        self.output_size = 1
        self.bias = nn.Parameter(torch.zeros(1))

    def initial_state(self, batch_size: int) -> State:
        return {"count": torch.zeros(batch_size, dtype=torch.int64), "turn": torch.ones(batch_size, dtype=torch.cfloat)}

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return x_BI[:, :1], {"count": state["count"] + 1, "turn": state["turn"] * 1j}


def test_zoneout_lets_counters_go_on_and_mixes_complex_states():
    wrapped = Zoneout(0.5, Counting())
    _, state = seeded(wrapped, torch.zeros(200, 1, 1))
    assert state["count"].tolist() == [1] * 200
    assert set(state["turn"].tolist()) == {1, 1j}
    _, state = wrapped.eval()(torch.zeros(3, 1, 1))
    assert state["turn"].tolist() == [0.5 + 0.5j] * 3


def test_highway_is_a_gate_between_output_and_input():
    plain, wrapped = cell(GRU, HIDDEN), Highway(cell(GRU, HIDDEN), HIDDEN).double()
    x = torch.randn(BATCH, STEPS, HIDDEN, dtype=torch.float64)
    assert wrapped.gate.bias.tolist() == [-1.0] * HIDDEN
    gate = torch.sigmoid(x @ wrapped.gate.weight.T + wrapped.gate.bias)
    expected = gate * plain(x)[0] + (1 - gate) * x
    torch.testing.assert_close(wrapped(x)[0], expected, rtol=0, atol=1e-12)
    assert stack(highway=True, num_layers=2)(inputs())[0].shape == (BATCH, STEPS, HIDDEN)
    with pytest.raises(ValueError, match="residual and highway"):
        stack(highway=True, residual=True)


ALL: list[dict[str, Any]] = [
    {"locked_dropout": 0.5, "num_layers": 2},
    {"weight_drop": 0.5},
    {"recurrent_dropout": 0.5},
    {"zoneout": 0.2},
    {"highway": True},
    {"num_layers": 2, "locked_dropout": 0.3, "weight_drop": 0.3, "recurrent_dropout": 0.3, "zoneout": 0.3,
     "highway": True, "norm": "rms", "dropout": 0.1},
]  # fmt: skip


@pytest.mark.parametrize("changes", ALL)
def test_evaluation_is_the_loop_over_steps_in_chunks_as_well(changes: dict[str, Any]):
    built = stack(LSTM, **changes).eval()
    whole, last = built(inputs())
    torch.testing.assert_close((whole, last), Backbone.forward(built, inputs()), rtol=0, atol=1e-12)
    first, state = built(inputs()[:, :3])
    second, state = built(inputs()[:, 3:], state)
    torch.testing.assert_close((torch.cat([first, second], 1), state), (whole, last), rtol=0, atol=1e-12)


@pytest.mark.parametrize("changes", ALL)
def test_training_reaches_every_parameter_and_no_other_row_or_later_step(changes: dict[str, Any]):
    built = stack(LSTM, **changes).train()
    x = inputs().requires_grad_()
    state = detach(built.initial_state(BATCH))
    y, _ = built(x, state)
    y[1, 3].sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().sum(-1) > 0
    assert not touched[:, 4:].any()
    assert not touched[[0, 2, 3]].any()
    assert touched[1, 3]
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in built.parameters())


def test_both_drops_of_the_matrix_multiply():
    built = stack(LSTM, weight_drop=0.5, recurrent_dropout=0.5)
    torch.manual_seed(3)
    columns = dropout(torch.ones(1, HIDDEN, dtype=torch.float64), 0.5)
    mask = dropout(torch.ones(4 * HIDDEN, HIDDEN, dtype=torch.float64), 0.5) * columns
    plain = cell(LSTM)
    with torch.no_grad():
        plain.layer.weight_hh_l0.mul_(mask)
    torch.testing.assert_close(seeded(built, inputs())[0], plain(inputs())[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("changes", [{"zoneout": 0.3}, {"weight_drop": 0.3}, {"highway": True, "norm": "layer"}])
def test_padding_changes_nothing_where_a_direction_reads_backwards(changes: dict[str, Any]):
    built = stack(bidirectional=True, num_layers=2, **changes).eval()
    lengths = torch.tensor([7, 4, 1, 6])
    valid = torch.arange(STEPS) < lengths[:, None]
    noisy = torch.where(valid[:, :, None], inputs(), 99.0)
    torch.testing.assert_close(built(inputs(), None, lengths)[0][valid], built(noisy, None, lengths)[0][valid])


def test_what_is_off_leaves_no_module_and_draws_nothing():
    built = stack(num_layers=2).train()
    assert [type(layer) for layer in built.layers] == [GRU, GRU]
    before = torch.get_rng_state()
    built(inputs())
    assert torch.equal(torch.get_rng_state(), before)
    bare = cell(GRU)
    torch.testing.assert_close(stack()(inputs())[0], bare(inputs())[0], rtol=0, atol=0)


def test_locked_dropout_stands_between_layers_only():
    assert torch.equal(stack(locked_dropout=0.9)(inputs())[0], stack()(inputs())[0])
    second = stack(num_layers=2, locked_dropout=0.9).layers[1]
    assert isinstance(second, Preceded)
    assert isinstance(second.module, LockedDropout)


@pytest.mark.parametrize("option", ["locked_dropout", "weight_drop", "recurrent_dropout", "zoneout"])
def test_probabilities_out_of_range_are_refused(option: str):
    with pytest.raises(ValueError, match=f"{option} must be at least 0 and below 1, got 1.0"):
        stack(**{option: 1.0})


def test_penalties_are_means_over_what_is_not_masked():
    y, mask = torch.randn(2, 4, 3), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    squares = [float(y[b, t, o] ** 2) for b in range(2) for t in range(4) if mask[b, t] for o in range(3)]
    assert activation_penalty(y, mask).item() == pytest.approx(sum(squares) / len(squares))
    changes = [
        float((y[b, t + 1, o] - y[b, t, o]) ** 2)
        for b in range(2) for t in range(3) if mask[b, t] and mask[b, t + 1] for o in range(3)
    ]  # fmt: skip
    assert temporal_penalty(y, mask).item() == pytest.approx(sum(changes) / len(changes))
    full = torch.ones(2, 4, dtype=torch.bool)
    assert activation_penalty(y, full).item() == pytest.approx(y.pow(2).mean().item())
    assert temporal_penalty(y, full).item() == pytest.approx((y[:, 1:] - y[:, :-1]).pow(2).mean().item())
    assert temporal_penalty(y[:, :1], full[:, :1]).item() == 0


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [Elman, GRU, LSTM])
def test_weight_drop_on_cuda_is_that_on_the_cpu(kind: Any):
    plain, wrapped = cell(kind).cuda(), WeightDrop(nn.Dropout(0.5), cell(kind)).cuda()
    x = inputs().cuda()
    for _ in range(2):  # cuDNN lays weights out anew
        mask = seeded(nn.Dropout(0.5), torch.ones_like(plain.layer.weight_hh_l0))
        masked = torch.func.functional_call(plain.cpu(), {"layer.weight_hh_l0": plain.layer.weight_hh_l0 * mask.cpu()},
                                            inputs())[0]  # fmt: skip
        torch.testing.assert_close(seeded(wrapped, x)[0].cpu(), masked, rtol=0, atol=1e-10)
        plain.cuda()
    wrapped(x)[0].sum().backward()
    assert all(parameter.grad is not None for parameter in wrapped.parameters())
