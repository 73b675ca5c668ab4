"""Slots of this machine: one a core, or as many a GPU as fit. GPUs are pretended, processes that start are real."""

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import TINY

from rnnbench.compose import compose, resolve
from rnnbench.signals import SIGNALS, stoppable
from rnnbench.storage import files
from rnnbench.sweep.executors import local
from rnnbench.sweep.executors.base import Job, Outcome
from rnnbench.sweep.executors.local import GIB, LocalExecutor
from rnnbench.sweep.loop import run
from rnnbench.sweep.sweep import plan
from rnnbench.sweep.watching import Where
from rnnbench.trial import Preparation

LONG_ENOUGH = 20.0  # seconds for a process to end


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of 80 GiB each."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80 * GIB))


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are counted and not started."""

    def start(self: LocalExecutor, gpu: str | None) -> Any:
        worker: Any = SimpleNamespace(gpu=gpu)
        self._workers.append(worker)
        return worker

    monkeypatch.setattr(LocalExecutor, "_start", start)
    monkeypatch.setattr(LocalExecutor, "_warm_up", lambda _: None)


def executor(*overrides: str, trials: int = 100) -> LocalExecutor:
    return LocalExecutor(resolve(compose([*TINY, *overrides])), trials, Preparation())


def gpus(found: LocalExecutor) -> list[str | None]:
    assert len(found._workers) == found.slots
    return [worker.gpu for worker in found._workers]


@pytest.mark.parametrize(
    "overrides, trials, expected",
    [
        ([], 100, ["0", "1"]),
        (["sweep.memory=30"], 100, ["0", "1", "0", "1"]),
        (["sweep.memory=80"], 100, ["0", "1"]),
        (["sweep.memory=100"], 100, ["0", "1"]),  # whoever asks for more than there is finds out by trying
        (["sweep.workers=3"], 100, ["0", "1", "0"]),
        (["sweep.memory=10", "sweep.workers=1"], 100, ["0"]),
        (["sweep.memory=10"], 3, ["0", "1", "0"]),
        (["trainer.threads=8"], 100, ["0", "1"]),
    ],
)
def test_a_gpu_takes_one_trial_or_as_many_as_fit_its_memory(
    book: Path, two_gpus: None, idle: None, overrides: list[str], trials: int, expected: list[str]
):
    found = executor(*overrides, trials=trials)
    assert gpus(found) == expected
    assert found._preparation is None  # no fork of a process that may have touched a GPU


def test_a_worker_in_place_of_a_dead_one_gets_its_gpu(book: Path, two_gpus: None, idle: None):
    found = executor("sweep.memory=30")
    for dead in (3, 0, 1, 1):
        gpu = found._workers.pop(dead).gpu
        assert found._missing_gpu() == gpu
        found._start(gpu)
    first, second = found._workers.pop(), found._workers.pop()
    found._start(found._missing_gpu())
    found._start(found._missing_gpu())
    assert {found._workers[-1].gpu, found._workers[-2].gpu} >= {first.gpu, second.gpu}
    assert sorted(map(str, gpus(found))) == ["0", "0", "1", "1"]


@pytest.mark.parametrize("threads, expected", [("null", 6), ("1", 6), ("2", 3), ("4", 1), ("16", 1)])
def test_without_a_gpu_a_worker_has_its_cores_to_itself(
    book: Path, two_gpus: None, idle: None, monkeypatch: pytest.MonkeyPatch, threads: str, expected: int
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    found = executor("trainer.accelerator=cpu", f"trainer.threads={threads}")
    assert gpus(found) == [None] * expected


@pytest.mark.parametrize(
    "code, outcome, said",
    [
        (-signal.SIGKILL, Outcome.LOST, "was killed by SIGKILL (out of memory?)"),
        (-signal.SIGTERM, Outcome.LOST, "was killed by SIGTERM"),
        (-signal.SIGSEGV, Outcome.CRASHED, "was killed by SIGSEGV"),
        (3, Outcome.CRASHED, "ended with code 3"),
        (0, Outcome.LOST, "ended with code 0"),
    ],
)
def test_a_death_is_told_from_a_breakdown(code: int, outcome: Outcome, said: str):
    ended = local._death(Job("a", "b", "c", {}), code)
    assert (ended.outcome, ended.reason) == (outcome, f"its worker {said}")


@pytest.mark.skipif(sys.platform != "linux", reason="a fork takes over what its parent does at a signal")
@pytest.mark.parametrize("number", SIGNALS)
def test_one_that_is_told_to_stop_while_it_starts_ends_without_a_word(
    book: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: signal.Signals
):
    monkeypatch.setattr(files, "send_output", lambda *_: time.sleep(0.2))
    with stoppable():
        started = executor("sweep.workers=2")
        started.stop(number)
        for worker in started._workers:
            worker.process.join(LONG_ENOUGH)
        codes = [worker.process.exitcode for worker in started._workers]
        started.close()
    assert codes == [0, 0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_has_the_process_of_weights_and_biases_before_its_first_trial(book: Path):
    started = executor("sweep.workers=1", "logger.mode=offline")
    (worker,) = started._workers
    children = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children")
    end = time.monotonic() + LONG_ENOUGH
    while (names := commands(children.read_text().split())) != ["wandb-core"] and time.monotonic() < end:
        time.sleep(0.05)
    started.close()
    assert names == ["wandb-core"]


def commands(processes: list[str]) -> list[str]:
    return [Path(f"/proc/{process}/comm").read_text().strip() for process in processes]


SEEING = """
import os
from pathlib import Path
from rnnbench.backbones.elman import Elman
from rnnbench import Backbone

class Seeing(Elman, Backbone):
    '''Writes down which GPU its process may see.'''

    def forward(self, x_BTI, state=None):
        Path("seen", str(os.getpid())).write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        return super().forward(x_BTI, state)
"""


@pytest.mark.slow
def test_each_process_sees_its_own_gpu_and_no_other(book: Path, two_gpus: None):
    Path("backbones").mkdir()
    Path("backbones/seeing.py").write_text(SEEING)
    Path("seen").mkdir()
    ends: list[tuple[Outcome, Where]] = []
    watcher: Any = SimpleNamespace(
        ended=lambda point, outcome, reason, where: ends.append((outcome, where)), tick=lambda *_: None
    )
    run(plan([*TINY, "backbone=seeing", "seed=range(0,12)"]), watcher)
    assert ends == [(Outcome.DONE, Where.HERE)] * 12
    assert sorted(path.read_text() for path in Path("seen").iterdir()) == ["0", "1"]
