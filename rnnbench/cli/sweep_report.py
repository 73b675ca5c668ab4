"""What is said of a sweep while it runs, a line a trial, and at its end."""

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console

from rnnbench.leaderboard.sheet import number
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.ledger import as_on_disk
from rnnbench.sweep.planning import Point
from rnnbench.sweep.survey import Standing, labels, standing, survey
from rnnbench.sweep.sweep import Sweep
from rnnbench.sweep.watching import Where

BEST = 3  # trials that the summary names
FAILURES = 10


class SweepReport:
    """A line for each trial as it is over, and a summary at the end. What was there before is only counted."""

    def __init__(self, sweep: Sweep, console: Console) -> None:
        self.sweep, self.console = sweep, console
        self.ends: Counter[tuple[Outcome, Where]] = Counter()
        self.failures: list[tuple[Point, str]] = []
        self.skipped = Counter[str]()
        self.console.print(f"sweep [bold]{sweep.name}[/bold]: {sweep.source.total} trials")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    @property
    def over(self) -> int:
        """How many trials are over, or can not be."""
        return self.ends.total() + len(self.sweep.source.refused)

    @property
    def ran(self) -> int:
        """How many trials came to their end here and now."""
        return sum(number for (_, where), number in self.ends.items() if where == Where.HERE)

    def name(self, point: Point) -> str:
        """What tells a point from the others: what is not said once for all of them in the command."""
        return " ".join(word for word in point.overrides if word not in self.sweep.ledger.command) or "defaults"

    def ended(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        """Told of each trial when it is over."""
        self.ends[outcome, where] += 1
        if outcome == Outcome.FAILED:
            self.failures.append((point, reason))
        if outcome == Outcome.SKIPPED:
            self.skipped[reason] += 1
        if where != Where.BEFORE:
            self.tell(point, outcome, reason, where)

    def tick(self, under_way: Sequence[Point], elsewhere: Sequence[Point]) -> None:
        """Told of what is under way, now and then; lines say only what is over."""

    def tell(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        """Prints the line of a trial."""
        line = f"[{self.over}/{self.sweep.source.total}] {self.name(point)}: {outcome}"
        found = standing(point.trial.record)
        if found.test is not None:
            line += f", test {found.metric} {number(found.test)}"
        if point.trial.match is not None:
            line += f", hidden_size {point.trial.match.hidden_size} by {point.trial.match}"
        line += f", {where}" if where == Where.ELSEWHERE else ""
        line += f": {reason}" if reason else ""
        self.console.print(line, markup=False)

    def summary(self) -> None:
        """How many of what, the best trials, what was skipped, and the failures once more with their logs."""
        if {where for _, where in self.ends} == {Where.BEFORE} and not (self.failures or self.skipped):
            self.console.print(f"all {self.over} trials were already there; nothing was run and no file changed")
            return
        said = [f"{count} {outcome}" for outcome in Outcome if (count := self.ends[outcome, Where.HERE])]
        for where in (Where.BEFORE, Where.ELSEWHERE):
            count = sum(number for (_, other), number in self.ends.items() if other == where)
            said += [f"{count} {where}"] if count else []
        self.console.print(f"sweep [bold]{self.sweep.name}[/bold]: {', '.join(said)}")
        self._print_best()
        for reason, count in (self.skipped + Counter(self.sweep.source.refused.values())).most_common(FAILURES):
            self.console.print(f"skipped {count}: {reason}", markup=False)
        for point, reason in self.failures[:FAILURES]:
            where_to_look = point.trial.record.folder / "log.txt"
            self.console.print(f"failed: {' '.join(point.overrides)}: {reason} ({where_to_look})", markup=False)
        if self.failures:
            more = len(self.failures) - FAILURES
            rest = f"and {more} more; " if more > 0 else ""
            self.console.print(f"{rest}`rnnbench retry {self.sweep.name}` runs what failed again", markup=False)

    def _print_best(self) -> None:
        found = [pair for pair in survey(as_on_disk(self.sweep.ledger)) if pair[1].rank < float("inf")]
        named = zip(labels([entry.overrides for entry, _ in found]), found, strict=True)
        for name, (_, best) in sorted(named, key=lambda pair: (pair[1][1].rank, pair[0]))[:BEST]:
            self.console.print(f"best: {name}: {scores(best)}", markup=False)


def scores(found: Standing) -> str:
    """The scores of a trial in words."""
    both = {"validation": found.score, "test": found.test}
    said = ", ".join(f"{split} {number(value)}" for split, value in both.items() if value is not None)
    return f"{found.metric} {said}"
