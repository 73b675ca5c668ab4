import os
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

from rnnbench import plugins
from rnnbench.errors import UserError
from rnnbench.storage import files
from rnnbench.storage.record import Status, all_records
from rnnbench.sweep.sweep import Outcome, plan, run

QUIET = (*TINY, "trainer.progress=false")


def snapshot(folder: str = "outputs") -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*")}


def sweep(*overrides: str) -> list[Outcome]:
    return run(plan([*QUIET, *overrides]), lambda *_: None)


def test_the_same_sweep_twice_runs_once_and_changes_no_file(book: Path):
    assert sweep("backbone=gru,elman", "seed=0,1") == [Outcome.DONE] * 4
    before = snapshot()
    assert sweep("seed=0,1", "backbone=elman,gru") == [Outcome.THERE] * 4
    assert snapshot() == before


def test_one_value_more_runs_exactly_its_trials(book: Path):
    sweep("backbone=gru,elman", "seed=0")
    assert sweep("backbone=gru,elman", "seed=0,1") == [Outcome.THERE, Outcome.DONE, Outcome.THERE, Outcome.DONE]


def test_points_that_make_the_same_trial_are_one(book: Path):
    assert sweep("backbone.hidden_size=8,8", "trainer.threads=1,2") == [Outcome.DONE]


def test_a_sweep_is_named_by_its_trials_or_by_the_person(book: Path):
    assert plan([*QUIET, "seed=0,1"]).name == plan([*QUIET, "seed=1,0"]).name
    assert plan([*QUIET, "seed=0,1"]).name != plan([*QUIET, "seed=0,2"]).name
    assert plan([*QUIET, "seed=0,1", "sweep.name=mine"]).name == "mine"


def test_a_failing_trial_is_recorded_and_the_others_go_on(book: Path, monkeypatch: pytest.MonkeyPatch):
    task_class: Any = plugins.get("task", "language_modeling").load()
    whole = task_class.loss

    def sometimes(self: Any, outputs: Any, batch: Any) -> Any:
        if outputs.shape[0] == 3:
            raise RuntimeError("three is too many")
        return whole(self, outputs, batch)

    monkeypatch.setattr(task_class, "loss", sometimes)
    reports: list[Any] = []
    outcomes = run(plan([*QUIET, "trainer.batch_size=3,4"]), lambda *report: reports.append(report))
    assert outcomes == [Outcome.FAILED, Outcome.DONE]
    assert reports[0][3] == "RuntimeError: three is too many"
    assert sorted(str(record.status) for record in all_records(Path("outputs"))) == ["done", "failed"]


def test_a_setting_that_only_the_network_finds_wrong_is_a_failed_trial(book: Path):
    assert sweep("backbone.hidden_size=-1,8") == [Outcome.FAILED, Outcome.DONE]
    (failed,) = [record for record in all_records(Path("outputs")) if record.status == Status.FAILED]
    assert failed.state["reason"] == "backbone lstm: hidden_size must be at least 1, got -1"


def test_divergence_is_no_failure(book: Path):
    wild = ("optimizer=sgd", "trainer.gradient_clip=null", "optimizer.learning_rate=1e30,0.1")
    assert sweep(*wild) == [Outcome.DIVERGED, Outcome.DONE]
    assert sweep(*wild) == [Outcome.THERE] * 2


def test_a_trial_that_another_process_is_at_is_left_to_it(book: Path):
    (busy, _) = plan([*QUIET, "seed=0,1"]).points
    files.write_json(
        busy.trial.record.folder / "status.json",
        {"status": "running", "process": os.getppid(), "host": socket.gethostname()},
    )
    assert sweep("seed=0,1") == [Outcome.BUSY, Outcome.DONE]
    assert busy.trial.record.status == Status.RUNNING


def test_wrong_input_is_found_before_anything_runs_and_the_point_is_named(book: Path):
    with pytest.raises(UserError, match="backbone 'gur' does not exist; did you mean 'gru'.*backbone=gur"):
        sweep("backbone=lstm,gur")
    with pytest.raises(UserError, match="missing.txt' can not be read.*task.path=missing.txt"):
        sweep("task.path=book.txt,missing.txt")
    assert not Path("outputs").exists()
