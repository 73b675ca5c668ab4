"""The verbs of sweeps, and what is seen meanwhile."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

Rnnbench = Callable[..., Any]
SWEEP = ("-m", *TINY, "seed=0,1", "backbone.hidden_size=8,-1", "sweep.name=mine")


def test_a_sweep_is_listed_shown_retried_and_resumed(rnnbench: Rnnbench, book: Path):
    said = rnnbench(*SWEEP)
    assert said.code == 1
    assert said.out.startswith("sweep mine: 4 trials\n[1/4] ")
    assert "sweep mine: 2 done, 2 failed\nbest: " in said.out
    assert said.out.count("hidden_size must be at least 1, got -1 (outputs/runs/") == 2
    assert "`rnnbench retry mine` runs what failed again" in said.out

    (row,) = json.loads(rnnbench("sweeps", "--json").out)
    assert (row["sweep"], row["trials"], row["done"], row["failed"], row["queued"]) == ("mine", 4, 2, 2, 0)
    assert "mine" in rnnbench("sweeps").out
    trials = json.loads(rnnbench("sweep", "mine", "--json").out)
    assert [trial["status"] for trial in trials].count("done") == 2
    assert all(trial["score"] > 1 for trial in trials if trial["status"] == "done")
    shown = rnnbench("sweep", "mine").out
    assert "2 done, 2 failed" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())

    retried = rnnbench("retry", "mine")
    assert retried.code == 1
    assert retried.out.startswith("again: seed=0: backbone lstm: hidden_size must be at least 1, got -1\nagain: seed=1")
    assert "sweep mine: 2 failed, 2 already there" in retried.out
    again = rnnbench("resume", "mine")
    assert (again.code, "sweep mine: 4 already there" in again.out) == (1, True)
    assert rnnbench("stop", "mine").out == "sweep mine is not running; there is nothing to stop\n"


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
