"""One sweep, trial by trial, best first. On a terminal the table lives while trials run."""

import argparse
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from rnnbench import settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rnnbench.sweep.ledger import Entry, Ledger
    from rnnbench.sweep.survey import Standing

REFRESH = 1.0  # seconds
STYLES = {"running": "yellow", "done": "green", "diverged": "magenta", "failed": "red", "pruned": "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="as `rnnbench sweeps` shows it")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench.screen import screen
    from rnnbench.sweep.ledger import read
    from rnnbench.sweep.survey import survey

    ledger = read(settings.outputs_dir(arguments.outputs_dir), arguments.name)
    found = survey(ledger)
    console = screen()
    if arguments.json:
        rows = [{"id": entry.id, "overrides": entry.overrides, **asdict(standing)} for entry, standing in found]
        print(json.dumps(rows, indent=2))
    elif console.is_terminal and _runs(found):
        _live(ledger, console)
    else:
        console.print(_table(ledger, found, console))
    return 0


def _runs(found: "list[tuple[Entry, Standing]]") -> bool:
    return any(standing.status == "running" for _, standing in found)


def _live(ledger: "Ledger", console: "Console") -> None:
    from rich.live import Live

    from rnnbench.sweep.survey import survey

    with Live(console=console, auto_refresh=False) as live:
        found = survey(ledger)
        while _runs(found):
            live.update(_table(ledger, found, console, console.height - 6), refresh=True)
            time.sleep(REFRESH)
            found = survey(ledger)
        live.update(_table(ledger, found, console), refresh=True)


def _table(
    ledger: "Ledger", found: "list[tuple[Entry, Standing]]", console: "Console", rows: int | None = None
) -> "Table":
    """The trials, best first; of too many the middle is left out, never those that run."""
    from rich.table import Table

    from rnnbench.cli.sweep_live import progress
    from rnnbench.leaderboard.sheet import number
    from rnnbench.screen import fit
    from rnnbench.sweep.survey import counts, labels

    names = dict(zip((entry.id for entry, _ in found), labels([entry.overrides for entry, _ in found]), strict=True))
    said = ", ".join(f"{count} {status}" for status, count in counts([s for _, s in found]).items())
    table = Table(title=f"[bold]sweep {ledger.name}[/bold]: {said}", title_justify="left")
    for column in ("trial", "status", "epoch", "validation", "test", "speed"):
        words = column in ("trial", "status")
        table.add_column(column, justify="left" if words else "right", no_wrap=not words)
    ordered = sorted(found, key=lambda pair: (pair[1].status != "running", pair[1].rank, names[pair[0].id]))
    for entry, standing in ordered[:rows]:
        style = STYLES.get(standing.status, "dim")
        status = f"[{style}]{standing.status}[/{style}]" + (f": {standing.reason}" if standing.reason else "")
        epoch = str(standing.epoch) if standing.epoch else ""
        _, score, speed = progress(standing, None)
        test = number(standing.test) if standing.test is not None else ""
        table.add_row(names[entry.id], status, epoch, score, test, speed)
    more = [f"and {len(ordered) - rows} more"] if rows is not None and len(ordered) > rows else []
    table.caption = "; ".join([*more, *fit(table, console, optional=1)])
    return table
