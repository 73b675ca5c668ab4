"""Tasks, backbones and runs that there are. Plugins are listed from their source text; none is run unless --verify."""

import argparse
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnbench import plugins, settings
from rnnbench.errors import UserError
from rnnbench.plugins import Kind, Plugin

if TYPE_CHECKING:
    from rich.table import Table

KINDS: dict[str, Kind] = {"tasks": "task", "backbones": "backbone"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=["tasks", "backbones", "runs"], help="only these")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--verify", action="store_true", help="import every plugin and say what is wrong with it")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


@dataclass(frozen=True)
class Entry:
    """A plugin as it is listed. `problem` is None until something is known to be wrong."""

    name: str
    trait: str
    source: str
    description: str
    problem: str | None


def main(arguments: argparse.Namespace) -> int:
    if arguments.what == "runs":
        return _runs(arguments)
    wanted = [arguments.what] if arguments.what else list(KINDS)
    found = {
        what: [_entry(plugin, arguments.verify) for plugin in plugins.find(KINDS[what]).values()] for what in wanted
    }
    if arguments.json:
        print(json.dumps({what: [vars(entry) for entry in entries] for what, entries in found.items()}, indent=2))
    else:
        for what, entries in found.items():
            _print(_table(what, entries, arguments.verify))
    broken = any(entry.problem for entries in found.values() for entry in entries)
    return 1 if arguments.verify and broken else 0


def _entry(plugin: Plugin, verify: bool) -> Entry:
    problem = plugin.problem
    if verify:
        try:
            plugin.load()
        except UserError as error:
            problem = str(error)
    summary = plugins.summary(plugin)
    return Entry(plugin.name, summary.trait.replace("_", " "), plugin.source, summary.description, problem)


def _table(what: str, entries: list[Entry], verified: bool) -> "Table":
    from rich.table import Table

    sources = {entry.source for entry in entries}
    several = len(sources) != 1
    table = Table(title=f"[bold]{what}" if several else f"[bold]{what} of {sources.pop()}", title_justify="left")
    columns = ["name", "shape" if what == "tasks" else "primitive", *(["source"] if several else []), "what it is"]
    for column in [*columns, *(["verified"] if verified else [])]:
        table.add_column(column, no_wrap=column == "name")
    for entry in entries:
        problem = f"[red]{entry.problem}" if entry.problem else ""
        cells = [entry.name, entry.trait, *([entry.source] if several else [])]
        cells += [entry.description, problem or "ok"] if verified else [entry.description or problem]
        table.add_row(*cells)
    return table


def _runs(arguments: argparse.Namespace) -> int:
    from rnnbench.storage.record import all_records

    columns = ("task", "dataset", "setting", "backbone", "seed", "metric")
    rows = []
    for record in all_records(settings.outputs_dir(arguments.outputs_dir)):
        facts = record.facts
        score = record.result.get("test", {}).get(facts.get("metric"))
        rows.append(
            {"id": record.id, **{name: facts.get(name) for name in columns}, "status": record.status, "test": score}
        )
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    from rich.table import Table

    table = Table(*("id", *columns, "status", "test"), title="[bold]runs", title_justify="left")
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    for name in ("id", "test"):
        next(column for column in table.columns if column.header == name).no_wrap = True
    _print(table)
    return 0


def _print(table: "Table") -> None:
    from rnnbench.screen import fit, screen

    console = screen()
    fit(table, console)
    console.print(table)
