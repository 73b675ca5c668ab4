"""A trial's record: the folder that is the truth about one trial.

``<outputs>/runs/<task>/<backbone>/<id>/`` holds config.yaml, trial.json, environment.json, status.json, metrics.jsonl,
result.json, checkpoints/, samples/, log.txt and, if asked for, wandb/.
"""

import json
import os
import secrets
import shutil
import socket
import traceback
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from rnnbench.errors import UserError, first_line
from rnnbench.storage import claim, files

RUNS = "runs"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the former is written in C, and not everywhere
CHECKPOINTS = Path("checkpoints")
BEST_CHECKPOINT = CHECKPOINTS / "best.pt"
ROW_SCORES = "test_rows.npz"


class Status(StrEnum):
    """Where a trial stands. A diverged and a pruned one have come to a result; a failed one has not.

    A skipped one was not run, since its settings do not go together. A preempted one was asked to make room by its
    machine, an interrupted one by a person.
    """

    RUNNING = "running"
    DONE = "done"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    PREEMPTED = "preempted"


FINAL = (Status.DONE, Status.DIVERGED, Status.PRUNED)


@dataclass(frozen=True)
class Record:
    """Reads, and while the trial runs writes, the files of one trial."""

    folder: Path

    @property
    def id(self) -> str:
        """The trial's id, which is the folder's name."""
        return self.folder.name

    @property
    def status(self) -> Status | None:
        """Where the trial stands; None where that can not be read."""
        value = self.state.get("status")
        return Status(value) if value in list(Status) else None

    @property
    def finished(self) -> bool:
        """Whether there is a result, so that the trial need not run again."""
        return self.status in FINAL and bool(self.result)

    @property
    def state(self) -> dict[str, Any]:
        """status.json: status, process, times, attempts, and the reason where it failed.

        `run` names the trial's run at Weights & Biases, which resumed attempts go on with.
        """
        return _mapping(files.read_json(self.folder / "status.json"))

    @property
    def facts(self) -> dict[str, Any]:
        """trial.json: names, versions, data, metric and seed of the trial."""
        return _mapping(files.read_json(self.folder / "trial.json"))

    @property
    def result(self) -> dict[str, Any]:
        """result.json: what came out; empty until then."""
        return _mapping(files.read_json(self.folder / "result.json"))

    @property
    def environment(self) -> dict[str, Any]:
        """environment.json: what it ran on."""
        return _mapping(files.read_json(self.folder / "environment.json"))

    @property
    def config(self) -> dict[str, Any]:
        """config.yaml: the resolved config."""
        try:
            return _mapping(yaml.safe_load((self.folder / "config.yaml").read_text("utf-8")))
        except (OSError, ValueError, yaml.YAMLError):
            return {}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """metrics.jsonl: the curves, a dict a line."""
        return [line for line in files.read_json_lines(self.folder / "metrics.jsonl") if isinstance(line, dict)]

    @property
    def samples(self) -> list[dict[str, Any]]:
        """samples/samples.json: what the trained network made."""
        return files.read_json(self.folder / "samples" / "samples.json") or []

    @property
    def row_scores(self) -> tuple[Any, Any] | None:
        """test_rows.npz: what each row of test adds to the primary metric, sums [R] and counts [R] (numpy)."""
        import numpy as np

        try:
            with np.load(self.folder / ROW_SCORES, allow_pickle=False) as content:
                return content["totals"], content["counts"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def begin(
        self,
        config: Mapping[str, Any],
        facts: Mapping[str, Any],
        environment: Mapping[str, Any],
        *,
        resume: bool = False,
    ) -> None:
        """Marks the trial as running; the folder is claimed by this process.

        Args:
            resume: go on with what an earlier attempt left, which is cleared else.

        Raises:
            UserError: the folder can not be written.
        """
        kept = {name: value for name, value in self.state.items() if resume and name in ("started", "run", "attempts")}
        try:
            if not resume:
                self._clear()
            config_text = yaml.dump(dict(config), Dumper=_DUMPER, sort_keys=False)
            files.write_text(self.folder / "config.yaml", config_text, durable=False)
            files.write_json(self.folder / "trial.json", dict(facts), durable=False)
            files.write_json(self.folder / "environment.json", dict(environment), durable=False)
            here = {"process": os.getpid(), "host": socket.gethostname()}
            attempt = {"started": _now(), "run": secrets.token_hex(4), **kept, "attempts": kept.get("attempts", 0) + 1}
            state = {"status": Status.RUNNING, **here, **attempt}
            files.write_json(self.folder / "status.json", state, durable=False)
        except OSError as error:
            raise UserError(
                f"outputs_dir can not be written: {error}; choose another with outputs_dir=FOLDER"
            ) from error

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Writes result.json, and waits until all that the trial has written is on disk."""
        files.write_json(self.folder / "result.json", dict(result), durable=False)
        files.sync(self.folder / CHECKPOINTS, self.folder / "samples", self.folder)

    def finish(self, status: Status) -> None:
        """Marks the trial as finished, after `write_result`: it is never done before all of it is on disk."""
        self._write_state(status, finished=_now())

    def fail(self, error: Exception) -> None:
        """Marks the trial as failed, with the reason; the traceback goes to its log."""
        self.log("".join(traceback.format_exception(error)))
        self.end(Status.FAILED, first_line(error))

    def end(self, status: Status, reason: str) -> None:
        """Marks the trial as ended without a result."""
        self._write_state(status, finished=_now(), reason=reason)

    def log(self, text: str) -> None:
        """Adds to log.txt."""
        files.append_line(self.folder / "log.txt", text.rstrip())

    def log_metrics(self, values: Mapping[str, float | int]) -> None:
        """Adds a line to metrics.jsonl."""
        files.append_json(self.folder / "metrics.jsonl", dict(values))

    def keep_metrics(self, count: int) -> list[dict[str, Any]]:
        """Cuts metrics.jsonl back to its first `count` lines, and returns them."""
        lines = self.metrics[:count]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        files.write_text(self.folder / "metrics.jsonl", content, durable=False)
        return lines

    def sync_metrics(self) -> None:
        """Waits until metrics.jsonl is on disk."""
        files.sync(self.folder / "metrics.jsonl")

    def write_row_scores(self, archive: bytes) -> None:
        """Writes test_rows.npz."""
        files.write_bytes(self.folder / ROW_SCORES, archive, durable=False)

    def write_samples(self, samples: Iterable[Mapping[str, Any]]) -> None:
        """Writes samples/samples.json, and beside it the files of each, whose names it gives instead of contents.

        Raises:
            ValueError: a file's name is a path.
        """
        folder, listed = self.folder / "samples", []
        for number, sample in enumerate(samples, 1):
            written = {}
            for name, content in sample.get("files", {}).items():
                if Path(name).name != name:
                    raise ValueError(f"a sample's file is called '{name}'; give a plain name, such as 'picture.png'")
                written[name] = f"{number}-{name}"
                files.write_bytes(folder / written[name], content, durable=False)
            listed.append({**sample, "files": written})
        files.write_json(folder / "samples.json", listed, durable=False)

    def _write_state(self, status: Status, **facts: Any) -> None:
        files.write_json(self.folder / "status.json", {**self.state, "status": status, **facts})

    def _clear(self) -> None:
        for path in self.folder.glob("[!.]*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif not path.match(claim.PATTERN):
                path.unlink(missing_ok=True)


def folder_of(outputs_dir: Path, task: str, backbone: str, trial: str) -> Path:
    """Where a trial's record lies."""
    return outputs_dir / RUNS / task / backbone / trial


def all_records(outputs_dir: Path) -> list[Record]:
    """All records under an outputs folder, in the order of their ids, which is no order of merit or time."""
    found = (outputs_dir / RUNS).glob("*/*/*/status.json")
    return sorted((Record(path.parent) for path in found), key=lambda record: record.id)


def find_record(outputs_dir: Path, wanted: str) -> Record:
    """The record meant by an id, by the beginning of one, or by a folder.

    Raises:
        UserError: none or several are meant.
    """
    if (Path(wanted) / "status.json").is_file():
        return Record(Path(wanted).resolve())
    records = all_records(outputs_dir)
    matches = [record for record in records if record.id.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(f"'{wanted}' begins several runs: {', '.join(record.id for record in matches[:8])}")
    advice = "`rnnbench list runs` shows them" if records else "there are none yet; `rnnbench` runs one"
    raise UserError(f"no run '{wanted}' in {outputs_dir}; {advice}")


def _mapping(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
