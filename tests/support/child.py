"""A trial in a process of its own that can be killed; ready at once, since its parent has imported all it needs."""

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.process import BaseProcess

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["rnnbench.training", "rnnbench.compose"])


def start(overrides: Sequence[str], fault: str = "") -> BaseProcess:
    """Runs a trial; `fault` is what RNNBENCH_FAULT says within it."""
    process = _PROCESSES.Process(target=_run, args=(overrides, fault))
    process.start()
    return process


def _run(overrides: Sequence[str], fault: str) -> None:
    import torch

    from rnnbench.compose import compose, resolve
    from rnnbench.training import run_trial
    from rnnbench.trial import Preparation

    os.environ["RNNBENCH_FAULT"] = fault
    torch.set_num_threads(1)
    run_trial(Preparation().prepare(resolve(compose(overrides))))
