"""Sweeps on a real Ray cluster of several machines, all of them this one; and what is said where there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from support.meanwhile import Meanwhile

from rnnbench.errors import UserError
from rnnbench.storage.record import Status, all_records
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.sweep import plan, run

ON_RAY = (*TINY, "trainer.progress=false", "trainer.accelerator=cpu", "sweep.executor=ray")


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """A cluster of three machines of one CPU each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.mark.cluster
def test_a_sweep_on_three_machines_of_which_one_dies_completes(book: Path, machines: Any):
    def kill_one() -> bool:
        if sum(record.status == Status.RUNNING for record in all_records(Path("outputs"))) < 3:
            return False
        machines.remove_node(list(machines.worker_nodes)[0], allow_graceful=False)
        return True

    watcher = Meanwhile(kill_one)
    run(plan([*ON_RAY, f"sweep.address={machines.address}", "trainer.max_epochs=40", "seed=range(9)"]), watcher)
    assert watcher.acted
    assert [outcome for _, outcome, _ in watcher.ends] == [Outcome.DONE] * 9
    records = all_records(Path("outputs"))
    assert {record.id for record in records} == {point for point, _, _ in watcher.ends}
    assert sum(record.state["attempts"] > 1 for record in records) == 1
    for record in records:
        assert [line["epoch"] for line in record.metrics] == [*range(1, 41)]
