"""A trial that is killed, or whose disk fills, at any moment: nothing is damaged, and it goes on to the step."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from resume.interruptions import QUIET, differences, numbers, prepare, watched, write_toys
from resume.toys import TRIALS
from support import child

from rnnbench.errors import UserError
from rnnbench.storage import checkpoints, files
from rnnbench.storage.record import Record, Status
from rnnbench.training import run_trial


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch)


@pytest.fixture
def toys(book: Path) -> None:
    write_toys()


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
