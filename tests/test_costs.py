"""Costs against formulas, hand counts and clocks; measuring disturbs nothing; the record and its page agree."""

import re
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import TINY
from torch import Tensor, nn

import rnnbench
from rnnbench import costs
from rnnbench.backbone import Backbone
from rnnbench.backbones.elman import Elman
from rnnbench.backbones.feedforward import Feedforward
from rnnbench.backbones.gru import GRU
from rnnbench.backbones.lstm import LSTM
from rnnbench.compose import compose, resolve
from rnnbench.config import StackConfig
from rnnbench.learners.base import Learner
from rnnbench.scan.linear import linear_scan
from rnnbench.stack import Stack, Wrapper, build_stack
from rnnbench.trial import Preparation, Trial

I, H = 5, 8  # noqa: E741 - input and hidden size


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*TINY, "trainer.progress=false", *overrides])))


def stack(cell: Any = LSTM, **changes: Any) -> Stack:
    plain = {"num_layers": 2, "dropout": 0.0, "norm": "none", "residual": False, "bidirectional": False}
    return build_stack(lambda size: cell(size, hidden_size=H), I, StackConfig(**{**plain, **changes}))


class Looping(Backbone):
    """Adds up what it reads, step by step, and says when it does."""

    def __init__(self, input_size: int, *, hidden_size: int = H, tick: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.output_size, self.tick = hidden_size, tick
        self.linear = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch_size: int) -> Tensor:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        self.tick()
        h_BH = state + self.linear(x_BI)
        return h_BH, h_BH


class EveryStep(Wrapper):
    """Asks its layer for every step by itself, as zoneout would."""

    def __init__(self, layer: Backbone) -> None:
        super().__init__()
        self.layer, self.output_size = layer, layer.output_size

    def initial_state(self, batch_size: int) -> Any:
        return self.layer.initial_state(batch_size)

    def step(self, x_BI: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.layer.step(x_BI, state)

    def forward(self, x_BTI: Tensor, state: Any = None, lengths_B: Tensor | None = None) -> tuple[Tensor, Any]:
        return Backbone.forward(self, x_BTI, state)


@pytest.mark.parametrize(
    ("cell", "products"),
    [(Feedforward, H * I), (Elman, H * (I + H)), (GRU, 3 * H * (I + H)), (LSTM, 4 * H * (I + H))],
)
def test_flops_are_two_a_multiply_add_of_one_step(cell: Any, products: int):
    assert costs.flops_per_token(cell(I, hidden_size=H), I) == 2 * products


def test_flops_of_a_network_are_those_of_its_layers_and_head(book: Path):
    learner = prepare("stack.num_layers=2", "learner.embedding_size=5").build_learner()
    inputs_B = torch.zeros(1, dtype=torch.long)
    head = H * learner.head.out_features
    assert costs.network_flops(learner, inputs_B) == 2 * (4 * H * (I + H) + 4 * H * (H + H) + head)
    assert costs.flops_per_token(learner.stack, I) == 2 * (4 * H * (I + H) + 4 * H * (H + H))


def test_state_bytes_are_those_of_all_layers_and_of_their_type():
    assert costs.state_bytes(stack(), I) == 2 * 2 * H * 4
    assert costs.state_bytes(stack().double(), I) == 2 * 2 * H * 8
    assert costs.state_bytes(Feedforward(I, hidden_size=H), I) == 0


def test_parameters_are_those_that_learn_and_a_shared_one_counts_once():
    tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    assert costs.parameter_count(tied) == 16 + 4
    tied[1].bias.requires_grad_(False)
    assert costs.parameter_count(tied) == 16


@pytest.mark.parametrize("steps", [1, 7])
def test_activations_of_a_layer_by_hand(steps: int):
    layer, x_TI = nn.Linear(I, H), torch.randn(steps, I)
    # The product keeps x for the gradient of the weights, tanh keeps its result; the weights are not kept anew.
    assert costs.activation_bytes(lambda: torch.tanh(layer(x_TI)).sum(), layer.parameters()) == 4 * steps * (I + H)


def test_a_storage_counts_once_and_whole_and_what_is_there_anyway_does_not():
    x, table = torch.randn(10, requires_grad=True), torch.randn(20)
    assert costs.activation_bytes(lambda: (x * x).sum()) == 40
    assert costs.activation_bytes(lambda: (x[:5] * x[5:]).sum()) == 40
    assert costs.activation_bytes(lambda: (x * table[:10]).sum()) == 80
    assert costs.activation_bytes(lambda: (x * table[:10]).sum(), [table]) == 0
    with torch.no_grad():
        assert costs.activation_bytes(lambda: (x * x).sum()) == 40


def test_the_graph_is_freed_once_it_is_counted():
    def counted() -> weakref.ref[Tensor]:
        layer = nn.Linear(I, H)
        costs.activation_bytes(lambda: torch.tanh(layer(torch.randn(2, I))).sum())  # tanh keeps its own result
        return weakref.ref(layer.weight)

    assert counted()() is None


def test_activations_of_an_autograd_function_of_our_own():
    a, b = torch.rand(6, 3, H, requires_grad=True), torch.rand(6, 3, H)
    # a, all states, and the zeros before the first
    assert costs.activation_bytes(lambda: linear_scan(a, b)) == 4 * (6 * 3 * H * 2 + 3 * H)


@pytest.mark.parametrize("changes", [{}, {"norm": "rms", "residual": True, "dropout": 0.5}, {"bidirectional": True}])
@pytest.mark.parametrize(("cell", "fused"), [(LSTM, True), (Looping, False)])
def test_the_path_is_told_for_each_layer(cell: Any, fused: bool, changes: dict[str, Any]):
    layers = stack(cell, **changes)
    with costs.paths(layers) as found:
        layers(torch.zeros(2, 3, I))
    assert found == [fused, fused]


def test_a_wrapper_that_asks_for_every_step_is_not_fused():
    layers = Stack([LSTM(I, hidden_size=H), EveryStep(LSTM(H, hidden_size=H))], nn.Identity())
    with costs.paths(layers) as found:
        layers(torch.zeros(2, 3, I))
    assert found == [True, False]


def test_clocks_time_the_stack_alone_and_the_network_as_a_whole(monkeypatch: pytest.MonkeyPatch):
    clock = Counter(ms=0)
    monkeypatch.setattr(costs, "_now", lambda device: clock["ms"] / 1000)

    def slow_head(y_BO: Tensor) -> Tensor:
        clock.update(ms=4)
        return y_BO

    layers = Stack([Looping(I, tick=lambda: clock.update(ms=2))], nn.Identity())
    learner: Any = SimpleNamespace(embedding=lambda x: x, stack=layers, head=slow_head)
    median, mean = costs.step_seconds(learner, torch.zeros(1, I))
    assert (median, mean) == (pytest.approx(0.002), pytest.approx(0.006))
    assert clock["ms"] / 1000 < costs.SECONDS_TIMED + (costs.WARM_UP + 1) * 0.006


def measured(learner: Learner, trial: Trial) -> dict[str, Any]:
    batch = next(iter(learner.training_batches(trial.task.data["train"], 4, 0)))
    return costs.measure(learner, batch, "words")


@pytest.mark.parametrize("training", [True, False])
def test_measuring_disturbs_neither_weights_nor_chance_nor_mode(book: Path, training: bool):
    trial = prepare("learner.dropout=0.5", "stack.num_layers=2", "stack.dropout=0.5")
    learner = trial.build_learner().train(training)
    weights = {name: tensor.clone() for name, tensor in learner.state_dict().items()}
    chance = torch.get_rng_state()
    found = measured(learner, trial)
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(weights[name], tensor) for name, tensor in learner.state_dict().items())
    assert learner.training == learner.stack.training == training
    assert all(parameter.grad is None for parameter in learner.parameters())
    assert found["fused"] == [True, True]
    assert found["step_milliseconds"] > 0
    # The median step of the stack is but a part of a step of the network.
    assert found["streaming_words_per_second"] < 2000 / found["step_milliseconds"]


def test_what_needs_a_single_step_is_null_on_a_bidirectional_stack(book: Path):
    trial = prepare()
    learner: Any = trial.build_learner()
    learner.stack = stack(bidirectional=True, num_layers=1)
    learner.embedding, learner.head = nn.Embedding(99, I), nn.Linear(2 * H, learner.head.out_features)
    found = measured(learner, trial)
    assert {name for name, value in found.items() if value is None} == {
        "state_bytes", "flops_per_token", "step_milliseconds", "streaming_words_per_second",
    }  # fmt: skip
    assert found["activation_bytes"] > 0


def test_activations_grow_with_the_chunk(book: Path):
    # A gated unit: what torch keeps for its LSTM has a part that does not depend on the length.
    short, long = (prepare("backbone=gru", f"learner.bptt={bptt}") for bptt in (8, 32))
    kept = [measured(trial.build_learner(), trial)["activation_bytes"] for trial in (short, long)]
    assert 3.9 < kept[1] / kept[0] < 4.1


def test_the_record_holds_what_its_page_describes(book: Path):
    record = rnnbench.run([*TINY, "trainer.progress=false"])
    page = (Path(rnnbench.__file__).parent.parent / "outputs/README.md").read_text()
    fields = re.findall(r"^    (\w+)  +", page.partition("result.json beside")[2], re.MULTILINE)
    described = {name.replace("UNIT", "words") for name in fields}
    others = {"test", "validation", "best_epoch", "epochs", "steps", "facts"}
    assert set(record.result) == described | others
    assert record.result["fused"] == [True]
    assert record.result["parameters"] == costs.parameter_count(rnnbench.load(record.id))


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed", "bf16-true"])
def test_costs_are_those_of_the_precision_of_training(book: Path, precision: str):
    result = rnnbench.run([*TINY, "trainer.progress=false", f"trainer.precision={precision}"]).result
    assert result["state_bytes"] == 2 * H * {"64-true": 8, "bf16-mixed": 4, "bf16-true": 2}[precision]


def test_a_diverged_trial_has_its_costs(book: Path):
    changes = ("optimizer=sgd", "optimizer.learning_rate=1e30", "trainer.gradient_clip=null")
    result = rnnbench.run([*TINY, "trainer.progress=false", *changes]).result
    assert result["test"] == {}
    assert result["flops_per_token"] > 0
