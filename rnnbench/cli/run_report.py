"""What is said on the terminal when a trial is over."""

from rich.console import Console

from rnnbench.leaderboard.sheet import number
from rnnbench.matching import Match
from rnnbench.storage.record import Record, Status

NOTABLE = ("skipped", "resampled")  # facts that count what was done to the data


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
    counts = {name: count for name, count in result.get("facts", {}).items() if name.endswith(NOTABLE) and count}
    if counts:
        console.print("of the data: " + ", ".join(f"{name.replace('_', ' ')} {counts[name]}" for name in counts))
    if match is not None:
        console.print(f"hidden_size {match.hidden_size} by {match}")
    console.print(f"run {record.id} in {record.folder}")


def _reason(record: Record) -> str:
    log = record.folder / "log.txt"
    return log.read_text("utf-8").strip().splitlines()[-1] if log.is_file() else ""
