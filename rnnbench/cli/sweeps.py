"""All sweeps: how many of their trials stand how, and the time left of those that run."""

import argparse
import json
import sys
from datetime import timedelta

from rnnbench import settings
from rnnbench.errors import UserError

COLUMNS = ("queued", "running", "done", "diverged", "failed", "pruned", "skipped")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench.sweep.ledger import names

    folder = settings.outputs_dir(arguments.outputs_dir)
    rows, problems = [], []
    for name in names(folder):
        try:
            rows.append(_row(folder, name))
        except UserError as error:
            problems.append(str(error))
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)
    for problem in problems:
        print(f"rnnbench: {problem}", file=sys.stderr)
    return 2 if problems else 0


def _row(folder, name: str) -> dict[str, object]:
    from rnnbench.sweep.ledger import read
    from rnnbench.sweep.survey import counts, seconds_left, survey

    ledger = read(folder, name)
    standings = [standing for _, standing in survey(ledger)]
    number = counts(standings)
    shown = {status: number[status] for status in COLUMNS}
    shown["queued"] += sum(count for status, count in number.items() if status not in COLUMNS)
    left = seconds_left(standings)
    return {"sweep": name, "trials": len(standings), **shown, "seconds_left": left, "began": ledger.began}


def _print(rows: list[dict[str, object]]) -> None:
    from rich.table import Table

    from rnnbench.screen import fit, screen

    if not rows:
        print("no sweeps yet; `rnnbench -m backbone=elman,lstm,gru seed=0,1,2` runs one", file=sys.stderr)
        return
    table = Table("sweep", title="[bold]sweeps", title_justify="left")
    statuses = [status for status in COLUMNS if any(row[status] for row in rows)]
    for column in ("trials", *statuses, "left"):
        table.add_column(column, justify="right")
    table.add_column("began")
    for row in rows:
        left = row["seconds_left"]
        time_left = str(timedelta(seconds=round(left))) if isinstance(left, float) and left else "–"
        cells = [str(row[column]) if row[column] else "–" for column in ("trials", *statuses)]
        table.add_row(str(row["sweep"]), *cells, time_left, str(row["began"])[:16].replace("T", " "))
    console = screen()
    fit(table, console)
    console.print(table)
