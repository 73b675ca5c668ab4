"""A sweep on a terminal while it runs: one bar for all, a line for each trial that is under way."""

import time
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rnnbench.cli.sweep_report import SweepReport
from rnnbench.leaderboard.sheet import number
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.planning import Point
from rnnbench.sweep.survey import Standing, standing
from rnnbench.sweep.sweep import Sweep
from rnnbench.sweep.watching import Where

STYLES = {
    Outcome.DONE: "green",
    Outcome.DIVERGED: "magenta",
    Outcome.PRUNED: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "red",
}

Shown = Sequence[tuple[Point, Standing]]  # trials under way, and how each stands


class LiveReport(SweepReport):
    """As its base, but shows what is under way; of what is over, only failures get a line of their own."""

    def __init__(self, sweep: Sweep, console: Console) -> None:
        super().__init__(sweep, console)
        self._began = time.monotonic()
        self._best: tuple[float, str] | None = None
        # No thread refreshes it: processes are forked from this one, and would inherit its locks.
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def ended(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        """As its base; and remembers the best."""
        super().ended(point, outcome, reason, where)
        found = standing(point.trial.record)
        if self._best is None or found.rank < self._best[0]:
            text = f"{found.metric} {number(found.score)}: {self.name(point)}" if found.score else ""
            self._best = (found.rank, text)

    def tell(self, point: Point, outcome: Outcome, reason: str, where: Where) -> None:
        """Only failures have a line of their own."""
        if outcome == Outcome.FAILED:
            super().tell(point, outcome, reason, where)

    def tick(self, under_way: Sequence[Point], elsewhere: Sequence[Point]) -> None:
        """Draws the picture anew."""
        self._live.update(self._picture(under_way, elsewhere), refresh=True)

    def _picture(self, under_way: Sequence[Point], elsewhere: Sequence[Point]) -> RenderableType:
        room = max(1, self.console.height - 5)
        shown = [(point, standing(point.trial.record)) for point in under_way[:room]]
        lines = [self._head(shown), self._workers(shown)]
        if len(under_way) > room:
            lines.append(Text(f"  and {len(under_way) - room} more", style="dim"))
        if elsewhere:
            lines.append(Text(f"  {len(elsewhere)} being run by other processes", style="dim"))
        if self._best and self._best[1]:
            lines.append(Text(f"best {self._best[1]}", no_wrap=True, overflow="ellipsis"))
        return Group(*lines)

    def _head(self, shown: Shown) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        counts = Text()
        for outcome, style in STYLES.items():
            count = sum(number for (other, _), number in self.ends.items() if other == outcome)
            counts.append(f"{count} {outcome}  " if count else "", style=style)
        bar = ProgressBar(total=self.sweep.source.total, completed=self.over, width=24)
        grid.add_row(bar, f"{self.over}/{self.sweep.source.total}", counts, self._time_left(shown))
        return grid

    def _workers(self, shown: Shown) -> RenderableType:
        """A line for each trial under way: its point, epoch, score and speed."""
        grid = Table.grid(padding=(0, 2))
        for point, found in shown:
            label = Text(f"  {self.name(point)}", no_wrap=True, overflow="ellipsis")
            label.truncate(self.console.width // 2)
            grid.add_row(label, *progress(found, point.config.trainer.max_epochs))
        return grid

    def _time_left(self, shown: Shown) -> str:
        """What the rest takes, if it takes as long as what was done so far, epochs of trials under way included."""
        begun = sum(part_done(found, point.config.trainer.max_epochs) for point, found in shown)
        if not self.ran + begun:
            return ""
        rest = self.sweep.source.total - self.over - begun
        left = rest * (time.monotonic() - self._began) / (self.ran + begun)
        return f"{timedelta(seconds=round(left))} left"


def part_done(found: Standing, epochs: int | None) -> float:
    """The part of its epochs that a trial has behind it."""
    return (found.epoch - 1) / epochs if found.epoch and epochs else 0.0


def progress(found: Standing, epochs: int | None) -> list[str]:
    """Epoch, score and speed in words; empty where there is none yet."""
    return [
        f"epoch {found.epoch}/{epochs}" if found.epoch and epochs else "",
        f"{found.metric} {number(found.score)}" if found.score is not None else "",
        f"{found.speed:,.0f} {found.unit}/s" if found.speed else "",
    ]
