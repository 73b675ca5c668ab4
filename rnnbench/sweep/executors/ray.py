"""The Ray executor: each trial is a Ray task, on any machine of a cluster that has the CPUs and GPUs for it."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# Ray is an extra: where types are checked it need not be installed.

import logging
import os
import socket
import time
from typing import Any

from rnnbench.config import Config, SweepConfig
from rnnbench.errors import UserError, first_line
from rnnbench.sweep.executors.base import Ended, Executor, Job, Outcome
from rnnbench.sweep.executors.remote import perform_at, place_of
from rnnbench.trial import Preparation

try:
    import ray
    from ray import exceptions
except ImportError as error:
    raise UserError("sweep.executor=ray needs Ray: pip install 'rnnbench[ray]'") from error

ANSWER = 5.0  # seconds that a cluster may take to answer
GIB = 2**30


class RayExecutor(Executor):
    """Tasks of a Ray cluster, at most as many as its machines have room for now: it may grow and shrink."""

    def __init__(self, config: Config, trials: int, preparation: Preparation) -> None:  # noqa: ARG002  # data is read there
        sweep = config.sweep
        _connect(sweep.address or os.environ.get("RAY_ADDRESS"))
        self._place, self._most = place_of(config), max(1, trials)
        self._workers, self._needs = sweep.workers, _needs(sweep)
        self._under_way: dict[Any, Job] = {}
        # The sweep sees to what is tried again; Ray would not look at the trial's record.
        resources = {"num_cpus": sweep.cpus, "num_gpus": sweep.gpus, "memory": self._needs.get("memory")}
        self._task = ray.remote(perform_at).options(max_retries=0, **resources)
        if self._workers is None and not _room(self._needs):
            ray.shutdown()
            raise UserError(f"no machine of the Ray cluster has what a trial needs: {_said(sweep)}; ask for less")
        self._count_slots()

    def submit(self, job: Job) -> None:
        self._under_way[self._task.remote(job, self._place)] = job

    def wait(self, timeout: float) -> list[Ended]:
        if not self._under_way:
            time.sleep(timeout)
            return []
        self._count_slots()
        tasks = [*self._under_way]
        if not ray.wait(tasks, num_returns=1, timeout=timeout)[0]:
            return []
        over, _ = ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [_ended(self._under_way.pop(task), task) for task in over]

    def stop(self, signal_number: int) -> None:  # noqa: ARG002  # Ray knows one way
        for task in self._under_way:
            ray.cancel(task)  # as Control-C does

    def close(self) -> None:
        if ray.is_initialized():
            for task in self._under_way:
                ray.cancel(task, force=True)
            ray.shutdown()
        self._under_way.clear()

    def _count_slots(self) -> None:
        """As many as the person has said, else as many as fit; at least one, which may have to wait."""
        self.slots = min(self._workers or max(1, _room(self._needs)), self._most)


def _ended(job: Job, task: Any) -> Ended:
    try:
        return ray.get(task)
    except exceptions.TaskCancelledError:
        return Ended(job.id, Outcome.STOPPED, "stopped")
    except exceptions.RayTaskError as error:  # of Python, before the trial began
        return Ended(job.id, Outcome.FAILED, first_line(error.cause))
    except exceptions.RayError as error:
        return Ended(job.id, Outcome.LOST, f"its worker died: {first_line(error)}")


def _connect(address: str | None) -> None:
    if address is not None and not _answers(address):
        raise UserError(f"no Ray cluster answers at {address}; start one there with `ray start --head`{_OR_ELSE}")
    try:
        ray.init(address or "auto", log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        what = f"does not take this machine: {first_line(error)}" if address else "runs on this machine"
        where = f"the Ray cluster at {address}" if address else "no Ray cluster"
        raise UserError(f"{where} {what}; start one with `ray start --head`{_OR_ELSE}") from error
    except (RuntimeError, ValueError) as error:  # another version of Ray or Python; not an address
        raise UserError(f"the Ray cluster can not be used: {first_line(error)}") from error


_OR_ELSE = ", or give the address of another: sweep.address=HOST:PORT"


def _answers(address: str) -> bool:
    """Whether something greets as Ray does, by HTTP/2; Ray itself would try for two minutes, then end the process."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER) as connection:
            if os.environ.get("RAY_USE_TLS") == "1":
                return True  # it will say nothing before a handshake, which is Ray's
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0]))
            return connection.recv(4)[3:] == bytes([_SETTINGS])
    except (OSError, ValueError, OverflowError):
        return False


_SETTINGS = 4  # type of HTTP/2's first frame


def _needs(sweep: SweepConfig) -> dict[str, float]:
    """What a trial takes of a machine, by Ray's names."""
    memory = 0 if sweep.gpus else (sweep.memory or 0) * GIB
    return {name: amount for name, amount in {"CPU": sweep.cpus, "GPU": sweep.gpus, "memory": memory}.items() if amount}


def _room(needs: dict[str, float]) -> int:
    """How many trials the machines that are alive have room for together."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(min(int(machine.get(name, 0) / amount) for name, amount in needs.items()) for machine in machines)


def _said(sweep: SweepConfig) -> str:
    memory = f", sweep.memory={sweep.memory:g}" if sweep.memory else ""
    return f"sweep.cpus={sweep.cpus}, sweep.gpus={sweep.gpus:g}{memory}"
