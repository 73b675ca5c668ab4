"""A warm process of the local executor: it has torch imported and data read, and does one job after the other."""

import contextlib
import gc
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from rnnbench import tracking
from rnnbench.errors import Stopped
from rnnbench.signals import admit, stoppable
from rnnbench.storage import files
from rnnbench.sweep.job import perform
from rnnbench.trial import Preparation

LOOK_FOR_PARENT = 1.0  # seconds
AGAIN = 20.0  # seconds that a trial has to stop cleanly
YOUNG_OBJECTS = 5000  # before the collector looks for cycles, of which a trial makes few


def work(
    jobs: Connection, preparation: Preparation | None, gpu: str | None, mirrored: bool, log: Path, parent: int
) -> None:
    """Does jobs until there are no more, a signal comes, or the parent is gone.

    Args:
        jobs: hands in a `Job`, or None to end; takes an `Ended`.
        preparation: that of the parent where this process is a fork of it, so that its data are shared.
        gpu: the only one that this process is to see.
        mirrored: the jobs are told to Weights & Biases.
        log: takes what this process prints, whose terminal shows the sweep.
        parent: the process that hands in jobs, which may be gone before this one begins. It started this one within
            `withheld`.
    """
    # A signal that strikes between two jobs has nothing to stop but this process.
    with contextlib.suppress(Stopped), stoppable():
        admit()
        os.setpgid(0, 0)  # Control-C is for the parent, which passes it on once
        _prepare(gpu, log, parent)
        if mirrored:
            tracking.warm_up()
        with contextlib.suppress(EOFError, OSError):  # the parent has ended
            _do(jobs, preparation or Preparation())


def _prepare(gpu: str | None, log: Path, parent: int) -> None:
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    for descriptor in (1, 2):
        files.send_output(descriptor, log)

    import torch

    torch.set_num_threads(1)
    gc.set_threshold(YOUNG_OBJECTS)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _do(jobs: Connection, preparation: Preparation) -> None:
    while (job := jobs.recv()) is not None:
        jobs.send(perform(job, preparation))


def _follow(parent: int) -> None:
    """Stops this process when its parent is gone, so that no trial is left that nobody minds."""
    while os.getppid() == parent:
        time.sleep(LOOK_FOR_PARENT)
    while True:  # a signal can be lost in code that swallows whatever is raised in it
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(AGAIN)
