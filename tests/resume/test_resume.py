"""A trial that was cut short goes on to the step: whatever is left in the end equals what an unbroken one leaves."""

import signal
from pathlib import Path

import pytest
import pytorch_lightning as pl
from resume.interruptions import Witness, cut_at, differences, numbers, prepare, resumed, watched, write_toys
from resume.toys import TRIALS

from rnnbench import training
from rnnbench.errors import Stopped
from rnnbench.recording import Pruned
from rnnbench.storage.record import Record, Status
from rnnbench.training import run_trial
from rnnbench.trial import Trial


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch)


@pytest.fixture
def toys(book: Path) -> None:
    write_toys()


CUTS = [("step", 3), ("step", 8), ("validation end", 8), ("validation", 16), ("step", 20), ("validation end", 24)]
SOME = [pytest.param(name, CUTS[at % 2 :: 2], id=name) for at, name in enumerate(TRIALS)]
"""By turns every other cut, the first or the second: each is made in three trials or four."""
ALL = [pytest.param(name, CUTS, id=f"{name}, all cuts", marks=pytest.mark.slow) for name in TRIALS]


@pytest.mark.parametrize(("name", "cuts"), [*SOME, *ALL])
def test_it_goes_on_to_the_step(toys: None, monkeypatch: pytest.MonkeyPatch, name: str, cuts: list[tuple[str, int]]):
    unbroken = run_trial(prepare(*TRIALS[name], "outputs_dir=unbroken"))
    end, batches = Witness.end, Witness.batches
    steps = [(place, step) for place, step in cuts if step <= len(batches)]
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
