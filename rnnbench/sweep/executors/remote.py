"""A job done on another machine: in the sweep's working folder, with its settings, and within its limits.

Machines of a cluster share the working folder and the outputs folder, under the same names.
"""

import contextlib
import functools
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from rnnbench import settings
from rnnbench.config import Config
from rnnbench.storage.record import Record, Status
from rnnbench.sweep.executors.base import Ended, Job, Outcome
from rnnbench.sweep.executors.local import GIB, LOOK_AT_LIMITS, resident
from rnnbench.sweep.job import perform
from rnnbench.trial import Preparation


@dataclass(frozen=True)
class Place:
    """What a job needs to know of the process that planned it, as plain data.

    Attributes:
        folder: the working folder.
        outputs_dir: absolute.
        data_dir: absolute, or None where the person has none.
        timeout: seconds that a trial may take.
        memory: GiB that a trial's process may take; None also where the sweep's limit is of a GPU.
    """

    folder: str
    outputs_dir: str
    data_dir: str | None
    threads: int
    timeout: float | None
    memory: float | None


def place_of(config: Config) -> Place:
    """This process's place, and the limits that a sweep's config sets."""
    sweep, data_dir = config.sweep, settings.data_dir(config.data_dir)
    return Place(
        folder=str(Path.cwd()),
        outputs_dir=str(settings.outputs_dir(config.outputs_dir).absolute()),
        data_dir=str(data_dir.absolute()) if data_dir else None,
        threads=sweep.cpus,
        timeout=sweep.timeout,
        memory=None if sweep.gpus else sweep.memory,
    )


def perform_at(job: Job, place: Place) -> Ended:
    """Runs a job as if in the process that planned it. One that runs into a limit is recorded, and its process ends."""
    missing = next((folder for folder in (place.folder, place.outputs_dir) if not Path(folder).is_dir()), None)
    if missing:
        advice = "start the sweep in a folder that all machines of the cluster share"
        return Ended(job.id, Outcome.FAILED, f"there is no {missing} on {socket.gethostname()}; {advice}")
    os.chdir(place.folder)
    _set("RNNBENCH_OUTPUTS", place.outputs_dir)
    _set("RNNBENCH_DATA", place.data_dir)
    torch.set_num_threads(place.threads)
    with _limited(Record(Path(job.folder)), place):
        return perform(job, _preparation())


@functools.cache
def _preparation() -> Preparation:
    """That of this process, which may be given several jobs."""
    return Preparation()


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextlib.contextmanager
def _limited(record: Record, place: Place) -> Iterator[None]:
    """Within it the process minds the limits itself: no parent on this machine does."""
    done = threading.Event()
    if place.timeout is not None or place.memory is not None:
        threading.Thread(target=_mind, args=(record, place, done), name="limits", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _mind(record: Record, place: Place, done: threading.Event) -> None:
    began = time.monotonic()
    while not done.wait(LOOK_AT_LIMITS):
        reason = _over_limit(place, time.monotonic() - began)
        if reason and not record.finished:
            if record.facts:
                record.end(Status.FAILED, reason)
            os.kill(os.getpid(), signal.SIGKILL)


def _over_limit(place: Place, seconds: float) -> str | None:
    if place.timeout is not None and seconds > place.timeout:
        return f"took longer than sweep.timeout={place.timeout:g} seconds"
    used = resident(os.getpid()) / GIB if place.memory is not None else 0.0
    if place.memory is not None and used > place.memory:
        return f"took {used:.2f} GiB, more than sweep.memory={place.memory:g}"
    return None
