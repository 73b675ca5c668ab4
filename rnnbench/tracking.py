"""Weights & Biases as a mirror of the local record, which stays the truth.

Whatever happens to the mirror (no network, a bad key, its process killed) is said once and harms nothing. It is told
the config, curves, costs, scores and samples of a trial; never an environment variable, the command line, the host,
the user or the code. A thread of its own tells it, so that training does not wait for a server's answers.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rnnbench.config import leaves
from rnnbench.errors import first_line
from rnnbench.storage.identity import relevant
from rnnbench.storage.record import Record
from rnnbench.trial import Trial

# Seconds that an online run may wait for the server, at its beginning and at its end.
INIT_TIMEOUT = 30
FINISH_TIMEOUT = 60
TAG_LENGTH = 64  # W&B refuses longer ones, and empty ones

_unreachable: set[str] = set()  # the modes that this process has found to be so


class Tracker:
    """One run at Weights & Biases for one trial; within ``with`` it is open, and behind it all has been told.

    Args:
        trial: what is run; `logger.mode` of its config says whether and where the mirror stands.
        group: the sweep that the trial belongs to.
    """

    def __init__(self, trial: Trial, group: str | None) -> None:
        self.trial, self.group = trial, group
        self._run: Any = None
        self._teller = ThreadPoolExecutor(1, "mirror")  # one thread: what is told stays in order
        # Tables are staged on disk until they are sent, which for an offline run may be much later: within the record.
        self._staging = {"WANDB_DATA_DIR": str(trial.record.folder.absolute() / "wandb" / "data")}
        self._before = dict(os.environ)

    def __enter__(self) -> Self:
        mode = self.trial.config.logger.mode
        if mode != "disabled":
            os.environ.update({**self._staging, **self._before})
            self._teller.submit(self._open, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Ending it on every way out is what gives the next trial of this process a run of its own.
        self._tell(lambda run: self._end(run, 1), "did not finish")
        self._teller.shutdown()
        for name in self._staging.keys() - self._before.keys():
            os.environ.pop(name, None)

    def log(self, line: Mapping[str, float]) -> None:
        """Sends a line of the curves."""
        self._tell(lambda run: run.log(dict(line), step=int(line["step"])), "stopped listening")

    def finish(self, status: str, result: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> None:
        """Sends status, scores and costs as the summary and the samples as a table, and ends the run."""

        def send(run: Any) -> None:
            summary = {key.replace(".", "/"): value for key, value in leaves(result)}
            run.summary.update({"status": str(status), **summary})
            if samples:
                run.log({"samples": _table(samples, self.trial.record.folder / "samples")})

        self._tell(send, "stopped listening")
        self._tell(self._end, "did not finish")

    def _end(self, run: Any, exit_code: int = 0) -> None:
        self._run = None
        run.finish(exit_code=exit_code)

    def _tell(self, action: Callable[[Any], object], what: str) -> None:
        """Lets the thread do it with the run, where there is one by then."""
        if self.trial.config.logger.mode != "disabled":
            self._teller.submit(self._guarded, lambda: self._run and action(self._run), what)

    def _open(self, mode: str) -> None:
        if mode == "online" and _unreachable:
            mode = "offline"  # the next trial of a sweep does not wait for the server again
        if mode == "online" and not self._guarded(lambda: self._start("online"), "can not be reached"):
            _unreachable.add(mode)
            folder = self.trial.record.folder
            self._say(f"this run is mirrored offline; `wandb sync {folder}/wandb/offline-run-*` sends it later")
            mode = "offline"
        if mode == "offline":
            self._guarded(lambda: self._start("offline"), "can not be started")

    def _start(self, mode: str) -> None:
        import wandb

        record, facts, logger = self.trial.record, self.trial.facts, self.trial.config.logger
        # A resumed attempt tells the mirror everything from the beginning: what is there of earlier ones makes way.
        for segment in (record.folder / "wandb").glob("offline-run-*"):
            shutil.rmtree(segment, ignore_errors=True)
        tags = [facts["task"], facts["dataset"], facts["setting"], facts["backbone"], *logger.tags]
        _start_client()
        self._run = wandb.init(
            mode="online" if mode == "online" else "offline",
            dir=record.folder,
            project=logger.project,
            group=self.group,
            job_type="trial",
            id=record.state.get("run"),
            resume="allow" if mode == "online" else None,
            name=f"{facts['backbone']}-{facts['dataset']}-seed{facts['seed']}-{record.id[:6]}",
            tags=[tag[:TAG_LENGTH] for tag in tags if tag],
            config={**relevant(self.trial.config, self.trial.task.irrelevant), "trial": facts},
            settings=quiet_settings(),
        )

    def _guarded(self, action: Callable[[], object], what: str) -> bool:
        """Does it, and says so if it fails, with whatever error; the mirror is then given up."""
        try:
            action()
        except Exception as error:
            self._say(f"Weights & Biases {what}: {first_line(error)}; the local record is whole")
            self._run = None
            with contextlib.suppress(Exception):
                import wandb

                wandb.teardown()
            return False
        return True

    def _say(self, text: str) -> None:
        self.trial.record.log(text)
        print(f"rnnbench: {text}", file=sys.stderr)


def warm_up() -> None:
    """Does what the first run of this process would wait for. Where it can not be done, that run will say so."""
    with contextlib.suppress(Exception):
        _start_client()


def _start_client() -> None:
    """Starts the client's own process, unless this process has one."""
    import wandb

    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_HTTP_TIMEOUT", "10")
    wandb.setup(wandb.Settings(silent=True))


def quiet_settings() -> Any:
    """How runs are opened: they say nothing on the terminal, and are told nothing of machine, user and code."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        save_code=False,
        host="",
        program="rnnbench",
        x_disable_machine_info=True,
        x_save_requirements=False,
        label_disable=True,
        init_timeout=INIT_TIMEOUT,
        finish_timeout=FINISH_TIMEOUT,
        x_transaction_log_flush_interval=1,
    )


def _table(samples: Sequence[Mapping[str, Any]], folder: Path) -> Any:
    import wandb

    names = sorted({name for sample in samples for name in sample["files"] if Path(name).suffix in (".png", ".wav")})
    rows: list[Any] = []
    for sample in samples:
        shown = [_medium(folder / sample["files"][name]) if name in sample["files"] else None for name in names]
        rows.append([sample["title"], sample["text"], _odds(sample["choices"]), *shown])
    return wandb.Table(columns=["given", "said", "choices", *names], data=rows)


def _medium(path: Path) -> Any:
    import wandb

    return wandb.Image(str(path)) if path.suffix == ".png" else wandb.Audio(str(path))


def _odds(choices: Mapping[str, float]) -> str:
    return ", ".join(f"{name!r} {probability:.1%}" for name, probability in choices.items())


def send_pictures(record: Record, pictures: Mapping[str, Path]) -> None:
    """Adds pictures to a finished trial's run at Weights & Biases, where it has one; else does nothing.

    Args:
        pictures: PNG files by the name that they are to have there.
    """
    if not list((record.folder / "wandb").glob("*run-*")):
        return
    try:
        import wandb

        logger = record.config["logger"]
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        run = wandb.init(
            mode="online" if logger["mode"] == "online" else "offline",
            dir=record.folder,
            project=logger["project"],
            id=record.state.get("run"),
            resume="allow" if logger["mode"] == "online" else None,
            settings=quiet_settings(),
        )
        run.log({name: wandb.Image(str(path)) for name, path in pictures.items()})
        run.finish()
    except Exception as error:  # whatever happens to the mirror harms nothing
        print(f"rnnbench: Weights & Biases can not be told: {first_line(error)}; the files are whole", file=sys.stderr)
