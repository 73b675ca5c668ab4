"""One trial, end to end: its record, its numbers against a bare loop, and the ways it can end."""

import gc
import math
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbench.compose import compose, resolve
from rnnbench.errors import UserError
from rnnbench.storage import checkpoints
from rnnbench.storage.record import Record, Status, all_records
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*TINY, "trainer.progress=false", *overrides])))


def run(*overrides: str) -> Record:
    return run_trial(prepare(*overrides))


def test_a_trial_leaves_a_whole_record(book: Path):
    record = run("trainer.max_epochs=3", "backbone=gru")
    assert record.status == Status.DONE
    assert record.folder == Path("outputs/runs/language_modeling/gru") / record.id
    files = {str(path.relative_to(record.folder)) for path in record.folder.rglob("*") if path.is_file()}
    assert files == {
        "config.yaml", "trial.json", "environment.json", "status.json", "metrics.jsonl", "result.json",
        "checkpoints/best.pt", "samples/samples.json",
    }  # fmt: skip
    result = record.result
    assert result["epochs"] == 3
    assert result["facts"]["test_words"] > 50
    assert 1 < result["test"]["perplexity"] < record.facts["chance"]
    assert result["test"]["perplexity"] == pytest.approx(math.exp(result["test"]["loss"]), rel=1e-5)
    assert result["state_bytes"] == 8 * 4
    assert result["words_per_second"] > 0
    assert result["peak_memory_bytes"] > 2**20
    assert len(record.samples) == 3
    assert record.environment["packages"]["torch"].startswith("2.")
    validations = [line for line in record.metrics if "validation/perplexity" in line]
    assert [line["epoch"] for line in validations] == [1, 2, 3]
    best = min(validations, key=lambda line: line["validation/perplexity"])
    assert result["validation"]["perplexity"] == best["validation/perplexity"]
    assert result["best_epoch"] == best["epoch"]


def test_a_trial_that_is_over_leaves_no_network_behind(book: Path, monkeypatch: pytest.MonkeyPatch):
    build, weights = Trial.build_learner, []

    def remembered(trial: Trial) -> Any:
        learner = build(trial)
        weights.extend(map(weakref.ref, learner.parameters()))
        return learner

    monkeypatch.setattr(Trial, "build_learner", remembered)
    run()
    gc.collect()
    assert weights
    assert not any(weight() is not None for weight in weights), "each further trial of a worker would need more memory"


def test_the_same_trial_runs_once_and_changes_no_file(book: Path):
    first = run()
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    assert run("outputs_dir=outputs", "logger.tags=[x]") == first
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(book: Path):
    first, second = run("outputs_dir=a"), run("outputs_dir=b")
    other = run("seed=1")
    assert first.id == second.id != other.id
    assert first.result["test"] == second.result["test"] != other.result["test"]
    lines = [[{k: v for k, v in line.items() if "second" not in k} for line in r.metrics] for r in (first, second)]
    assert lines[0] == lines[1]


def test_what_was_best_on_validation_is_tested_and_not_what_came_last(book: Path):
    # A learning rate that rises until it ruins the network: the best epoch is not the last.
    record = run("trainer.max_epochs=6", "optimizer.learning_rate=1.0", "schedule.warmup=0.99")
    assert record.result["best_epoch"] < 6
    trial = prepare("trainer.max_epochs=6", "optimizer.learning_rate=1.0", "schedule.warmup=0.99")
    learner: Any = trial.build_learner()
    learner.load_state_dict(torch.load(record.folder / "checkpoints/best.pt", weights_only=True)["state_dict"])
    (batch, *_) = learner.evaluation_batches(trial.task.data["test"], 1)
    with torch.no_grad():
        outputs, _ = learner.eval()(batch.inputs)
    loss = cross_entropy(outputs.flatten(0, 1), batch.targets.flatten())
    assert record.result["test"]["loss"] == pytest.approx(loss.item(), rel=1e-5)


def test_numbers_equal_those_of_a_bare_loop(book: Path):
    overrides = ("trainer.max_epochs=3", "trainer.batch_size=5", "learner.bptt=11", "learner.dropout=0.2")
    record = run(*overrides, "backbone.hidden_size=16", "trainer.gradient_clip=0.5")
    trial = prepare(*overrides, "backbone.hidden_size=16", "trainer.gradient_clip=0.5")
    assert bare_loop(trial) == pytest.approx(
        [line["validation/loss"] for line in record.metrics if "validation/loss" in line], rel=1e-5
    )


def bare_loop(trial: Trial) -> list[float]:
    """Validation losses of plain PyTorch with the trial's initial weights, numbers written out."""
    torch.manual_seed(trial.config.seed)
    start: Any = trial.build_learner()
    vocabulary = start.embedding.num_embeddings
    embedding, lstm, head = nn.Embedding(vocabulary, 16), nn.LSTM(16, 16, batch_first=True), nn.Linear(16, vocabulary)
    embedding.load_state_dict(start.embedding.state_dict())
    lstm.load_state_dict(start.stack.layers[0].layer.state_dict())
    head.load_state_dict(start.head.state_dict())
    modules = nn.ModuleList([embedding, lstm, head])
    torch.manual_seed(trial.config.seed)  # dropout goes on from where building the learner left the generator
    trial.build_learner()

    text = {name: torch.tensor(split[0]["inputs"]) for name, split in trial.task.data.items()}
    begin = torch.tensor([trial.task.spec.start])
    width = -(-len(text["train"]) // 5)
    padded = torch.full((2, 5 * width), -100)
    padded[0, : len(text["train"])] = torch.cat([begin, text["train"][:-1]])
    padded[1, : len(text["train"])] = text["train"]
    x, y = padded[0].clamp(min=0).view(5, width), padded[1].view(5, width)
    optimizer = torch.optim.AdamW(modules.parameters(), 0.001, weight_decay=0.01)
    total, step, losses = 3 * -(-width // 11), 0, []
    for _ in range(3):
        state = None
        for at in range(0, width, 11):
            for group in optimizer.param_groups:
                group["lr"] = 0.001 * (1 + math.cos(math.pi * step / total)) / 2
            hidden, state = lstm(nn.functional.dropout(embedding(x[:, at : at + 11]), 0.2), state)
            state = tuple(part.detach() for part in state)
            outputs = head(nn.functional.dropout(hidden, 0.2))
            loss = cross_entropy(outputs.flatten(0, 1), y[:, at : at + 11].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(modules.parameters(), 0.5)
            optimizer.step()
            step += 1
        with torch.no_grad():
            outputs = head(lstm(embedding(torch.cat([begin, text["validation"][:-1]])))[0])
            losses.append(cross_entropy(outputs, text["validation"]).item())
    return losses


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_train(book: Path, precision: str):
    assert run(f"trainer.precision={precision}").status == Status.DONE


def test_early_stopping_ends_training_after_patience_epochs_without_a_better_score(book: Path):
    record = run("trainer.max_epochs=30", "trainer.patience=2", "optimizer.learning_rate=0.5", "schedule=constant")
    assert record.result["epochs"] == record.result["best_epoch"] + 2 < 30


def test_divergence_is_a_result(book: Path):
    record = run("optimizer=sgd", "optimizer.learning_rate=1e30", "trainer.gradient_clip=null", "trainer.max_epochs=2")
    assert record.status == Status.DIVERGED
    assert record.finished
    assert record.result["test"] == {}
    assert "inf" in (record.folder / "log.txt").read_text() or "nan" in (record.folder / "log.txt").read_text()


def test_a_loss_above_the_limit_that_a_person_sets_is_divergence(book: Path):
    rising = (
        "learner.bptt=1000",
        "optimizer=sgd",
        "optimizer.learning_rate=30",
        "schedule=constant",
    )  # one step too far
    (training, validation) = run(*rising).metrics
    assert training["train/loss"] < validation["validation/loss"]
    between = (training["train/loss"] + validation["validation/loss"]) / 2
    for ceiling, said in ((1.0, "the training loss at step"), (between, "validation/loss after epoch 1")):
        record = run(*rising, f"trainer.diverged_above={ceiling}")
        assert record.status == Status.DIVERGED
        assert said in (record.folder / "log.txt").read_text()
        assert f", above trainer.diverged_above={ceiling:g}" in (record.folder / "log.txt").read_text()
    assert run(*rising, "trainer.diverged_above=1000").status == Status.DONE
    with pytest.raises(UserError, match="diverged_above must be a finite loss or null, got nan"):
        run("trainer.diverged_above=nan")


BURSTING = """
import torch
from rnnbench import Backbone

class Bursting(Backbone):
    '''Its state leaves the finite numbers at the eighth batch that it is trained on, where it is the second layer.'''

    made = 0

    def __init__(self, input_size: int, *, hidden_size: int = 8) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.read = torch.nn.Linear(input_size, hidden_size)
        self.second, self.calls = type(self).made % 2 == 1, 0
        type(self).made += 1

    def initial_state(self, batch_size):
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI, state):
        h_BH = torch.tanh(self.read(x_BI)) + 0.5 * state
        return h_BH, h_BH

    def forward(self, x_BTI, state=None):
        self.calls += self.training
        state = self.initial_state(len(x_BTI)) if state is None else state
        return super().forward(x_BTI, state + (torch.inf if self.second and self.calls == 8 else 0.0))
"""


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_divergence_names_the_layer_and_the_step_at_which_it_began(book: Path, norm: str):
    Path("backbones").mkdir()
    Path("backbones/bursting.py").write_text(BURSTING)
    record = run(
        "backbone=bursting", "stack.num_layers=2", f"stack.norm={norm}", "stack.residual=true", "learner.bptt=4"
    )
    assert record.status == Status.DIVERGED
    assert record.result["steps"] == record.metrics[-1]["step"] == 8
    assert (
        "at step 8; the state of layer 2 (Bursting) is not finite after step 8"
        in (record.folder / "log.txt").read_text()
    )


def test_a_non_finite_loss_of_finite_states_names_no_layer(book: Path, monkeypatch: pytest.MonkeyPatch):
    trial = prepare("learner.bptt=4")
    loss = type(trial.task).loss
    monkeypatch.setattr(type(trial.task), "loss", lambda *given: loss(*given) * math.nan)
    text = (run_trial(trial).folder / "log.txt").read_text()
    assert "the training loss is nan at step 1" in text
    assert "layer" not in text


def test_a_failure_is_recorded_with_its_traceback(book: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(self: Any, outputs: Any, batch: Any) -> None:
        raise RuntimeError("the loss is lost")

    trial = prepare()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(type(trial.task), "loss", broken)
        run_trial(trial)
    record = trial.record
    assert (record.status, record.state["reason"]) == (Status.FAILED, "RuntimeError: the loss is lost")
    assert "Traceback" in (record.folder / "log.txt").read_text()
    assert run_trial(prepare()).status == Status.DONE
    assert not (record.folder / "log.txt").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("backbone.hidden_size=-3", "backbone lstm: hidden_size must be at least 1, got -3"),
        ("learner.bptt=0", "learner: bptt must be at least 1, got 0"),
        ("trainer.batch_size=5000", "too few for trainer.batch_size=5000"),
        ("stack.bidirectional=true", "learner: a bidirectional stack sees the steps"),
        ("trainer.accelerator=gpu", "trainer.accelerator=gpu: there is no GPU"),
    ],
)
def test_wrong_settings_are_said_before_anything_is_written(book: Path, override: str, message: str):
    if "gpu" in override and torch.cuda.is_available():
        return
    with pytest.raises(UserError, match=message):
        run(override)
    assert not Path("outputs").exists()


def test_wrong_learner_options_are_said(book: Path):
    with pytest.raises(UserError, match="learner: option 'btpt' does not exist; did you mean 'bptt'"):
        run("learner.btpt=3")


@pytest.mark.fault
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1", "sweep.workers=1"]], ids=["trial", "sweep"])
@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGINT, 130, Status.INTERRUPTED), (signal.SIGTERM, 143, Status.PREEMPTED)],
)
def test_a_signal_ends_a_trial_in_order_with_a_checkpoint(
    book: Path, sweep: list[str], number: signal.Signals, code: int, status: Status
):
    arguments = [*sweep, *TINY, "trainer.max_epochs=100000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnbench", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(record.metrics for record in all_records(Path("outputs"))):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert f"stopped by {number.name}" in said
    assert "Traceback" not in said
    (record,) = all_records(Path("outputs"))
    assert (record.status, record.state["reason"]) == (status, f"stopped by {number.name}")
    (checkpoint,) = (record.folder / "checkpoints").glob("step-*.ckpt")
    assert record.metrics[-1]["step"] <= checkpoints.read(checkpoint)["global_step"]
