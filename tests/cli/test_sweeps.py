"""The verbs of sweeps, and what is seen meanwhile."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import TINY
from rich.console import Console

from rnnbench.cli import sweep_live
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.survey import Standing
from rnnbench.sweep.watching import Where

Rnnbench = Callable[..., Any]
BROKEN = """
from rnnbench.backbones.elman import Elman
from rnnbench import Backbone

class Broken(Elman, Backbone):
    '''Has a mistake.'''

    def forward(self, x_BTI, state=None):
        raise RuntimeError("broken")
"""
SWEEP = ("-m", *TINY, "backbone=elman,broken", "stack.bidirectional=false,true", "sweep.name=mine")
UNFIT = "learner: a bidirectional stack sees the steps it is to predict; set stack.bidirectional=false"


@pytest.fixture
def broken(book: Path) -> None:
    Path("backbones").mkdir()
    Path("backbones/broken.py").write_text(BROKEN)


def test_a_sweep_is_listed_shown_retried_and_resumed(rnnbench: Rnnbench, broken: None):
    said = rnnbench(*SWEEP)
    assert said.code == 1
    assert said.out.startswith("sweep mine: 4 trials\n[1/4] ")
    assert "sweep mine: 1 done, 2 skipped, 1 failed\nbest: " in said.out
    assert f"\nskipped 2: {UNFIT}\nfailed: " in said.out
    assert said.out.count("RuntimeError: broken (outputs/runs/") == 1
    assert "`rnnbench retry mine` runs what failed again" in said.out

    (row,) = json.loads(rnnbench("sweeps", "--json").out)
    numbers = {status: row[status] for status in ("trials", "done", "skipped", "failed", "queued", "pruned")}
    assert numbers == {"trials": 4, "done": 1, "skipped": 2, "failed": 1, "queued": 0, "pruned": 0}
    listed = rnnbench("sweeps").out
    assert "mine" in listed and "skipped" in listed and "pruned" not in listed
    trials = json.loads(rnnbench("sweep", "mine", "--json").out)
    assert sorted(trial["status"] for trial in trials) == ["done", "failed", "skipped", "skipped"]
    assert all(trial["score"] > 1 for trial in trials if trial["status"] == "done")
    shown = rnnbench("sweep", "mine").out
    assert "1 done" in shown and "1 failed" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())

    retried = rnnbench("retry", "mine")
    assert retried.code == 1
    assert sorted(retried.out.splitlines()[:3]) == [
        "again: backbone=broken stack.bidirectional=False: RuntimeError: broken",
        f"again: backbone=broken stack.bidirectional=True: {UNFIT}",
        f"again: backbone=elman stack.bidirectional=True: {UNFIT}",
    ]
    assert "sweep mine: 2 skipped, 1 failed, 1 already there" in retried.out
    again = rnnbench("resume", "mine")
    assert (again.code, "sweep mine: 4 already there" in again.out) == (1, True)
    assert rnnbench("stop", "mine").out == "sweep mine is not running; there is nothing to stop\n"


def test_a_sweep_of_which_no_trial_can_be_run_is_one_line(rnnbench: Rnnbench, book: Path):
    for _ in range(2):
        said = rnnbench("-m", *TINY, "stack.bidirectional=true", "seed=0,1", "sweep.name=none")
        assert (said.code, said.err) == (2, f"rnnbench: sweep none has no trial that can be run: {UNFIT}\n")
    alone = rnnbench(*TINY, "stack.bidirectional=true")
    assert (alone.code, alone.err) == (2, f"rnnbench: {UNFIT}\n")


@pytest.mark.parametrize("verb", ["sweep", "resume", "retry", "stop"])
def test_a_sweep_that_is_not_there_and_one_that_is_torn_are_one_line(rnnbench: Rnnbench, verb: str):
    said = rnnbench(verb, "nothing")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "sweep 'nothing' does not exist; there are: none" in said.err
    Path("outputs/sweeps").mkdir(parents=True)
    Path("outputs/sweeps/torn.json").write_text('{"points": [')
    said = rnnbench(verb, "torn")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "torn.json is torn or not a sweep's" in said.err
    assert rnnbench("sweeps").code == 2


def test_no_sweeps_is_no_error(rnnbench: Rnnbench):
    assert (rnnbench("sweeps").code, rnnbench("sweeps", "--json").out) == (0, "[]\n")


def test_a_sweep_of_another_space_is_refused(rnnbench: Rnnbench, book: Path):
    rnnbench("-m", *TINY, "seed=0,1", "sweep.name=mine")
    said = rnnbench("-m", *TINY, "seed=1,2", "sweep.name=mine")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "sweep.name=mine is another sweep" in said.err
    assert "3 done" not in rnnbench("sweeps").out
    assert "1 done, 2 already there" in rnnbench("-m", *TINY, "seed=0,1,2", "sweep.name=mine").out


def test_the_time_left_counts_epochs_of_trials_under_way(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(sweep_live.time, "monotonic", lambda: next(clock))
    sweep = SimpleNamespace(name="mine", source=SimpleNamespace(total=4, refused={}))
    report = sweep_live.LiveReport(cast(Any, sweep), Console(file=io.StringIO()))
    assert report._time_left([]) == ""
    report.ends[Outcome.DONE, Where.HERE] = 1
    point = SimpleNamespace(config=SimpleNamespace(trainer=SimpleNamespace(max_epochs=30)))
    half_way = Standing("running", epoch=16)
    assert report._time_left([(cast(Any, point), half_way)]) == "0:01:40 left"  # 2.5 trials at 1.5 a minute


@pytest.mark.slow
def test_a_terminal_shows_what_is_under_way(book: Path):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "rnnbench", "-m", *TINY, "seed=range(0,6)", "trainer.max_epochs=12"]
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        seen += piece
    assert process.wait() == 0
    text = seen.decode()
    for word in ("epoch ", "perplexity ", "words/s", "left", "seed=", "best perplexity", "6 done"):
        assert word in text, word
