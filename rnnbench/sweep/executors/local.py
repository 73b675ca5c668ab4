"""The local executor: as many warm processes as there are cores, one thread each, or as many a GPU as fit its memory.

On Linux without a GPU they are forks of the process that planned the sweep: torch is imported and the data read once,
and both are shared in memory, copy on write. Elsewhere they are started afresh, and each reads its data once.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path
from typing import Any

import torch

from rnnbench import settings
from rnnbench.config import Config
from rnnbench.errors import UserError
from rnnbench.signals import withheld
from rnnbench.storage.environment import environment
from rnnbench.sweep.executors.base import Ended, Executor, Job, Outcome
from rnnbench.sweep.executors.worker import work
from rnnbench.trial import Preparation

LOOK_AT_LIMITS = 0.5  # seconds
FAREWELL = 5.0  # seconds that an idle worker may take to end
GIB = 2**30
OWN_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)  # raised by what it did


@dataclass
class Worker:
    """A process, and the job that it is at since when."""

    process: Any
    jobs: Connection
    gpu: str | None
    job: Job | None = None
    since: float = 0.0


class LocalExecutor(Executor):
    """Processes of this machine."""

    def __init__(self, config: Config, trials: int, preparation: Preparation) -> None:
        sweep = config.sweep
        self.timeout, self.memory = sweep.timeout, sweep.memory
        gpus = torch.cuda.device_count() if config.trainer.accelerator != "cpu" else 0
        if self.memory is not None and not gpus and sys.platform != "linux":
            raise UserError("sweep.memory: the memory of a process can be watched on Linux only; leave it out")
        self.slots = min(sweep.workers or _default_workers(config, gpus), max(1, trials))
        self._gpus = [str(number % gpus) if gpus else None for number in range(self.slots)]
        self._log = settings.outputs_dir(config.outputs_dir) / "sweeps" / "workers.log"
        self._context, self._preparation = _context(preparation, gpus)
        self._mirrored = config.logger.mode != "disabled"
        self._workers: list[Worker] = []
        if self._preparation is not None:
            self._warm_up()
        for gpu in self._gpus:
            self._start(gpu)

    def submit(self, job: Job) -> None:
        idle = (worker for worker in self._workers if worker.job is None and worker.process.is_alive())
        worker = next(idle, None) or self._start(self._missing_gpu())
        worker.job, worker.since = job, time.monotonic()
        with suppress(OSError):  # it died while idle: `wait` will say that the job is lost
            worker.jobs.send(job)

    def wait(self, timeout: float) -> list[Ended]:
        end = time.monotonic() + timeout
        while True:
            left = max(0.0, end - time.monotonic())
            limited = self.timeout is not None or self.memory is not None
            things = [thing for worker in self._workers for thing in (worker.jobs, worker.process.sentinel)]
            wait(things, min(left, LOOK_AT_LIMITS) if limited else left)
            ended = [said for worker in list(self._workers) for said in self._look_at(worker)]
            if ended or time.monotonic() >= end:
                return ended

    def stop(self, signal_number: int) -> None:
        for worker in self._workers:
            _signal(worker, signal_number)

    def close(self) -> None:
        for worker in self._workers:
            if worker.job:
                _signal(worker, signal.SIGKILL)
            with suppress(OSError):
                worker.jobs.send(None)
        end = time.monotonic() + FAREWELL
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            self._end(worker)
        self._workers = []

    def _warm_up(self) -> None:
        """Does before the forks what each of them would do otherwise."""
        environment()
        if self._mirrored:
            importlib.import_module("wandb")

    def _start(self, gpu: str | None) -> Worker:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self._preparation, gpu, self._mirrored, self._log, os.getpid())
        process = self._context.Process(target=work, args=arguments)
        with withheld(), warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: those of torch and Arrow are idle and take part in no trial.
            warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
            process.start()
        theirs.close()
        worker = Worker(process, ours, gpu)
        self._workers.append(worker)
        return worker

    def _missing_gpu(self) -> str | None:
        taken = [worker.gpu for worker in self._workers]
        return min(self._gpus, key=lambda gpu: taken.count(gpu) - self._gpus.count(gpu))

    def _look_at(self, worker: Worker) -> list[Ended]:
        """What is to be said of a worker's job, if anything."""
        job = worker.job
        ended = self._received(worker)
        if ended:
            worker.job = None
            return [ended]
        if not worker.process.is_alive():
            self._workers.remove(worker)
            self._end(worker)
            return [_death(job, worker.process.exitcode)] if job else []
        over = self._over_limit(worker)
        if job and over:
            self._workers.remove(worker)
            self._end(worker)
            return [Ended(job.id, Outcome.FAILED, over)]
        return []

    def _received(self, worker: Worker) -> Ended | None:
        with suppress(EOFError, OSError):  # it died
            if worker.jobs.poll():
                return worker.jobs.recv()
        return None

    def _over_limit(self, worker: Worker) -> str | None:
        if worker.job is None:
            return None
        if self.timeout is not None and time.monotonic() - worker.since > self.timeout:
            return f"took longer than sweep.timeout={self.timeout:g} seconds"
        if self.memory is not None and worker.gpu is None:
            used = resident(worker.process.pid)
            if used > self.memory * GIB:
                return f"took {used / GIB:.2f} GiB, more than sweep.memory={self.memory:g}"
        return None

    def _end(self, worker: Worker) -> None:
        _signal(worker, signal.SIGKILL)
        worker.process.join()
        worker.jobs.close()


def _default_workers(config: Config, gpus: int) -> int:
    if gpus:
        memory = torch.cuda.get_device_properties(0).total_memory / GIB
        return gpus * max(1, int(memory / config.sweep.memory)) if config.sweep.memory else gpus
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores // (config.trainer.threads or 1))


def _context(preparation: Preparation, gpus: int) -> tuple[ForkContext | SpawnContext, Preparation | None]:
    """How processes are started. A fork of one that has touched a GPU could not use it; elsewhere forks are unsafe."""
    if sys.platform == "linux" and not gpus:
        return multiprocessing.get_context("fork"), preparation
    return multiprocessing.get_context("spawn"), None


def _signal(worker: Worker, number: int) -> None:
    with suppress(ProcessLookupError):
        if worker.process.is_alive():
            os.kill(worker.process.pid, number)


def _death(job: Job, exit_code: int) -> Ended:
    """What is said of a job whose worker has died; of one that a signal met between two jobs the exit code is 0."""
    if exit_code >= 0:
        return Ended(job.id, Outcome.CRASHED if exit_code else Outcome.LOST, f"its worker ended with code {exit_code}")
    cause = signal.Signals(-exit_code)
    hint = " (out of memory?)" if cause == signal.SIGKILL else ""
    broke = Outcome.CRASHED if cause in OWN_FAULTS else Outcome.LOST
    return Ended(job.id, broke, f"its worker was killed by {cause.name}{hint}")


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
