"""Averaged weights and clipping by value, on whole trials and against the papers' rules."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import TINY
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rnnbench import training
from rnnbench.averaging import WeightAveraging
from rnnbench.compose import compose, resolve
from rnnbench.errors import UserError
from rnnbench.loading import load_trained
from rnnbench.storage.record import Record
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*TINY, "trainer.progress=false", *overrides])))


def run(*overrides: str) -> Record:
    return run_trial(prepare(*overrides))


def values(record: Record, name: str) -> list[float]:
    return [line[name] for line in record.metrics if name in line]


class Witness(WeightAveraging):
    """Keeps the weights after every step."""

    seen: list[dict[str, Tensor]] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self.seen.append({name: value.detach().clone() for name, value in pl_module.named_parameters()})


def test_what_is_scored_and_kept_is_the_mean_of_the_weights_since_averaging_began(
    book: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "WeightAveraging", Witness)
    Witness.seen = []
    record = run("trainer.averaging=asgd", "trainer.averaging_after=1", "trainer.max_epochs=3")
    steps = len(Witness.seen) // 3
    assert record.result["best_epoch"] == 3
    kept = torch.load(record.folder / "checkpoints/best.pt", weights_only=True)["state_dict"]
    for name, value in kept.items():
        if name in Witness.seen[0]:
            mean = torch.stack([weights[name].double() for weights in Witness.seen[steps:]]).mean(0)
            torch.testing.assert_close(value.double(), mean, rtol=0, atol=1e-6)
    assert "asgd: weights are averaged from epoch 2 on" in (record.folder / "log.txt").read_text()
    learner = load_trained(record)
    trial = prepare()
    learner.on_test_epoch_start()
    with torch.no_grad():
        for index, batch in enumerate(learner.evaluation_batches(trial.task.data["test"], 1)):
            learner.test_step(batch, index)
    assert record.result["test"]["loss"] == pytest.approx(learner.scores("test")["test/loss"].item(), rel=1e-6)


def test_averaging_does_not_disturb_training_and_changes_what_is_scored(book: Path):
    plain, averaged = run("trainer.max_epochs=3"), run("trainer.max_epochs=3", "trainer.averaging=asgd",
                                                       "trainer.averaging_after=1")  # fmt: skip
    assert plain.id != averaged.id
    assert values(plain, "train/loss") == values(averaged, "train/loss")
    before, after = values(plain, "validation/loss"), values(averaged, "validation/loss")
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert before[2] != after[2]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(0, 4), st.booleans())
def test_nt_asgd_begins_when_the_paper_says(scores: list[int], patience: int, rising: bool):
    """Algorithm 1: once t > n and v_t > min of v_0 … v_{t-n-1}."""
    trainer: Any = SimpleNamespace(current_epoch=0, callback_metrics={})
    module: Any = nn.Linear(1, 1)
    callback = WeightAveraging("nt_asgd", patience, "m", "max" if rising else "min", lambda _: None)
    began: list[int] = []
    expected = [t for t, v in enumerate(scores) if t > patience and v > min(scores[: t - patience])]
    for epoch, score in enumerate(scores):
        callback.on_train_epoch_start(trainer, module)
        callback.on_train_batch_end(trainer, module, None, None, 0)
        if callback.count:
            began.append(epoch)
        trainer.callback_metrics = {"m": torch.tensor(-score if rising else score)}
        callback.on_validation_start(trainer, module)
        callback.on_validation_end(trainer, module)
    first = expected[0] + 1 if expected else len(scores)
    assert began == list(range(first, len(scores)))


def test_nt_asgd_runs(book: Path):
    record = run("trainer.averaging=nt_asgd", "trainer.averaging_after=0", "trainer.max_epochs=6",
                 "optimizer.learning_rate=1.0", "schedule=constant")  # fmt: skip
    assert "nt_asgd: weights are averaged from epoch" in (record.folder / "log.txt").read_text()


def test_averages_in_half_precision_are_kept_in_float32():
    module: Any = nn.Linear(1, 1).bfloat16()
    trainer: Any = SimpleNamespace(current_epoch=0)
    callback = WeightAveraging("asgd", 0, "m", "min", lambda _: None)
    callback.on_train_epoch_start(trainer, module)
    with torch.no_grad():
        for step in range(1000):
            module.weight.fill_(float(step >= 500))
            callback.on_train_batch_end(trainer, module, None, None, step)
    callback.on_validation_start(trainer, module)
    assert module.weight.item() == 0.5


def test_clipping_by_value_bounds_each_element_of_the_gradient(book: Path):
    overrides = ("trainer.gradient_clip=1e-4", "trainer.gradient_clip_by=value", "optimizer=sgd", "schedule=constant")
    record = run(*overrides, "learner.bptt=null", "trainer.max_epochs=1")  # one step
    assert record.result["steps"] == 1
    torch.manual_seed(0)
    start = prepare(*overrides, "learner.bptt=null").build_learner().state_dict()
    kept = torch.load(record.folder / "checkpoints/best.pt", weights_only=True)["state_dict"]
    moved = torch.cat([(kept[name] - start[name]).abs().flatten() for name in kept if "metrics" not in name])
    assert moved.max().item() == pytest.approx(1e-4, rel=1e-2)
    assert (moved > 0.99e-4).double().mean() > 0.2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.averaging=asdg", "trainer.averaging 'asdg' does not exist; did you mean 'asgd'"),
        ("trainer.averaging_after=-1", "trainer.averaging_after must be at least 0, got -1"),
        ("trainer.gradient_clip_by=size", "trainer.gradient_clip_by 'size' does not exist; there are: norm, value"),
    ],
)
def test_wrong_settings_are_said(override: str, message: str):
    with pytest.raises(UserError, match=message):
        prepare(override)


def test_what_is_left_out_is_what_the_defaults_say():
    from rnnbench.config import StackConfig, TrainerConfig

    config = resolve(compose([]))
    assert config.stack == StackConfig(num_layers=1, dropout=0.0, norm="none", residual=False, bidirectional=False)
    assert config.trainer == TrainerConfig(
        max_epochs=20, batch_size=16, gradient_clip=1.0, patience=None, precision="32-true", accelerator="auto",
        threads=None, progress=True,
    )  # fmt: skip
