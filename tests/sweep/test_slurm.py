"""Sweeps on a real SLURM, which tests/clusters/slurm.sh starts; and what is said where there is none."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from support.meanwhile import Meanwhile

from rnnbench.errors import UserError
from rnnbench.storage.record import Record, all_records
from rnnbench.sweep.executors import executor_for
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.sweep import Where, plan, run

submitit = pytest.importorskip("submitit", reason="the extra `slurm` is not installed")
cluster = [pytest.mark.cluster, pytest.mark.skipif(not shutil.which("sbatch"), reason="tests/clusters/slurm.sh")]
ON_SLURM = (*TINY, "trainer.progress=false", "trainer.accelerator=cpu", "sweep.executor=slurm")


def shell(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def of_length(epochs: int) -> Record:
    (found,) = [r for r in all_records(Path("outputs")) if r.config["trainer"]["max_epochs"] == epochs]
    return found


@pytest.mark.cluster
def test_an_array_of_twelve_of_which_one_is_preempted_completes(book: Path):
    def preempt() -> bool:
        running = [record for record in all_records(Path("outputs")) if len(record.metrics) > 3]
        if running:
            shell("sbatch", "--partition=high", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 5")
        return bool(running)

    long, lengths = 250, range(1, 12)
    epochs = f"trainer.max_epochs={long},{','.join(map(str, lengths))}"
    watcher = Meanwhile(preempt)
    run(plan([*ON_SLURM, epochs, "sweep.name=twelve"]), watcher)
    assert watcher.acted
    assert sorted(outcome for _, outcome, _ in watcher.ends) == [Outcome.DONE] * 12
    assert len({point for point, _, _ in watcher.ends}) == 12
    preempted = of_length(long)
    assert preempted.state["attempts"] == 2
    assert "resumed from" in (preempted.folder / "log.txt").read_text()
    assert [line["epoch"] for line in preempted.metrics if "epoch" in line] == sorted(
        {line["epoch"] for line in preempted.metrics if "epoch" in line}
    )
