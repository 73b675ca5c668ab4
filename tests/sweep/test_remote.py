"""A job on another machine: what it finds there, and what ends it."""

import multiprocessing
import os
import signal
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from conftest import TINY

from rnnbench.compose import compose, resolve
from rnnbench.storage.record import Record, Status
from rnnbench.sweep.executors.base import Ended, Job, Outcome
from rnnbench.sweep.executors.remote import Place, perform_at, place_of
from rnnbench.trial import Preparation

QUIET = (*TINY, "trainer.progress=false", "trainer.accelerator=cpu")


def job(*overrides: str) -> tuple[Job, Place]:
    config = resolve(compose([*QUIET, *overrides]))
    record = Preparation().prepare(config).record
    Path("outputs").mkdir(exist_ok=True)
    return Job(record.id, str(record.folder), "some", asdict(config)), place_of(config)


def test_a_job_finds_the_folder_and_the_settings_of_who_planned_it(book: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RNNBENCH_OUTPUTS", "there")
    Path("there").mkdir()
    planned, place = job()
    there = Record(Path(planned.folder).absolute())
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    monkeypatch.setenv("RNNBENCH_OUTPUTS", "here")
    monkeypatch.setenv("RNNBENCH_DATA", "nowhere")
    assert perform_at(planned, place) == Ended(planned.id, Outcome.DONE)
    assert there.status == Status.DONE
    assert there.folder.is_relative_to(book.parent / "there")
    assert "RNNBENCH_DATA" not in os.environ


@pytest.mark.parametrize("missing", ["folder", "outputs_dir"])
def test_a_machine_that_does_not_share_the_folders_says_so(book: Path, missing: str):
    planned, place = job()
    ended = perform_at(planned, replace(place, **{missing: "/not/shared"}))
    assert ended.outcome == Outcome.FAILED
    assert ended.reason.startswith("there is no /not/shared on ")
    assert not Path(planned.folder).exists()


@pytest.mark.fault
@pytest.mark.parametrize("limit, said", [("timeout=1", "longer than sweep.timeout=1"), ("memory=0.01", "more than")])
def test_a_trial_that_takes_too_much_ends_with_its_process_and_its_record_says_why(book: Path, limit: str, said: str):
    planned, place = job("trainer.max_epochs=100000", f"sweep.{limit}")
    process = multiprocessing.get_context("fork").Process(target=perform_at, args=(planned, place))
    process.start()
    process.join()
    record = Record(Path(planned.folder))
    assert process.exitcode == -signal.SIGKILL
    assert record.status == Status.FAILED
    assert said in record.state["reason"]
