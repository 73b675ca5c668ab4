"""A sweep: its trials run where the executor runs them. A finished one is not run again; a failing one stops nobody.

The trials of a sweep are named by their content, so that the same trial is shared by all sweeps that ask for it, and by
all processes and machines that run them at the same time.
"""

import hashlib
import signal
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from rnnbench import settings
from rnnbench.errors import Stopped, UserError
from rnnbench.storage.claim import BusyError, claimed, holder
from rnnbench.storage.record import Status
from rnnbench.sweep import ledger as ledgers
from rnnbench.sweep.executors import executor_for
from rnnbench.sweep.executors.base import Ended, Executor, Job, Outcome
from rnnbench.sweep.ledger import Ledger
from rnnbench.sweep.planning import Planner, Point
from rnnbench.sweep.points import Space, space
from rnnbench.sweep.search import Search, identity
from rnnbench.sweep.source import Listed, Source

ATTEMPTS = 5  # at a trial whose worker dies, before it is held to be the trial's own doing
TICK = 0.5  # seconds between looks at what others do
GRACE = 60.0  # seconds that trials may take to stop cleanly


@dataclass(frozen=True)
class Sweep:
    """What is to be run.

    Attributes:
        first: the first point, whose config says how the sweep is run.
        again: trials that failed before and are to be tried again, by id with the time they failed at.
    """

    ledger: Ledger
    source: Source
    planner: Planner
    first: Point
    again: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.ledger.name


class Where(StrEnum):
    """Who brought a trial to its end."""

    HERE = "here"
    BEFORE = "already there"
    ELSEWHERE = "by another process"


class Watcher(Protocol):
    """Is told what happens in a sweep while it runs."""

    def ended(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        """A trial is over."""
        ...

    def tick(self, under_way: Sequence[Point], elsewhere: Sequence[Point]) -> None:
        """Some time has passed."""
        ...


def plan(
    overrides: Sequence[str], config_dir: str | None = None, known: Ledger | None = None, agreed: bool = True
) -> Sweep:
    """Composes every point, so that wrong input is found before anything runs. Points that make the same trial are one.

    Args:
        known: the ledger of the sweep that this was when it was typed before.
        agreed: the person has said yes to however many points there are.

    Raises:
        UserError: a point can not be composed or its data is missing, which names the point; or the sweep's name is
            that of another; or it is not the known sweep any more; or there are very many points.
    """
    planner = Planner(config_dir)
    axes = space(overrides, config_dir)
    if axes.search.trials is not None:
        return _planned_search(axes, planner, Ledger(Path(), "", tuple(overrides), config_dir), known)
    if not agreed:
        axes.refuse_many()
    found = list({point.id: point for point in map(planner.point, axes.points())}.values())
    first = found[0]
    name = first.config.sweep.name or _content_name(point.id for point in found)
    if known and (known.name, {entry.id for entry in known.points}) != (name, {point.id for point in found}):
        raise UserError(
            f"sweep {known.name} makes other trials now: plugins, data or configs have changed; type it anew"
        )
    ledger = Ledger(_outputs_dir(first), name, tuple(overrides), config_dir)
    return Sweep(_enter(ledger, found), Listed(found), planner, first)


def _planned_search(axes: Space, planner: Planner, typed: Ledger, known: Ledger | None) -> Sweep:
    first = planner.point(axes.corner())
    name = first.config.sweep.name or f"search-{identity(axes, first)}"
    if known and known.name != name:
        raise UserError(f"search {known.name} is another now: plugins, data or configs have changed; type it anew")
    ledger = replace(typed, outputs_dir=_outputs_dir(first), name=name)
    before = ledgers.read(ledger.outputs_dir, name) if ledger.path.exists() else ledger
    if before.points and not (ledger.folder / "search").exists():
        raise UserError(f"sweep {name} is no search; give another sweep.name (it was: {before.typed})")
    source = Search(axes, ledger.folder, planner.point)
    return Sweep(replace(before, command=typed.command), source, planner, first)


def run(sweep: Sweep, watcher: Watcher) -> Counter[Outcome]:
    """Runs what is not finished, and returns how many trials came to which end.

    Raises:
        Stopped: a signal or `rnnbench stop` ended the sweep; the trials behind it are kept.
        UserError: trials can not be written any more, or the executor can not be used.
    """
    loop = _Loop(sweep, watcher)
    try:
        loop.run()
    except (Stopped, UserError) as ended:
        loop.stop(ended.signal_number if isinstance(ended, Stopped) else signal.SIGTERM)
        raise
    finally:
        loop.close()
    return loop.outcomes


class _Loop:
    """Hands points to the executor while there are free slots, and takes back what became of them."""

    def __init__(self, sweep: Sweep, watcher: Watcher) -> None:
        self.sweep, self.watcher = sweep, watcher
        self.outcomes: Counter[Outcome] = Counter()
        self._executor: Executor | None = None
        self._under_way: dict[str, Point] = {}
        self._elsewhere: dict[str, Point] = {}
        self._again: deque[Point] = deque()
        self._attempts: Counter[str] = Counter()
        self._entered = {entry.id for entry in sweep.ledger.points}
        self._stop_sign = sweep.ledger.stop_sign

    def run(self) -> None:
        while True:
            self._hand_over()
            if not self._under_way and not self._elsewhere:
                return
            for ended in self._wait(TICK):
                self._take_back(ended)
            self._look_elsewhere()
            self.watcher.tick(list(self._under_way.values()), list(self._elsewhere.values()))
            if self.sweep.ledger.stop_sign != self._stop_sign:
                raise Stopped(signal.SIGINT)

    def stop(self, signal_number: int) -> None:
        """Lets the trials under way end cleanly."""
        if self._executor is None:
            return
        self._executor.stop(signal_number)
        end = time.monotonic() + GRACE
        while self._under_way and time.monotonic() < end:
            for ended in self._executor.wait(TICK):
                self._under_way.pop(ended.id, None)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()

    def _wait(self, seconds: float) -> list[Ended]:
        if self._executor is not None:
            return self._executor.wait(seconds)
        time.sleep(seconds)  # all that is left is run by others
        return []

    def _hand_over(self) -> None:
        while self._executor is None or len(self._under_way) < self._executor.slots:
            point = self._again.popleft() if self._again else self._new()
            if point is None:
                return
            if self._is_over(point):
                self._over(point, _outcome(point), Where.BEFORE)
            elif holder(point.trial.record.folder):
                self._elsewhere[point.id] = point
            else:
                self._submit(point)

    def _new(self) -> Point | None:
        point = self.sweep.source.next()
        if point is not None and point.id not in self._entered:
            self._entered.add(point.id)
            _enter(self.sweep.ledger, [point], whole=False)
        return point

    def _is_over(self, point: Point) -> bool:
        record = point.trial.record
        if record.status == Status.PRUNED and point.config.search.pruner == "none":
            return False  # another sweep had enough of it
        failed = record.status == Status.FAILED and record.state.get("finished") != self.sweep.again.get(point.id)
        return failed or record.finished

    def _submit(self, point: Point) -> None:
        if self._executor is None:
            self._executor = executor_for(
                self.sweep.first.config, self.sweep.source.total, self.sweep.planner.preparation
            )
        self._under_way[point.id] = point
        config = asdict(point.config)
        config["trainer"]["progress"] = False
        self._executor.submit(Job(point.id, str(point.trial.record.folder), self.sweep.name, config))

    def _take_back(self, ended: Ended) -> None:
        point = self._under_way.pop(ended.id)
        match ended.outcome:
            case Outcome.BUSY:
                self._elsewhere[point.id] = point
            case Outcome.STOPPED:
                self._again.append(point)
            case Outcome.LOST:
                self._lost(point, ended.reason)
            case Outcome.NO_SPACE:
                raise UserError(f"{ended.reason}; make room and type the same again: what is finished is kept")
            case Outcome.FAILED:
                self._failed(point, ended.reason)
            case outcome:
                self._over(point, outcome, Where.HERE)

    def _lost(self, point: Point, reason: str) -> None:
        """A worker died: it may have finished the trial before; else the trial is tried again, but not for ever."""
        self._attempts[point.id] += 1
        if self._is_over(point):
            self._over(point, _outcome(point), Where.HERE)
        elif self._attempts[point.id] < ATTEMPTS:
            self._again.append(point)
        else:
            self._failed(point, f"{reason}, {ATTEMPTS} times")

    def _failed(self, point: Point, reason: str) -> None:
        """Sees to it that the record says so, which a killed process could not write."""
        record = point.trial.record
        if not (record.status == Status.FAILED and self._is_over(point)):
            try:
                with claimed(record.folder):
                    if not record.facts:
                        point.trial.begin()
                    record.end(Status.FAILED, reason)
            except BusyError:
                self._elsewhere[point.id] = point
                return
            except OSError as error:
                raise UserError(f"{record.folder} can not be written: {error.strerror}; nothing is lost") from error
        self._over(point, Outcome.FAILED, Where.HERE)

    def _look_elsewhere(self) -> None:
        for point in list(self._elsewhere.values()):
            if holder(point.trial.record.folder):
                continue
            del self._elsewhere[point.id]
            if self._is_over(point):
                self._over(point, _outcome(point), Where.ELSEWHERE)
            else:
                self._again.append(point)

    def _over(self, point: Point, outcome: Outcome, where: Where) -> None:
        self.outcomes[outcome] += 1
        self.sweep.source.told(point, outcome)
        reason = str(point.trial.record.state.get("reason", "")) if outcome == Outcome.FAILED else ""
        self.watcher.ended(point, outcome, reason, where)


def _outcome(point: Point) -> Outcome:
    """How a trial that is over ended, by its record."""
    return Outcome(str(point.trial.record.status))


def _enter(ledger: Ledger, found: Sequence[Point], whole: bool = True) -> Ledger:
    entries = [ledgers.entry_of(point.trial.record, ledger.outputs_dir, point.overrides) for point in found]
    return ledgers.extend(ledger, entries, whole)


def _outputs_dir(first: Point) -> Path:
    return settings.outputs_dir(first.config.outputs_dir)


def _content_name(parts: Iterable[str]) -> str:
    return f"sweep-{hashlib.sha256(' '.join(sorted(parts)).encode()).hexdigest()[:8]}"
