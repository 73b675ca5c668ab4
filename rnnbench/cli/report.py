"""What is said on the terminal when a trial or a sweep is over."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from rnnbench.leaderboard.text import number
from rnnbench.matching import Match
from rnnbench.storage.record import Record, Status
from rnnbench.sweep.sweep import Outcome, Point, Sweep


def print_result(record: Record, already_there: bool, match: Match | None = None) -> None:
    """The test score of one trial, what it cost, how a budget chose its width, and where its record lies."""
    console = Console(highlight=False, soft_wrap=True)
    facts, result = record.facts, record.result
    what = f"{facts['task']} ({facts['dataset']}, {facts['setting']})"
    name = f"[bold]{facts['backbone']}[/bold] on {what}, seed {facts['seed']}"
    if already_there:
        console.print(f"{name}: already run, nothing to do")
    if record.status == Status.DIVERGED:
        console.print(f"{name}: [red]diverged[/red] after {result['epochs']} epochs; {_reason(record)}")
    else:
        metric = facts["metric"]
        console.print(
            f"{name}: test {metric} [bold]{number(result['test'][metric])}[/bold] "
            f"(validation {number(result['validation'][metric])} in epoch {result['best_epoch']} of {result['epochs']})"
        )
    speed = result[f"{facts['unit']}_per_second"]
    console.print(
        f"{result['parameters']:,} parameters, {speed:,.0f} {facts['unit']}/s, {result['wall_seconds']:.0f} s, "
        f"peak memory {result['peak_memory_bytes'] / 2**20:,.0f} MiB"
    )
    if match is not None:
        console.print(f"hidden_size {match.hidden_size} by {match}")
    console.print(f"run {record.id} in {record.folder}")


class SweepReport:
    """A line for each trial as it is over, and a summary at the end."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.console = Console(highlight=False, soft_wrap=True)
        self.failures: list[tuple[Point, str]] = []
        self.console.print(f"sweep [bold]{sweep.name}[/bold]: {len(sweep.points)} trials")

    def __call__(self, place: int, point: Point, outcome: Outcome, reason: str) -> None:
        """Told of each trial when it is over."""
        line = f"[{place}/{len(self.sweep.points)}] {' '.join(point.overrides) or 'defaults'}: {outcome}"
        record = point.trial.record
        if outcome in (Outcome.DONE, Outcome.THERE) and record.status == Status.DONE:
            metric = record.facts["metric"]
            line += f", test {metric} {number(record.result['test'][metric])}"
        if outcome == Outcome.FAILED:
            self.failures.append((point, reason))
        if point.trial.match is not None:
            line += f", hidden_size {point.trial.match.hidden_size} by {point.trial.match}"
        if reason:
            line += f": {reason}"
        self.console.print(line, markup=False)

    def close(self, outcomes: Sequence[Outcome]) -> None:
        """The summary: how many of what, and the failures once more with their logs."""
        counts = Counter(outcomes)
        if set(outcomes) == {Outcome.THERE}:
            self.console.print(f"all {len(outcomes)} trials were already there; nothing was run and no file changed")
            return
        said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        self.console.print(f"sweep [bold]{self.sweep.name}[/bold]: {said}")
        for point, reason in self.failures:
            self.console.print(
                f"failed: {' '.join(point.overrides)}: {reason} ({point.trial.record.folder})", markup=False
            )


def _reason(record: Record) -> str:
    log = record.folder / "log.txt"
    return log.read_text("utf-8").strip().splitlines()[-1] if log.is_file() else ""
