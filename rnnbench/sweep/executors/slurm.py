"""The SLURM executor: trials are elements of job arrays, which SLURM starts when and where there is room.

A trial that SLURM takes the machine from, for a more urgent job or at its time limit, writes a checkpoint and is queued
again under the same job id. What is in the queue is asked of `squeue`, which needs no accounting.
"""

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from rnnbench import settings
from rnnbench.config import Config, SweepConfig
from rnnbench.errors import Stopped, UserError, first_line
from rnnbench.signals import stoppable
from rnnbench.sweep.executors.base import Ended, Executor, Job, Outcome
from rnnbench.sweep.executors.remote import Place, perform_at, place_of
from rnnbench.trial import Preparation

try:
    import submitit  # pyright: ignore[reportMissingImports]  # an extra
except ImportError as error:
    raise UserError("sweep.executor=slurm needs submitit: pip install 'rnnbench[slurm]'") from error

MOST = 1000  # jobs in the queue where the person has not said: SLURM's own default limit of an array is 1001
NOTICE = 60  # seconds before the time limit that a trial is told to stop
LOOK_AT_FILES = 0.5  # seconds
LOOK_AT_QUEUE = 10.0  # seconds; administrators ask to be sparing with it
PATIENCE = 30.0  # seconds that the file of a job that left the queue may take to be seen on a shared file system


@dataclass
class Element:
    """A job in SLURM's hands.

    Attributes:
        submitted: as submitit has it.
        gone: when it was first seen to have left the queue.
    """

    job: Job
    submitted: Any
    gone: float | None = None


class SlurmExecutor(Executor):
    """Job arrays of the SLURM that this machine can submit to."""

    def __init__(self, config: Config, trials: int, preparation: Preparation) -> None:  # noqa: ARG002  # data is read there
        missing = [tool for tool in ("sbatch", "srun", "squeue", "scancel") if shutil.which(tool) is None]
        if missing:
            raise UserError(f"sweep.executor=slurm: there is no {missing[0]} here; type it where SLURM takes jobs")
        self.slots = min(config.sweep.workers or MOST, max(1, trials))
        self._place, self._options = place_of(config), _options(config.sweep)
        self._folder = settings.outputs_dir(config.outputs_dir).absolute() / "sweeps" / "slurm"
        self._new: list[Job] = []
        self._under_way: dict[str, Element] = {}
        self._looked = 0.0

    def submit(self, job: Job) -> None:
        self._new.append(job)  # `wait` submits what has come together as one array

    def wait(self, timeout: float) -> list[Ended]:
        self._submit_array()
        end = time.monotonic() + timeout
        while True:
            self._look_at_queue()
            ended = [said for element in list(self._under_way.values()) if (said := self._ended(element))]
            left = end - time.monotonic()
            if ended or left <= 0:
                return ended
            time.sleep(min(left, LOOK_AT_FILES))

    def stop(self) -> None:
        """What runs is interrupted, as by Control-C; what waits in the queue leaves it."""
        self._cancel("--signal=INT", "--state=RUNNING")
        self._cancel("--state=PENDING")

    def close(self) -> None:
        self._cancel()
        self._under_way.clear()
        self._new.clear()

    def _submit_array(self) -> None:
        if not self._new:
            return
        jobs, self._new = self._new, []
        try:
            executor = submitit.SlurmExecutor(self._folder / jobs[0].sweep)
            executor.update_parameters(job_name=f"rnnbench-{jobs[0].sweep}", **self._options)
            submitted = executor.map_array(_perform, jobs, [self._place] * len(jobs))
        except (submitit.core.utils.FailedJobError, OSError) as error:
            raise UserError(f"SLURM does not take the trials: {_said(error)}") from error
        self._under_way |= {entry.job_id: Element(job, entry) for job, entry in zip(jobs, submitted)}
        self._looked = time.monotonic()  # it may take a moment to appear in the queue

    def _look_at_queue(self) -> None:
        if not self._under_way or time.monotonic() - self._looked < LOOK_AT_QUEUE:
            return
        self._looked = time.monotonic()
        queued = _queue()
        for name, element in self._under_way.items():
            if queued is None or name in queued:
                element.gone = None
            elif element.gone is None:
                element.gone = self._looked

    def _ended(self, element: Element) -> Ended | None:
        """What is to be said of a job, if anything."""
        job, submitted = element.job, element.submitted
        if submitted.paths.result_pickle.exists():
            ended = _result(job, submitted)
        elif element.gone is not None and time.monotonic() - element.gone > PATIENCE:
            ended = Ended(job.id, Outcome.LOST, f"SLURM ended job {submitted.job_id}; see {submitted.paths.stdout}")
        else:
            return None
        del self._under_way[submitted.job_id]
        for path in (submitted.paths.submitted_pickle, submitted.paths.result_pickle):
            path.unlink(missing_ok=True)
        return ended

    def _cancel(self, *which: str) -> None:
        if self._under_way:
            subprocess.run(["scancel", *which, *self._under_way], capture_output=True, check=False)


def _options(sweep: SweepConfig) -> dict[str, Any]:
    """What submitit is to ask of SLURM; what is not said here can be said by sbatch's own variables."""
    if not float(sweep.gpus).is_integer():
        raise UserError(f"sweep.gpus={sweep.gpus:g}: SLURM gives whole GPUs; Ray lets trials share one")
    options: dict[str, Any] = {
        "time": sweep.minutes,
        "cpus_per_task": sweep.cpus,
        "array_parallelism": sweep.workers or MOST,
        "stderr_to_stdout": True,
        "additional_parameters": {"requeue": True, "signal": f"TERM@{NOTICE}"},
    }
    if sweep.partition:
        options["partition"] = sweep.partition
    if sweep.gpus:
        options["gpus_per_node"] = int(sweep.gpus)
    if sweep.memory and not sweep.gpus:
        options["mem"] = f"{math.ceil(sweep.memory * 1.1 * 1024)}M"  # the trial itself stops before SLURM must
    return options


def _perform(job: Job, place: Place) -> Ended:
    """In SLURM's process: does a job. One that SLURM has stopped is queued again, and says nothing yet."""
    stopped = None
    with contextlib.suppress(Stopped), stoppable():
        ended = perform_at(job, place)
        stopped = ended.outcome == Outcome.STOPPED
        if not stopped or ended.reason == str(Stopped(signal.SIGINT)):
            return ended
    return _queue_again(job)


def _queue_again(job: Job) -> Ended:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the trial has stopped; so will this process in a moment
    asked = subprocess.run(
        ["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], capture_output=True, text=True, check=False
    )
    print(f"queued again: {asked.returncode} {asked.stderr}", flush=True)
    sys.stdout.flush()
    os._exit(128 + signal.SIGTERM)


def _result(job: Job, submitted: Any) -> Ended:
    try:
        return submitted.result()
    except submitit.core.utils.FailedJobError as error:  # before the trial began: rnnbench is not there, say
        return Ended(job.id, Outcome.FAILED, _said(error))


def _queue() -> set[str] | None:
    """Ids of all jobs of this person that SLURM has not ended; None where it does not answer."""
    command = ["squeue", "--noheader", "--array", "--user", str(os.getuid()), "--format=%i"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(asked.stdout.split()) if asked.returncode == 0 else None


def _said(error: BaseException) -> str:
    """The last line of what SLURM or Python said, which is the one that tells."""
    lines = str(error).strip().splitlines()
    return lines[-1].removeprefix("sbatch: error: ") if lines else first_line(error)
