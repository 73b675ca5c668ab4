"""A sweep, first form: its trials one after the other. A finished trial is not run again; a failing one stops nobody.

The trials of a sweep are named by their content, so that the same trial is shared by all sweeps that ask for it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rnnbench.compose import compose, resolve
from rnnbench.errors import UserError, first_line
from rnnbench.storage.record import BusyError, Record, Status
from rnnbench.sweep.points import points
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial


class Outcome(StrEnum):
    """What became of a point of the sweep."""

    DONE = "done"
    DIVERGED = "diverged"
    FAILED = "failed"
    THERE = "already there"
    BUSY = "being run by another process"


@dataclass(frozen=True)
class Point:
    """One trial of a sweep: what the person typed for it, and the trial it makes."""

    overrides: tuple[str, ...]
    trial: Trial


@dataclass(frozen=True)
class Sweep:
    """A name, and the trials in the order they run."""

    name: str
    points: tuple[Point, ...]


def plan(overrides: Sequence[str], config_dir: str | None = None) -> Sweep:
    """Composes every point, so that wrong input is found before anything runs. Points that make the same trial are one.

    Raises:
        UserError: a point can not be composed or its data is missing; names the point.
    """
    preparation = Preparation()
    found: dict[str, Point] = {}
    name = None
    for point in points(overrides, config_dir):
        try:
            config = resolve(compose(point, config_dir))
            trial = preparation.prepare(config)
        except UserError as error:
            raise UserError(f"{error} (in the trial {' '.join(point) or 'of defaults'})") from error
        name = config.sweep.name
        found.setdefault(trial.facts["id"], Point(tuple(point), trial))
    return Sweep(name or _content_name(found), tuple(found.values()))


def run(sweep: Sweep, report: Callable[[int, Point, Outcome, str], None]) -> list[Outcome]:
    """Runs what is not finished.

    Args:
        report: told of each trial when it is over: its place, the point, what became of it, and why if nothing did.

    Raises:
        Stopped: a signal ended the sweep; the trials behind it are kept.
    """
    outcomes = []
    for place, point in enumerate(sweep.points, 1):
        outcome, reason = _run_point(point, sweep.name)
        report(place, point, outcome, reason)
        outcomes.append(outcome)
    return outcomes


def _run_point(point: Point, group: str) -> tuple[Outcome, str]:
    record: Record = point.trial.record
    if record.finished:
        return Outcome.THERE, ""
    try:
        run_trial(point.trial, group)
    except BusyError as busy:
        return Outcome.BUSY, str(busy)
    except UserError as error:
        # Found before the trial began to write: the record of it is made here.
        point.trial.begin()
        record.end(Status.FAILED, str(error))
        return Outcome.FAILED, str(error)
    # Whatever goes wrong inside a trial is that trial's: its record has the reason and the traceback.
    except Exception as error:
        return Outcome.FAILED, first_line(error)
    return (Outcome.DIVERGED if record.status == Status.DIVERGED else Outcome.DONE), ""


def _content_name(points_by_id: dict[str, Point]) -> str:
    digest = hashlib.sha256(" ".join(sorted(points_by_id)).encode()).hexdigest()
    return f"sweep-{digest[:8]}"
