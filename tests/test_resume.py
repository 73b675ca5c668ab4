"""A trial that was cut short goes on to the step: whatever is left in the end equals what an unbroken one leaves."""

import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import TINY
from support import child

from rnnbench import training
from rnnbench.compose import compose, resolve
from rnnbench.errors import Stopped, UserError
from rnnbench.recording import Pruned
from rnnbench.resuming import Resuming
from rnnbench.storage import checkpoints, files
from rnnbench.storage.record import Record, Status
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial

TOYS = """
import datasets
import numpy as np
import torch
from rnnbench import Pictures, Sample, Spec, Task, Tokens
from rnnbench.metrics import TextMetric

PICTURE = Pictures(1, 10)


class Toy(Task):
    '''Parity of random bits: of all so far at every step, said of its own accord, or of a whole row.'''

    shape = "many_to_many_aligned"

    def __init__(self, sources, *, shape: str = "many_to_many_aligned", monotonic: bool = False):
        super().__init__(sources)
        self.shape, self.monotonic = shape, monotonic

    def describe(self):
        return Spec(
            inputs=PICTURE if self.shape == "one_to_many" else Tokens(2),
            targets=Tokens(2),
            metric="loss",
            direction="min",
            chance=0.7,
            dataset="toy",
            setting="-",
        )

    def splits(self):
        dice = np.random.default_rng(0)
        return {name: self.rows(dice, number) for name, number in (("train", 30), ("validation", 8), ("test", 8))}

    def rows(self, dice, number):
        inputs = [dice.integers(0, 2, dice.integers(2, 9)) for _ in range(number)]
        targets = [np.cumsum(row)[: 1 if self.monotonic else None] % 2 for row in inputs]
        if self.shape == "one_to_many":  # two answers to a picture of noise
            pictures = dice.integers(0, 256, (number, PICTURE.size), np.uint8)
            return datasets.Dataset.from_dict({"inputs": pictures, "targets": [[row, row[::-1]] for row in targets]})
        return datasets.Dataset.from_dict(
            {"inputs": inputs, "targets": [int(row[-1]) for row in targets] if self.shape == "many_to_one" else targets}
        )

    def augment(self, row, inputs, random):
        if not self.monotonic:
            return inputs
        return torch.cat([inputs, torch.from_numpy(random.integers(0, 2, random.integers(0, 4)))])

    def metrics(self):
        if self.shape not in ("one_to_many", "many_to_many_unaligned"):
            return {}
        return {"letters": TextMetric(lambda said, right: sum(map(len, said)) / len(right))}

    def decode(self, prediction, batch):
        return [Sample("toy", str(row.tolist())) for row in prediction.outputs]
"""
ALL = ("stack.num_layers=2", "stack.dropout=0.3", "learner.dropout=0.2", "trainer.max_epochs=3")  # masks at every step
STREAM = (*ALL, "task=language_modeling", "task.dataset=text", "task.path=book.txt", "learner.bptt=64")
OTHERWISE = (
    "schedule=plateau", "schedule.patience=0", "optimizer=sgd", "optimizer.momentum=0.9",
    "trainer.averaging=asgd", "trainer.averaging_after=1", "trainer.patience=1",
)  # fmt: skip
TRIALS = {
    "a stream": (*STREAM, "backbone=gru"),
    "a stream, otherwise trained": (*STREAM, *OTHERWISE, "learner.bptt_deviation=9", "backbone=mingru"),
    "rows": (*ALL, "task=toy", "backbone=gru"),
    "spoken": (
        *ALL,
        "task=toy",
        "task.shape=many_to_many_unaligned",
        "backbone=gru",
        "stack.bidirectional=true",
        "learner.scheduled_sampling=0.5",
        "learner.input_feeding=true",
        "learner.beam_width=2",
    ),
    "heard, and augmented": (
        *ALL,
        "task=toy",
        "task.shape=many_to_many_unaligned",
        "task.monotonic=true",
        "backbone=gru",
        "stack.bidirectional=true",
        "learner.beam_width=2",
    ),
    "described": (
        *ALL,
        "task=toy",
        "task.shape=one_to_many",
        "backbone=gru",
        "learner.condition=state",
        "learner.flip=true",
        "learner.shift=1",
    ),
    "one answer a row": (*ALL, *OTHERWISE, "task=toy", "task.shape=many_to_one", "backbone=mingru"),
}
"""By name: trials of eight steps an epoch, three epochs."""


class Witness(Resuming):
    """Keeps all that training ends with; cuts it short where `cut` says so."""

    cut: Callable[[str, pl.Trainer], bool] = staticmethod(lambda place, trainer: False)
    batches: list[tuple[int, int]] = []
    end: dict[str, Any] = {}

    def _strike(self, place: str, trainer: pl.Trainer) -> None:
        if self.cut(place, trainer):
            signal.raise_signal(signal.SIGTERM)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        Witness.batches.append((trainer.global_step, hash(batch.inputs.numpy().tobytes())))
        self._strike("step", trainer)
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_batch_end(self, trainer: pl.Trainer, *rest: Any, **named: Any) -> None:
        self._strike("validation", trainer)
        super().on_validation_batch_end(trainer, *rest, **named)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._strike("validation end", trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        Witness.end = {
            "weights": {name: value.clone() for name, value in pl_module.state_dict().items()},
            "optimizer": trainer.optimizers[0].state_dict(),
            "schedule": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "random": torch.get_rng_state(),
        }


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Resuming", Witness)
    monkeypatch.setattr(Witness, "cut", staticmethod(lambda place, trainer: False))
    Witness.batches = []


QUIET = (*TINY[2:], "trainer.progress=false")


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*QUIET, *overrides])))


def cut_at(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Lets a SIGTERM come at each place (what, after so many steps) once."""
    left = list(places)

    def strike(place: str, trainer: pl.Trainer) -> bool:
        if (place, trainer.global_step) not in left:
            return False
        left.remove((place, trainer.global_step))
        return True

    monkeypatch.setattr(Witness, "cut", staticmethod(strike))


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two nestings of tensors and values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [f"{path}: keys"]
        return [line for key in one for line in differences(one[key], other[key], f"{path}/{key}")]
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            return [f"{path}: lengths {len(one)} and {len(other)}"]
        pairs = enumerate(zip(one, other, strict=True))
        return [line for at, pair in pairs for line in differences(*pair, f"{path}/{at}")]
    same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    return [] if same else [f"{path}: {one} and {other}"]


def numbers(record: Record) -> dict[str, Any]:
    """All of a record that a second run of it would repeat."""
    timed = ("second", "memory")
    best = torch.load(record.folder / "checkpoints/best.pt", weights_only=True)
    result = {name: value for name, value in record.result.items() if not any(word in name for word in timed)}
    lines = [{name: value for name, value in line.items() if "second" not in name} for line in record.metrics]
    return {"result": json.loads(json.dumps(result)), "metrics": lines, "best": best, "samples": record.samples}


def resumed(trial: Trial, places: list[tuple[str, int]]) -> Record:
    """Runs a trial into its interruptions and types it again after each."""
    Witness.batches = []
    for _ in places:
        with pytest.raises(Stopped):
            run_trial(trial)
        assert trial.record.status == Status.PREEMPTED
    record = run_trial(trial)
    assert record.state["attempts"] == len(places) + 1
    return record


CUTS = [("step", 3), ("step", 8), ("validation end", 8), ("validation", 16), ("step", 20), ("validation end", 24)]


@pytest.fixture
def toys(book: Path) -> None:
    Path("tasks").mkdir()
    Path("tasks/toy.py").write_text(TOYS)


@pytest.mark.parametrize("name", TRIALS)
def test_it_goes_on_to_the_step(toys: None, monkeypatch: pytest.MonkeyPatch, name: str):
    unbroken = run_trial(prepare(*TRIALS[name], "outputs_dir=unbroken"))
    end, batches = Witness.end, Witness.batches
    steps = [(place, step) for place, step in CUTS if step <= len(batches)]
    cut_at(monkeypatch, *steps)
    record = resumed(prepare(*TRIALS[name]), steps)
    assert record.status == Status.DONE
    assert differences(Witness.end, end) == []
    assert differences(numbers(record), numbers(unbroken)) == []
    assert Witness.batches == batches
    assert [path.name for path in (record.folder / "checkpoints").iterdir()] == ["best.pt"]


def trained(name: str, *overrides: str) -> tuple[Trial, Record]:
    """A trial to be run, and the record of an unbroken run of it."""
    unbroken = run_trial(prepare(*TRIALS[name], "outputs_dir=unbroken"))
    return prepare(*TRIALS[name], *overrides), unbroken


def test_where_the_last_checkpoint_is_damaged_the_one_before_is_taken_and_said(
    toys: None, monkeypatch: pytest.MonkeyPatch
):
    trial, unbroken = trained("rows")
    cut_at(monkeypatch, ("step", 3), ("step", 7))
    for _ in range(2):
        with pytest.raises(Stopped):
            run_trial(trial)
    last = trial.record.folder / "checkpoints/step-7.ckpt"
    last.write_bytes(last.read_bytes()[:-100])
    assert differences(numbers(run_trial(trial)), numbers(unbroken)) == []
    said = (trial.record.folder / "log.txt").read_text()
    assert "checkpoint step-7.ckpt is damaged, and the one before it is taken" in said
    assert "resumed from step-3.ckpt" in said
    assert Witness.batches[-21][0] == 4


def test_short_trials_leave_no_checkpoints_and_others_the_newest_two(toys: None, monkeypatch: pytest.MonkeyPatch):
    seen: list[set[str]] = []

    def look(place: str, trainer: pl.Trainer) -> bool:
        seen.append({path.stem for path in Path("outputs").rglob("*.ckpt")})
        return False

    monkeypatch.setattr(Witness, "cut", staticmethod(look))
    trial, _ = trained("rows", "trainer.checkpoint_seconds=0", "trainer.max_epochs=1")
    assert not any(seen)
    run_trial(trial)
    assert {"step-3", "step-4"} in seen
    assert max(map(len, seen)) == 2
    assert list(trial.record.folder.rglob("*.ckpt")) == []


def test_a_pruned_trial_is_a_result_until_somebody_wants_it_whole(toys: None):
    trial, unbroken = trained("rows")
    told: list[tuple[int, int, float]] = []

    def watch(epoch: int, step: int, score: float) -> None:
        told.append((epoch, step, score))
        if epoch == 2:
            raise Pruned(f"no better than others after epoch {epoch}")

    record = run_trial(trial, watch=watch)
    assert (record.status, record.finished) == (Status.PRUNED, True)
    assert (record.result["test"], record.result["epochs"]) == ({}, 2)
    losses = [line["validation/loss"] for line in record.metrics if "validation/loss" in line]
    assert told == [(1, 8, losses[0]), (2, 16, losses[1])]
    assert record.result["validation"]["loss"] == min(losses)
    assert "no better than others after epoch 2" in (record.folder / "log.txt").read_text()
    assert run_trial(trial, watch=watch).status == Status.PRUNED
    assert len(told) == 2
    assert run_trial(trial).status == Status.DONE
    assert differences(numbers(trial.record), numbers(unbroken)) == []


def test_a_signal_during_the_test_keeps_what_was_checkpointed(toys: None, monkeypatch: pytest.MonkeyPatch):
    trial, unbroken = trained("rows", "trainer.checkpoint_seconds=0")
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "_test", lambda *_: signal.raise_signal(signal.SIGUSR1))
        run_trial(trial)
    assert trial.record.status == Status.PREEMPTED
    Witness.batches = []
    assert differences(numbers(run_trial(trial)), numbers(unbroken)) == []
    assert Witness.batches == []


@pytest.mark.fault
def test_a_disk_that_is_full_at_any_moment_fails_loudly_and_costs_nothing(toys: None, monkeypatch: pytest.MonkeyPatch):
    trial = prepare(*TRIALS["rows"], "trainer.checkpoint_seconds=0", "trainer.max_epochs=2")
    struck = 0
    for step in range(1, 1000, 5):
        shutil.rmtree("outputs", ignore_errors=True)
        monkeypatch.setattr(files, "_steps", 0)
        monkeypatch.setenv("RNNBENCH_FAULT", f"enospc@{step}")
        try:
            run_trial(trial)
            break
        except (OSError, UserError) as error:
            struck += 1
            assert "No space left on device" in str(error)
        finally:
            monkeypatch.delenv("RNNBENCH_FAULT")
        assert trial.record.status in (None, Status.FAILED, Status.RUNNING)
        assert not trial.record.finished
        run_trial(trial)
        assert trial.record.status == Status.DONE
    assert struck > 20


@pytest.mark.fault
def test_a_kill_at_any_step_of_writing_costs_nothing(toys: None):
    overrides = (*TRIALS["rows"], "trainer.checkpoint_seconds=0", "trainer.max_epochs=1")
    unbroken = run_trial(prepare(*overrides, "outputs_dir=unbroken"))
    record = prepare(*overrides).record
    deaths = 0
    for step in range(1, 1000):
        shutil.rmtree("outputs", ignore_errors=True)
        process = child.start((*QUIET, *overrides), f"kill@{step}")
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        deaths += 1
        assert_no_damage(record)
        run_trial(prepare(*overrides))
        assert differences(numbers(record), numbers(unbroken)) == []
    assert deaths > 60


@pytest.mark.fault
def test_two_hundred_random_kills_cost_nothing(toys: None):
    overrides = (*TRIALS["a stream"], "trainer.checkpoint_seconds=0")
    began = time.monotonic()
    unbroken = run_trial(prepare(*overrides, "outputs_dir=unbroken"))
    longest = 1.5 * (time.monotonic() - began)  # a random time, of the order of what a trial takes here and now
    record, dice, kills, finished = prepare(*overrides).record, random.Random(0), 0, 0
    while kills < 200:
        process = child.start((*QUIET, *overrides))
        process.join(dice.uniform(0, longest))
        if process.is_alive():
            process.kill()
            kills += 1
            process.join()
            assert_no_damage(record)
        if record.finished:
            finished += 1
            assert differences(numbers(record), numbers(unbroken)) == []
            shutil.rmtree("outputs")
    assert finished > 5


@pytest.mark.fault
def test_one_trial_that_is_killed_two_hundred_times_and_goes_on_equals_an_unbroken_one(toys: None):
    overrides = (*TRIALS["a stream"], "trainer.max_epochs=400")
    unbroken = run_trial(prepare(*overrides, "outputs_dir=unbroken"))
    record, dice = prepare(*overrides).record, random.Random(0)
    folder, reached = record.folder / "checkpoints", [0]
    for _ in range(200):
        every = dice.choice((0, 0, 0.02))  # seconds: which of its files a kill meets differs
        process = child.start((*QUIET, *overrides, f"trainer.checkpoint_seconds={every}"))
        aim = reached[-1] + dice.randint(0, 20)  # at 0 the kill comes before or while it takes up the training
        while process.is_alive() and checkpoints.newest_step(folder) < aim:
            time.sleep(0.003)
        time.sleep(dice.uniform(0, 0.8 if aim == reached[-1] else 0.04))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert_no_damage(record)
        reached.append(checkpoints.newest_step(folder))
    assert not record.finished
    assert reached == sorted(reached)
    assert len(set(reached)) > 150
    process = child.start((*QUIET, *overrides))
    process.join()
    assert record.status == Status.DONE
    assert record.result["steps"] == 400 * 8
    assert differences(numbers(record), numbers(unbroken)) == []


def assert_no_damage(record: Record) -> None:
    said: list[str] = []
    checkpoints.newest(record.folder / "checkpoints", said.append)
    assert said == []
