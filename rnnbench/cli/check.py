"""Check that a backbone or a task keeps its contract.

A backbone: step equals forward, no look ahead, right gradients, and so on. A task: same data each time, splits apart,
metrics that reach their best and do not depend on batch size, samples one can read, and so on. NAME is a built-in one
or your own in ./backbones/ or ./tasks/, as `rnnbench list` names it. A backbone is checked in a small size unless
backbone.hidden_size says another. Exit codes: 0 all is well, 1 something is wrong, 2 wrong input.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError, first_line

if TYPE_CHECKING:
    from rnnbench.plugins import Kind
    from rnnbench.testing import Outcome

STYLES = {"ok": "green", "wrong": "red", "skipped": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "overrides",
        nargs="+",
        metavar="backbone=NAME or task=NAME",
        help="and its options: backbone.OPTION=VALUE, task.OPTION=VALUE",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def main(arguments: argparse.Namespace) -> int:
    kind, name, given = _read(arguments.overrides)
    results = list(_task(name, given) if kind == "task" else _backbone(name, given))
    if arguments.json:
        print(json.dumps([vars(outcome) for outcome in results], indent=2))
    else:
        _print(name, results)
    return 1 if any(outcome.status == "wrong" for outcome in results) else 0


def _backbone(name: str, given: dict[str, Any]) -> "Iterator[Outcome]":
    from rnnbench.testing import outcomes, small

    return outcomes(small(_make("backbone", name, given, 1)))


def _task(name: str, given: dict[str, Any]) -> "Iterator[Outcome]":
    from rnnbench.testing import task_outcomes
    from rnnbench.testing.prepared import prepared, sources

    make = _make("task", name, given, sources())
    try:
        _ = prepared(make).task
    except Exception as error:
        if isinstance(error, UserError):  # its data is not there; of what else is raised the checks say more
            raise
    return task_outcomes(make)


def _make(kind: "Kind", name: str, given: dict[str, Any], handed: Any) -> Any:
    """The plugin's class with the options that are given, each of them sound: built once with what is handed to it.

    Raises:
        UserError: an option is wrong, or the constructor fails.
    """
    from functools import partial

    from rnnbench import options, plugins

    found, what = plugins.get(kind, name).load(), f"{kind} {name}"
    try:
        options.build(found, what, given, handed)
    except UserError:
        raise
    except Exception as error:  # the plugin is a stranger's code
        raise UserError(f"{what} can not be built: {first_line(error)}{plugins.place(error)}") from error
    return partial(found, **{key: value for key, value in options.defaults(found, what, given).items() if key in given})


def _read(overrides: Sequence[str]) -> "tuple[Kind, str, dict[str, Any]]":
    """Kind, name and options of the plugin that the arguments ask for, in the grammar that `run` reads."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import OverrideType

    from rnnbench.compose import explained

    with explained():
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    kinds = [override.key_or_group for override in parsed if override.key_or_group in ("task", "backbone")]
    kind: Kind = "task" if kinds[:1] == ["task"] else "backbone"
    values: dict[str, Any] = {}
    for override in parsed:
        line = override.input_line
        if override.key_or_group.partition(".")[0] != kind or override.type != OverrideType.CHANGE:
            raise UserError(f"'{line}': check takes {kind}=NAME and {kind}.OPTION=VALUE only")
        if override.is_sweep_override():
            raise UserError(f"'{line}': check takes one value at a time")
        values[override.key_or_group] = override.value()
    if kind not in values:
        raise UserError("which one? type backbone=NAME or task=NAME")
    name = str(values.pop(kind))
    return kind, name, {key.removeprefix(f"{kind}."): value for key, value in values.items()}


def _print(name: str, results: "Sequence[Outcome]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from rnnbench.screen import fit, screen

    table = Table("check", "", "remarks", title=f"[bold]{name}", title_justify="left")
    for outcome in results:
        status = f"[{STYLES[outcome.status]}]{outcome.status}"
        table.add_row(outcome.check.replace("_", " "), status, escape(outcome.message))
    console = screen()
    fit(table, console)
    console.print(table)
