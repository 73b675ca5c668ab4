"""Check that a backbone keeps its contract: step equals forward, no look ahead, right gradients, and so on.

BACKBONE is a built-in one or your own in ./backbones/, as `rnnbench list backbones` names it. It is checked in a small
size unless backbone.hidden_size says another. Exit codes: 0 all is well, 1 something is wrong, 2 wrong input.
"""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError, first_line

if TYPE_CHECKING:
    from rnnbench.testing import Outcome

STYLES = {"ok": "green", "wrong": "red", "skipped": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="+", metavar="backbone=NAME", help="and its options: backbone.OPTION=VALUE")
    parser.add_argument("--json", action="store_true", help="for programs")


def main(arguments: argparse.Namespace) -> int:
    name, given = _read(arguments.overrides)

    from functools import partial

    from rnnbench import options, plugins
    from rnnbench.testing import outcomes, small

    backbone, what = plugins.get("backbone", name).load(), f"backbone {name}"
    try:
        options.build(backbone, what, given, 1)  # says in one line what is wrong with an option
    except UserError:
        raise
    except Exception as error:  # the backbone is a stranger's code
        raise UserError(f"{what} can not be built: {first_line(error)}{plugins.place(error)}") from error
    values = {key: value for key, value in options.defaults(backbone, what, given).items() if key in given}
    results = list(outcomes(small(partial(backbone, **values))))
    if arguments.json:
        print(json.dumps([vars(outcome) for outcome in results], indent=2))
    else:
        _print(name, results)
    return 1 if any(outcome.status == "wrong" for outcome in results) else 0


def _read(overrides: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Name and options of the backbone that the arguments ask for, in the grammar that `run` reads."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import OverrideType

    from rnnbench.compose import explained

    with explained():
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    values: dict[str, Any] = {}
    for override in parsed:
        line = override.input_line
        if override.key_or_group == "task":
            raise UserError(f"'{line}': only backbones can be checked so far; type backbone=NAME")
        if override.key_or_group.partition(".")[0] != "backbone" or override.type != OverrideType.CHANGE:
            raise UserError(f"'{line}': check takes backbone=NAME and backbone.OPTION=VALUE only")
        if override.is_sweep_override():
            raise UserError(f"'{line}': check takes one value at a time")
        values[override.key_or_group] = override.value()
    if "backbone" not in values:
        raise UserError("which backbone? type backbone=NAME")
    name = str(values.pop("backbone"))
    return name, {key.removeprefix("backbone."): value for key, value in values.items()}


def _print(name: str, results: "Sequence[Outcome]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "", "what is wrong", title=f"[bold]{name}", title_justify="left")
    for outcome in results:
        status = f"[{STYLES[outcome.status]}]{outcome.status}"
        table.add_row(outcome.check.replace("_", " "), status, escape(outcome.message))
    Console().print(table)
