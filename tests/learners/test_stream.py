import dataclasses
from types import SimpleNamespace
from typing import Any

import datasets
import pytest
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnnbench.backbone import ParameterGroup
from rnnbench.backbones.awd_lstm import AWDLSTM
from rnnbench.backbones.gru import GRU
from rnnbench.backbones.lstm import LSTM
from rnnbench.config import StackConfig
from rnnbench.data.batch import Batch
from rnnbench.data.sources import Sources
from rnnbench.learners.base import Sampling
from rnnbench.learners.stream import StreamLearner
from rnnbench.metrics import CrossEntropy
from rnnbench.optimization import SGD, Adam, Constant
from rnnbench.stack import Stack, build_stack
from rnnbench.task import Sample, Spec, Task
from rnnbench.values import Tokens

SIZE = 9
STACK = StackConfig(num_layers=1, dropout=0.0, norm="none", residual=False, bidirectional=False)


class Counting(Task):
    """A text of rising numbers, in two rows that the harness lays end to end."""

    shape = "many_to_many_aligned"
    stream = True

    def __init__(self, sources: Sources, *, start: int | None = 0) -> None:
        super().__init__(sources)
        self.start = start

    def describe(self) -> Spec:
        return Spec(
            inputs=Tokens(SIZE), targets=Tokens(SIZE), metric="nats", direction="min", chance=2.2, dataset="count",
            setting="", start=self.start,
        )  # fmt: skip

    def splits(self) -> dict[str, datasets.Dataset]:
        text = [[i * i % SIZE for i in range(700)], [i % SIZE for i in range(541)]]
        return dict.fromkeys(("train", "validation", "test"), datasets.Dataset.from_dict({"inputs": text}))

    def metrics(self) -> dict[str, Any]:
        return {"nats": CrossEntropy("nats")}

    def decode(self, prediction: Any, batch: Batch) -> list[Sample]:
        return []


def learner(config: StackConfig = STACK, task: Task | None = None, cell: Any = GRU, **options: Any) -> StreamLearner:
    torch.manual_seed(0)

    def make_stack(size: int) -> Stack:
        return build_stack(lambda width: cell(width, hidden_size=8), size, config)

    return StreamLearner(task or Counting(Sources()), make_stack, **options)


def text() -> tuple[Tensor, Tensor]:
    targets = torch.tensor([*(i * i % SIZE for i in range(700)), *(i % SIZE for i in range(541))])
    return torch.cat([torch.zeros(1, dtype=torch.int64), targets[:-1]]), targets


@torch.no_grad()
def evaluate(built: StreamLearner, batch_size: int) -> dict[str, float]:
    built.eval()
    built.on_test_epoch_start()
    for index, batch in enumerate(built.evaluation_batches(built.task.data["test"], batch_size)):
        built.test_step(batch, index)
    return {name: float(value) for name, value in built.scores("test").items()}


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_evaluation_is_the_unbroken_text_scored_once_whatever_the_batch_size(batch_size: int):
    built = learner()
    inputs, targets = text()
    outputs, _ = built.eval()(inputs[None])
    expected = cross_entropy(outputs[0].double(), targets).item()
    scores = evaluate(built, batch_size)
    assert scores["test/nats"] == pytest.approx(expected, abs=1e-6)
    assert scores["test/loss"] == pytest.approx(expected, abs=1e-6)
    metric: Any = built.metrics["nats"]
    assert metric.count == len(targets) == 1241


def test_training_reads_all_of_the_text_and_the_state_is_carried_without_its_gradient():
    built = learner(bptt=5)
    batches = list(built.training_batches(built.task.data["train"], 4, seed=0))
    assert sum(int(batch.mask.sum()) for batch in batches) == 1241
    carried = torch.cat([built.outputs(batch, index) for index, batch in enumerate(batches)], dim=1)
    whole, _ = built(torch.cat([batch.inputs for batch in batches], dim=1))
    torch.testing.assert_close(carried, whole, rtol=0, atol=1e-5)

    built.embedding.weight.grad = None
    built.outputs(batches[0], 0)
    built.outputs(batches[1], 1).sum().backward()
    assert built.embedding.weight.grad is not None
    touched = set(torch.nonzero(built.embedding.weight.grad.abs().sum(-1)).flatten().tolist())
    assert touched == set(batches[1].inputs.flatten().tolist())


def test_an_evaluation_in_between_does_not_disturb_training():
    alone, disturbed = learner(bptt=5), learner(bptt=5)
    batches = list(alone.training_batches(alone.task.data["train"], 4, seed=0))
    alone.outputs(batches[0], 0)
    disturbed.outputs(batches[0], 0)
    evaluate(disturbed, 4)
    disturbed.train()
    assert torch.equal(alone.outputs(batches[1], 1), disturbed.outputs(batches[1], 1))


def test_the_same_seed_gives_the_same_batches_whatever_the_backbone():
    first = learner(cell=GRU)
    second = learner(cell=LSTM)
    for a, b in zip(
        first.training_batches(first.task.data["train"], 4, seed=3),
        second.training_batches(second.task.data["train"], 4, seed=3),
        strict=True,
    ):
        assert torch.equal(a.inputs, b.inputs)


def test_tied_weights_are_one_matrix():
    built = learner(tied=True)
    assert built.head.weight is built.embedding.weight
    names = [name for name, _ in built.named_parameters()]
    assert "head.weight" not in names
    with pytest.raises(ValueError, match=r"tied needs.*got 5 and 8; set learner.embedding_size=8"):
        learner(tied=True, embedding_size=5)


def test_the_language_model_of_awd_lstm_has_its_published_size():
    class PennTreebank(Counting):
        def describe(self) -> Spec:
            return dataclasses.replace(super().describe(), inputs=Tokens(10_000), targets=Tokens(10_000))

    def make(size: int, hidden_size: int = 1150) -> AWDLSTM:
        return AWDLSTM(size, hidden_size=hidden_size)

    config = dataclasses.replace(STACK, num_layers=3, last_size=400)
    with torch.device("meta"):
        built = StreamLearner(
            PennTreebank(Sources()), lambda size: build_stack(make, size, config), embedding_size=400, tied=True
        )
    # What the authors' code (salesforce/awd-lstm-lm) prints for the Penn Treebank, 24M in the paper.
    assert sum(parameter.numel() for parameter in built.parameters()) == 24_221_600


def test_init_scale_bounds_every_parameter():
    built = learner(init_scale=0.05)
    largest = max(parameter.abs().max().item() for parameter in built.parameters())
    assert 0.045 < largest <= 0.05


def test_the_embedding_is_as_wide_as_the_stack_unless_said_and_asking_draws_nothing():
    assert learner().embedding.embedding_dim == 8
    assert learner(embedding_size=3).embedding.embedding_dim == 3
    torch.testing.assert_close(learner().head.weight, learner(embedding_size=8).head.weight)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bptt": 0}, "bptt must be at least 1"),
        ({"bptt": None, "bptt_deviation": 5.0}, "bptt_deviation needs chunks of at least 8 steps, got bptt=null"),
        ({"bptt": 7, "bptt_deviation": 1.0}, "bptt_deviation needs chunks of at least 8 steps, got bptt=7"),
        (
            {"bptt": 20, "bptt_deviation": 5.1},
            "bptt_deviation must be above 0 and at most a quarter of bptt=20, got 5.1",
        ),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"embedding_size": 0}, "embedding_size must be at least 1"),
        ({"locked_dropout": -0.1}, "locked_dropout must be at least 0 and below 1"),
        ({"embedding_dropout": 1.0}, "embedding_dropout must be at least 0 and below 1"),
        ({"activation_regularization": -1}, "activation_regularization must be at least 0"),
        ({"temporal_activation_regularization": -1}, "temporal_activation_regularization must be at least 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        learner(**options)


def test_a_stack_that_sees_the_future_is_refused():
    both = StackConfig(num_layers=1, dropout=0.0, norm="none", residual=False, bidirectional=True)
    with pytest.raises(ValueError, match="stack.bidirectional=false"):
        learner(both)


def test_a_continuation_is_what_drawing_step_by_step_from_the_whole_text_gives():
    built = learner(StackConfig(num_layers=2, dropout=0.5, norm="layer", residual=True, bidirectional=False))
    batch = built.examples(built.task.data["test"])
    assert batch.inputs.shape == (3, 24)
    got = built.predict(batch, Sampling(length=6, temperature=0.0))
    assert got.continuation is not None
    tokens = batch.inputs
    for _ in range(6):
        outputs, _ = built(tokens)
        tokens = torch.cat([tokens, outputs[:, -1:].argmax(-1)], dim=1)
    assert torch.equal(got.continuation, tokens[:, 24:])
    assert built.predict(batch, Sampling(length=0)).continuation is not None


def test_continuations_are_repeated_by_their_seed():
    built = learner()
    batch = built.examples(built.task.data["test"])
    first, second, third = (built.predict(batch, Sampling(seed=seed)).continuation for seed in (1, 1, 2))
    assert first is not None
    assert second is not None
    assert third is not None
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


class Slow(GRU):
    """A GRU whose recurrent matrix learns at a tenth of the rate and does not decay."""

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.layer.all_weights[0][1]], rate=0.1, decay=False)]


def test_a_backbone_may_train_some_of_its_parameters_otherwise():
    built = learner(cell=Slow)
    built.optimize_with(Adam(name="adamw", learning_rate=0.5, weight_decay=0.2), Constant())
    vars(built)["_trainer"] = SimpleNamespace(estimated_stepping_batches=10, precision="32-true")
    groups = built.configure_optimizers()["optimizer"].param_groups
    recurrent = built.stack.layers[0].get_parameter("layer.weight_hh_l0")
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.5, 0.2), (0.05, 0.0)]
    assert groups[1]["params"] == [recurrent]
    assert len(groups[0]["params"]) == len(list(built.parameters())) - 1
    assert all(parameter is not recurrent for parameter in groups[0]["params"])


class Rates(pl.Callback):
    """Keeps the steps of each chunk and what an update moves a weight whose gradient is always 1."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.before = pl_module.head.bias.detach().clone()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        moved = (self.before - pl_module.head.bias.detach()).mean().item()
        self.seen.append((batch.inputs.shape[1], moved))
        assert trainer.optimizers[0].param_groups[0]["lr"] == 0.5


class Pulled(StreamLearner):
    """Its loss is the sum of the head's biases."""

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        return self.head.bias.sum()


@pytest.mark.filterwarnings("ignore")  # Lightning's own, of having no workers and no validation
@pytest.mark.parametrize("deviation", [None, 4.0])
def test_an_update_goes_with_the_steps_of_its_chunk_where_these_differ(deviation: float | None):
    built = Pulled(Counting(Sources()), lambda size: build_stack(lambda width: GRU(width, hidden_size=8), size, STACK),
                   bptt=16, bptt_deviation=deviation)  # fmt: skip
    built.optimize_with(SGD(learning_rate=0.5), Constant())
    rates = Rates()
    quiet: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    quiet |= {"accelerator": "cpu", "enable_model_summary": False, "plugins": LightningEnvironment()}
    trainer = pl.Trainer(max_epochs=2, callbacks=[rates], **quiet)
    trainer.fit(built, built.training_batches(built.task.data["train"], 4, seed=3))
    lengths = [steps for steps, _ in rates.seen]
    assert (len(set(lengths)) > 5) == (deviation is not None)
    for steps, moved in rates.seen:
        assert moved == pytest.approx(0.5 if deviation is None else 0.5 * steps / 16, rel=1e-4)


REGULARISED: dict[str, Any] = {
    "dropout": 0.3, "locked_dropout": 0.3, "embedding_dropout": 0.3, "activation_regularization": 2.0,
    "temporal_activation_regularization": 1.0,
}  # fmt: skip


def test_regularisers_of_training_leave_evaluation_alone():
    assert evaluate(learner(**REGULARISED), 4) == evaluate(learner(), 4)


def test_penalties_join_the_training_loss_over_what_is_not_masked():
    plain = learner(bptt=9)
    built = learner(bptt=9, activation_regularization=2.0, temporal_activation_regularization=3.0)
    state, batches = None, list(plain.training_batches(plain.task.data["train"], 4, seed=0))
    assert not batches[-1].mask.all()
    for index, batch in enumerate(batches):
        y, state = plain.stack(plain.embedding(batch.inputs), state)
        rows = [row[:length] for row, length in zip(y, batch.lengths.tolist(), strict=True)]
        expected = plain.training_step(batch, index)
        expected = expected + 2 * torch.cat(rows).pow(2).mean()
        expected = expected + 3 * torch.cat([(row[1:] - row[:-1]).pow(2) for row in rows]).mean()
        torch.testing.assert_close(built.training_step(batch, index), expected)


def test_activation_regularisation_is_of_the_dropped_output_and_the_temporal_one_of_the_whole():
    built = learner(bptt=9, locked_dropout=0.5, activation_regularization=2.0, temporal_activation_regularization=3.0)
    batch = next(iter(built.training_batches(built.task.data["train"], 4, seed=0)))
    torch.manual_seed(7)
    got = built.training_step(batch, 0)
    torch.manual_seed(7)
    keep = torch.nn.functional.dropout(torch.ones(4, 1, 8), 0.5)
    y, _ = built.stack(built.embedding(batch.inputs) * keep)
    dropped = y * torch.nn.functional.dropout(torch.ones(4, 1, 8), 0.5)
    expected = cross_entropy(built.head(dropped).flatten(0, 1), batch.targets.flatten())
    expected = expected + 2 * dropped.pow(2).mean() + 3 * (y[:, 1:] - y[:, :-1]).pow(2).mean()
    torch.testing.assert_close(got, expected)


def test_words_are_dropped_wherever_they_stand_in_a_chunk():
    built = learner(bptt=50, embedding_dropout=0.5)
    batch = next(iter(built.training_batches(built.task.data["train"], 4, seed=0)))
    built.outputs(batch, 0).sum().backward()
    assert built.embedding.weight.grad is not None
    touched = set(torch.nonzero(built.embedding.weight.grad.abs().sum(-1)).flatten().tolist())
    assert touched < set(batch.inputs.flatten().tolist())


def test_full_back_propagation_is_one_chunk_whose_gradient_reaches_the_first_step():
    built = learner(bptt=None, cell=LSTM)
    batches = built.training_batches(built.task.data["train"], 40, seed=0)
    (batch,) = batches
    assert len(batches) == 1
    assert batch.inputs.shape == (40, 32)
    embedded = built.embedding(batch.inputs).detach().requires_grad_()
    built.stack(embedded)[0][:, -1].sum().backward()
    assert embedded.grad is not None
    assert (embedded.grad[:, 0].abs().sum(-1) > 0).all()
