"""Sweeps as a person meets them: what runs, what does not, what is said."""

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

from rnnbench import plugins
from rnnbench.errors import Stopped, UserError
from rnnbench.signals import stoppable
from rnnbench.storage.record import Status, all_records
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.loop import run
from rnnbench.sweep.planning import Planner, Point
from rnnbench.sweep.sweep import plan
from rnnbench.sweep.watching import Where

QUIET = (*TINY, "trainer.progress=false")


class Heard:
    """A watcher that remembers, and does something at each tick."""

    def __init__(self, at_tick: Any = lambda: None) -> None:
        self.ends: list[tuple[str, Outcome, str, Where]] = []
        self.at_tick = at_tick

    def ended(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        self.ends.append((point.id, outcome, reason, where))

    def tick(self, under_way: Any, elsewhere: Any) -> None:
        self.at_tick()

    def count(self, where: Where) -> Counter[Outcome]:
        return Counter(outcome for _, outcome, _, other in self.ends if other == where)


def snapshot(folder: str = "outputs") -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*")}


def sweep(*overrides: str, **changes: Any) -> Heard:
    heard = Heard()
    run(replace(plan([*QUIET, *overrides]), **changes), heard)
    return heard


def reasons(status: Status = Status.FAILED) -> list[str]:
    return [str(record.state["reason"]) for record in all_records(Path("outputs")) if record.status == status]


def test_the_same_sweep_twice_runs_once_and_changes_no_file_and_one_value_more_runs_its_cells(book: Path):
    assert sweep("backbone=gru,elman", "seed=0,1").count(Where.HERE) == {Outcome.DONE: 4}
    before = snapshot()
    heard = sweep("backbone=gru,elman", "seed=0,1")
    assert heard.count(Where.BEFORE) == {Outcome.DONE: 4}
    assert snapshot() == before
    assert not heard.count(Where.HERE)
    assert not list(Path("outputs").rglob("claim.*"))
    more = sweep("backbone=gru,elman", "seed=0,1,2")
    assert (more.count(Where.HERE), more.count(Where.BEFORE)) == ({Outcome.DONE: 2}, {Outcome.DONE: 4})


def test_points_that_make_the_same_trial_are_one(book: Path):
    assert len(plan([*QUIET, "backbone.hidden_size=8,8", "trainer.threads=1,2"]).ledger.points) == 1


def test_a_sweep_is_named_by_its_trials_or_by_the_person(book: Path):
    assert plan([*QUIET, "seed=0,1"]).name == plan([*QUIET, "seed=1,0"]).name
    assert plan([*QUIET, "seed=0,1"]).name != plan([*QUIET, "seed=0,2"]).name
    assert plan([*QUIET, "seed=0,1", "sweep.name=mine"]).name == "mine"


def test_failing_diverging_and_unfit_trials_stop_nobody_and_only_retry_runs_them_again(
    book: Path, monkeypatch: pytest.MonkeyPatch
):
    task_class: Any = plugins.get("task", "language_modeling").load()
    whole = task_class.loss

    def sometimes(self: Any, outputs: Any, batch: Any) -> Any:
        if outputs.shape[0] == 3:
            raise RuntimeError("three is too many")
        return whole(self, outputs, batch)

    monkeypatch.setattr(task_class, "loss", sometimes)
    wild = ("optimizer=sgd", "trainer.gradient_clip=null", "optimizer.learning_rate=1e30,0.1")
    heard = sweep("trainer.batch_size=3,4", "backbone.hidden_size=-1,8", *wild)
    assert heard.count(Where.HERE) == {Outcome.SKIPPED: 4, Outcome.FAILED: 2, Outcome.DIVERGED: 1, Outcome.DONE: 1}
    unfit, broken = "backbone lstm: hidden_size must be at least 1, got -1", "RuntimeError: three is too many"
    assert reasons(Status.SKIPPED) == [unfit] * 4
    assert reasons() == [broken] * 2
    told = {(outcome, reason) for _, outcome, reason, _ in heard.ends if reason}
    assert told == {(Outcome.SKIPPED, unfit), (Outcome.FAILED, broken)}
    log = next(r for r in all_records(Path("outputs")) if r.state.get("reason") == broken).folder / "log.txt"
    assert "Traceback" in log.read_text()

    monkeypatch.setattr(task_class, "loss", whole)
    before = snapshot()
    again = sweep("trainer.batch_size=3,4", "backbone.hidden_size=-1,8", *wild)
    assert not again.count(Where.HERE)
    assert again.count(Where.BEFORE) == heard.count(Where.HERE)
    assert snapshot() == before
    without = (Status.FAILED, Status.SKIPPED)
    failed = {r.id: r.state["finished"] for r in all_records(Path("outputs")) if r.status in without}
    retried = sweep("trainer.batch_size=3,4", "backbone.hidden_size=-1,8", *wild, again=failed)
    assert retried.count(Where.HERE) == {Outcome.SKIPPED: 4, Outcome.DIVERGED: 1, Outcome.DONE: 1}


KILLER = """
import os, signal
from pathlib import Path
from rnnbench.backbones.elman import Elman
from rnnbench import Backbone

class Killer(Elman, Backbone):
    '''Kills its process so many times, or ends it with a code.'''

    def __init__(self, input_size: int, *, hidden_size: int = 8, times: int = 1, sleep: float = 0.0, eat: int = 0,
                 code: int = 0):
        super().__init__(input_size, hidden_size=hidden_size)
        self.sleep, self.eat, self.code, self.hoard = sleep, eat, code, None
        self.left = Path(f"lives{times}")
        if not self.left.exists():
            self.left.write_text("x" * times)

    def forward(self, x_BTI, state=None):
        import time, torch
        time.sleep(self.sleep)
        if self.eat and self.hoard is None:
            self.hoard = torch.ones(self.eat * 2**18)
        lives = self.left.read_text()
        if lives:
            self.left.write_text(lives[1:])
            os._exit(self.code) if self.code else os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x_BTI, state)
"""


@pytest.fixture
def killer(book: Path) -> None:
    Path("backbones").mkdir()
    Path("backbones/killer.py").write_text(KILLER)


@pytest.mark.fault
def test_a_killed_worker_costs_its_trial_one_retry_and_a_deadly_trial_only_itself(killer: None):
    heard = sweep("backbone=killer", "backbone.times=0,2,30", "sweep.workers=2")
    assert heard.count(Where.HERE) == {Outcome.DONE: 2, Outcome.FAILED: 1}
    assert reasons() == ["its worker was killed by SIGKILL (out of memory?), 20 times in a row"]
    assert Path("lives30").read_text() == "x" * 10
    broken = sweep("backbone=killer", "backbone.times=3,9", "backbone.code=3", "sweep.workers=2")
    assert broken.count(Where.HERE) == {Outcome.DONE: 1, Outcome.FAILED: 1}
    assert "its worker ended with code 3, 5 times in a row" in reasons()


@pytest.mark.fault
def test_limits_of_time_and_memory_fail_the_trial_that_breaks_them(killer: None):
    slow = sweep("backbone=killer", "backbone.times=0", "backbone.sleep=60", "sweep.timeout=1")
    assert slow.count(Where.HERE) == {Outcome.FAILED: 1}
    large = ("backbone.eat=0,3000", "backbone.sleep=0.02", "sweep.memory=2", "trainer.max_epochs=3")
    greedy = sweep("backbone=killer", "backbone.times=0", *large)
    assert greedy.count(Where.HERE) == {Outcome.DONE: 1, Outcome.FAILED: 1}
    assert "took longer than sweep.timeout=1 seconds" in reasons()
    assert [reason for reason in reasons() if reason.endswith("GiB, more than sweep.memory=2")]


def test_a_trial_that_another_process_is_at_is_left_to_it_and_run_if_that_one_gives_up(book: Path):
    planned = plan([*QUIET, "seed=0,1"])
    busy = planned.first.trial.record.folder
    program = (
        "import sys, time; from pathlib import Path; from rnnbench.storage.claim import claimed\n"
        "with claimed(Path(sys.argv[1])):\n    print('mine', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(busy)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdin
        other.stdout.readline()
        heard = Heard()

        def give_up_after_the_other_trial() -> None:
            if heard.ends:
                os.kill(other.pid, signal.SIGKILL)

        heard.at_tick = give_up_after_the_other_trial
        run(planned, heard)
    assert heard.count(Where.HERE) == {Outcome.DONE: 2}
    assert heard.ends[1][0] == planned.first.id


@pytest.mark.fault
def test_two_that_run_the_same_sweep_share_it(book: Path):
    command = [sys.executable, "-m", "rnnbench", "-m", *QUIET, "seed=range(0,10)", "sweep.workers=2"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    lines = [line.partition("] ")[2] for text in said for line in text.splitlines() if ": done, " in line]
    here = [line for line in lines if "by another process" not in line]
    assert len(here) == len(set(here)) == len(all_records(Path("outputs"))) == 10
    assert {record.state["attempts"] for record in all_records(Path("outputs"))} == {1}


def test_stopping_passes_on_to_trials_and_typing_it_again_goes_on(killer: None):
    slow = ("backbone=killer", "backbone.times=0", "backbone.sleep=0.03", "seed=range(0,4)", "sweep.workers=2")
    heard = Heard()
    heard.at_tick = lambda: os.kill(os.getpid(), signal.SIGTERM) if heard.ends else None
    with pytest.raises(Stopped), stoppable():
        run(plan([*QUIET, *slow]), heard)
    statuses = Counter(str(record.status) for record in all_records(Path("outputs")))
    assert len(heard.ends) <= statuses["done"] < 4  # another may have come to its end beside the signal
    assert not statuses["running"]
    assert not statuses["failed"]
    rest = sweep(*slow)
    assert rest.count(Where.HERE) == {Outcome.DONE: 4 - statuses["done"]}


@pytest.mark.fault
def test_a_stop_sign_stops_it_wherever_it_runs(killer: None):
    slow = ("backbone=killer", "backbone.times=0", "backbone.sleep=0.05", "seed=range(0,6)", "sweep.workers=2")
    planned = plan([*QUIET, *slow])
    heard = Heard()
    heard.at_tick = lambda: planned.ledger.stop() if heard.ends else None
    with pytest.raises(Stopped):
        run(planned, heard)
    done = sum(record.status == Status.DONE for record in all_records(Path("outputs")))
    assert 0 < len(heard.ends) <= done < 6  # another may have come to its end beside the sign
    assert sweep(*slow).count(Where.HERE)[Outcome.DONE] == 6 - done


def test_wrong_input_is_found_before_anything_runs_and_the_point_is_named(book: Path):
    with pytest.raises(UserError, match="backbone 'gur' does not exist; did you mean 'gru'.*backbone=gur"):
        sweep("backbone=lstm,gur")
    with pytest.raises(UserError, match="missing.txt' can not be read.*task.path=missing.txt"):
        sweep("task.path=book.txt,missing.txt")
    with pytest.raises(UserError, match="executor 'lokal' does not exist; did you mean 'local'"):
        sweep("sweep.executor=lokal")
    with pytest.raises(UserError, match="= 10,000,000 points are more than 10,000; type --yes"):
        plan([*QUIET, "seed=range(0,1000)", "backbone.hidden_size=range(0,10000)"], agreed=False)
    assert not Path("outputs").exists()


def test_a_trial_that_is_another_one_for_the_worker_is_not_run(book: Path, monkeypatch: pytest.MonkeyPatch):
    planned = plan([*QUIET])
    Path("book.txt").write_text(Path("book.txt").read_text() * 2)
    elsewhere = replace(planned, planner=Planner())  # a worker of another machine has read nothing
    assert run(elsewhere, Heard()) == {Outcome.FAILED: 1}
    assert "plugins or data differ" in reasons()[0]
