"""A search: which trial is to run next, by what the finished ones came to. The sweep asks, Optuna answers.

There is no database. Candidate n of a search is the small file ``search/n.json`` of the sweep's folder, made by
exclusive creation: what it is, and which results were known when it was chosen. The results themselves stand in the
records. Read in order, the files rebuild Optuna's study exactly, so that a search that is typed again goes on as if it
had never stopped, and several machines that run the same one share it.

Seeds are an axis of their own and are not searched. Candidates run with the first seed; once all are over, the best of
them (with several objectives, all that no other beats) runs with the others, and is not pruned.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.storage import files
from rnnbench.storage.record import Record, Status
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.planning import Point
from rnnbench.sweep.points import Axis, Interval, Space
from rnnbench.sweep.study import Choice, Result, Study, best, name_of, objectives, overrides_of


@dataclass(frozen=True)
class Candidate:
    """A point that was chosen.

    Attributes:
        choice: its place on each axis that is searched.
        overrides: what a person would type for it.
        heard: numbers of the candidates whose results were known when this one was chosen and not before, in order.
    """

    number: int
    choice: Choice
    overrides: list[str]
    heard: list[int]


class Search:
    """The points of a search, one at a time.

    Args:
        space: what varies; its `search` says how it is searched.
        folder: of the sweep.
        point: makes the point of some overrides.

    Attributes:
        total: how many trials there are to be; with several winners more, once they are known.
        refused: candidates that make no trial, and why, by what would be typed for them. They count as failed.

    Raises:
        UserError: there is nothing to search, an override is wrong, or Optuna or the sampler can not do it; or the
            folder is another search's.
    """

    def __init__(self, space: Space, folder: Path, point: Callable[[Sequence[str]], Point]) -> None:
        self._space, self._folder, self._point = space, folder / "search", point
        self._axes, self._seeds = searched(space), _seeds(space)
        first = point(space.corner())
        self.objectives = objectives(space.search, first.trial.facts)
        self._directions = [objective.direction for objective in self.objectives]
        self._study: Study | None = Study(self._axes, space.search, self._directions)
        self._most = _most(space.search.trials or 0, self._axes, space.search.sampler)
        self.total = self._most + len(self._seeds) - 1
        self.refused: dict[str, str] = {}
        self._candidates: list[Candidate] = []
        self._points: list[Point | None] = []
        self._results: dict[int, Result] = {}
        self._told: set[int] = set()
        self._ended: set[str] = set()
        self._handed: set[str] = set()
        self._winners: list[Point] | None = None
        self._refuse_other(identity(space, first))

    def next(self) -> Point | None:
        """The next trial to see to, finished or not, each once; None where it depends on those under way.

        Raises:
            UserError: a file of the search is torn or foreign.
        """
        self._read()
        while True:
            for point in (*self._points, *(self._winners or ())):
                if point is not None and point.id not in self._handed:
                    self._handed.add(point.id)
                    return point
            self._learn()
            if len(self._candidates) < self._most:
                self._choose()
            elif self._winners is None and len(self._results) == len(self._candidates):
                self._winners = self._crown()
                self.total = self._most + len(self._winners)
            else:
                return None

    def told(self, point: Point, outcome: Outcome) -> None:  # noqa: ARG002 - the record says more
        """A point that `next` gave is over, whoever ran it."""
        self._ended.add(point.id)

    def _refuse_other(self, own: str) -> None:
        path, content = self._folder / "space.json", {"space": own}
        there = path.exists() or not files.create(path, json.dumps(content) + "\n")
        if there and files.read_json(path) != content:
            name = self._folder.parent.name
            raise UserError(f"sweep {name} is another search, of other axes or settings; give another sweep.name")

    def _choose(self) -> None:
        """Adds a candidate, or reads the one that another process has added meanwhile."""
        if self._study is None or self._study.asked != len(self._candidates):
            self._study = self._rebuilt()
        study = self._study
        heard = sorted(self._results.keys() - self._told)
        self._tell(study, heard)
        choice = study.ask()
        candidate = Candidate(len(self._candidates), choice, self._overrides(choice), heard)
        text = json.dumps(asdict(candidate), indent=2) + "\n"
        if not files.create(self._path(candidate.number), text):
            self._study = None
        self._read()

    def _rebuilt(self) -> Study:
        study = Study(self._axes, self._space.search, self._directions)
        self._told = set()
        for candidate in self._candidates:
            self._tell(study, candidate.heard)
            study.ask(candidate.choice)
        return study

    def _tell(self, study: Study, numbers: Sequence[int]) -> None:
        for number in numbers:
            if number in self._results and number not in self._told:
                study.tell(number, self._results[number])
                self._told.add(number)

    def _read(self) -> None:
        """Takes in the candidates that are there and not known yet."""
        while (path := self._path(len(self._candidates))).exists() and len(self._candidates) < self._most:
            candidate = self._candidate(path)
            self._candidates.append(candidate)
            try:
                self._points.append(self._point(candidate.overrides))
            except UserError as error:
                self._points.append(None)
                self.refused[" ".join(candidate.overrides)] = str(error)

    def _candidate(self, path: Path) -> Candidate:
        number, content = len(self._candidates), files.read_json(path)
        try:
            candidate = Candidate(**content)  # pyright: ignore[reportCallIssue] - whatever the file holds
            known = candidate.choice.keys() == {name_of(axis) for axis in self._axes}
            if known and candidate.number == number and set(candidate.heard) <= {*range(number)}:
                return candidate
        except (AttributeError, TypeError):
            pass
        raise UserError(f"{path} is torn or of another search; remove it and type the same again")

    def _learn(self) -> None:
        """Looks up the results that are there and not known yet."""
        for number, point in enumerate(self._points):
            if number not in self._results:
                result = Result() if point is None else self._result(point.trial.record)
                if result is not None:
                    self._results[number] = result

    def _result(self, record: Record) -> Result | None:
        """A trial's result; None while there may yet be one."""
        if record.status == Status.PRUNED:
            name = self.objectives[0].name
            return Result(curve={line["epoch"]: line[name] for line in record.metrics if name in line}, pruned=True)
        if record.finished:
            done = record.status == Status.DONE
            return Result(tuple(aim.value(record.result) if done else aim.worst for aim in self.objectives))
        return Result() if record.id in self._ended else None

    def _crown(self) -> list[Point]:
        """What is to run of the winners: the seeds that they have not seen."""
        winners = [self._candidates[number].choice for number in best(self._results, self._directions)]
        unpruned = [] if self._space.search.pruner == "none" else ["search.pruner=none"]
        return [
            self._point([*self._overrides(choice, seed), *unpruned]) for choice in winners for seed in self._seeds[1:]
        ]

    def _overrides(self, choice: Choice, seed: tuple[str, ...] | None = None) -> list[str]:
        return _overrides(self._space, choice, seed or self._seeds[0])

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04}.json"


def identity(space: Space, first: Point) -> str:
    """Eight digits that differ where searches do. More trials or more seeds for the winner make no other search.

    Args:
        first: the point of `Space.corner`, whose id stands for all that does not vary.
    """
    how = {name: value for name, value in asdict(space.search).items() if name != "trials"}
    what = [first.id, [asdict(axis) for axis in searched(space)], how]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]


def searched(space: Space) -> list[Axis | Interval]:
    """The axes that a search chooses on, in the order of their names: typed in another, it is the same search.

    Raises:
        UserError: there are none, or they choose what a score is of.
    """
    axes = [axis for axis in space.axes if isinstance(axis, Interval) or len(axis.values) > 1]
    for name in (name for axis in axes for name in axis.keys):
        if name == "task" or name.startswith("task."):
            raise UserError(f"'{name}' can not be searched: scores of different tasks or data do not compare")
    found = sorted((axis for axis in axes if axis.keys != ("seed",)), key=name_of)
    for axis in axes:
        if isinstance(axis, Interval) and axis.keys == ("seed",):
            raise UserError("seeds are not searched; list those that the winner is to run with, such as seed=0,1,2")
    if not found:
        raise UserError(
            f"search.trials={space.search.trials} has nothing to choose from; "
            "type an interval or values, such as 'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))'"
        )
    return found


def _seeds(space: Space) -> Sequence[tuple[str, ...]]:
    return next((axis.values for axis in space.axes if isinstance(axis, Axis) and axis.keys == ("seed",)), ((),))


def _overrides(space: Space, choice: Choice, seed: tuple[str, ...]) -> list[str]:
    given: list[str] = []
    for axis in space.axes:
        name = name_of(axis)
        if name in choice:
            given += overrides_of(axis, choice[name])
        elif isinstance(axis, Axis):
            given += seed if axis.keys == ("seed",) else axis.values[0]
    return given


def _most(trials: int, axes: Sequence[Axis | Interval], sampler: str) -> int:
    """A grid ends when all its points are chosen."""
    if sampler != "grid":
        return trials
    sizes = [axis.high - axis.low + 1 if isinstance(axis, Interval) else len(axis.values) for axis in axes]
    return min(trials, int(math.prod(sizes)))
