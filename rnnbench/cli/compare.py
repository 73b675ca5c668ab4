"""Two trials or two settings side by side: config, scores with paired tests, curves and costs.

A and B are each a run's id or a setting's, or the beginning of one, or a backbone: its best setting on validation.
"""

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from rnnbench.cli.leaderboard import add_filters

if TYPE_CHECKING:
    from rnnbench.leaderboard.compare import Comparison, Side
    from rnnbench.leaderboard.sheet import Sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="A", help="run, setting or backbone")
    parser.add_argument("second", metavar="B", help="what it is compared with")
    add_filters(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench import settings
    from rnnbench.leaderboard.compare import compare
    from rnnbench.leaderboard.filters import having
    from rnnbench.leaderboard.index import all_trials
    from rnnbench.leaderboard.trials import check

    trials = check(all_trials(settings.outputs_dir(arguments.outputs_dir))).trials
    filters = {name: getattr(arguments, name) for name in ("task", "dataset", "setting")}
    compared = compare(having(trials, **filters), arguments.first, arguments.second)
    if arguments.json:
        print(json.dumps(_plain(compared), indent=2))
        return 0
    from rnnbench.leaderboard import tables
    from rnnbench.screen import screen

    console = screen()
    tables.show([_scores(compared), _config(compared), _costs(compared)], console)
    for letter, side in zip("AB", (compared.first, compared.second), strict=True):
        console.print(f"{letter}  {_curve(side)}")
    return 0


def _scores(compared: "Comparison") -> "Sheet":
    from rnnbench.leaderboard.sheet import Sheet, with_interval

    facts = compared.first.trials[0].facts
    better = "lower" if facts["direction"] == "min" else "higher"
    rows = [
        [letter, side.name, with_interval(*side.score) if side.score else str(side.trials[0].status)]
        for letter, side in zip("AB", (compared.first, compared.second), strict=True)
    ]
    where = f"{facts['task']} · {facts['dataset']} · {facts['setting']}: test {facts['metric']}, {better} is better"
    header, words = ["", "setting", facts["metric"]], frozenset({"", "setting"})
    return Sheet(where, header, rows, "; ".join([*_by_seed(compared), *_by_examples(compared)]), words)


def _by_seed(compared: "Comparison") -> list[str]:
    from rnnbench.leaderboard.sheet import with_interval

    if compared.by_seed is None:
        return ["no seed in common, so no test by seed"]
    p = (
        "two seeds in common are needed for a test"
        if compared.p is None
        else f"p = {compared.p:.2g} by a paired t test"
    )
    return [f"A less B over {compared.seeds} seeds in common: {with_interval(*compared.by_seed)}, {p}"]


def _by_examples(compared: "Comparison") -> list[str]:
    from rnnbench.leaderboard.sheet import number

    found = compared.by_examples
    if found is None:
        return []
    ends = f"[{number(found.low)}, {number(found.high)}]"
    return [
        f"over the examples of test, for these very networks: {number(found.mean)} {ends}, p = {found.p:.2g} by a "
        f"paired bootstrap"
    ]


def _config(compared: "Comparison") -> "Sheet":
    from rnnbench.leaderboard.sheet import Sheet

    rows = [[name, *map(_value, values)] for name, values in sorted(compared.differences.items())]
    caption = "what can not change a number is left out" if rows else "nothing that could change a number differs"
    return Sheet("Config", ["setting", "A", "B"], rows, caption, frozenset({"setting"}))


def _costs(compared: "Comparison") -> "Sheet":
    from rnnbench.leaderboard.costs import COSTS
    from rnnbench.leaderboard.sheet import Sheet

    unit, rows = compared.first.trials[0].facts["unit"], []
    for name, cost in COSTS.items():
        a, b = compared.first.costs[name], compared.second.costs[name]
        ratio = f"{a / b:.2f}" if a is not None and b else "–"
        rows.append([cost.title.format(unit=unit), _value(a), _value(b), ratio])
    return Sheet("Cost", ["cost", "A", "B", "A / B"], rows, "mean over the seeds of each", frozenset({"cost"}))


def _curve(side: "Side") -> str:
    from rnnbench.leaderboard.curves import sparkline
    from rnnbench.leaderboard.sheet import number

    if not side.curve:
        return "no curve"
    first, last = side.curve[0], side.curve[-1]
    drawn = sparkline([point.mean for point in side.curve])
    return f"validation {number(first.mean)} {drawn} {number(last.mean)}, {len(side.curve)} epochs, {last.step:,} steps"


def _value(value: Any) -> str:
    from rnnbench.leaderboard.sheet import number

    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) else number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _plain(compared: "Comparison") -> dict[str, Any]:
    sides = {
        name: {
            "name": side.name,
            "trials": [trial.id for trial in side.trials],
            **{field: getattr(side, field) for field in ("scores", "score", "costs")},
            "curve": [dataclasses.asdict(point) for point in side.curve],
        }
        for name, side in (("first", compared.first), ("second", compared.second))
    }
    found = {name: getattr(compared, name) for name in ("differences", "seeds", "by_seed", "p")}
    examples = dataclasses.asdict(compared.by_examples) if compared.by_examples else None
    return {**sides, **found, "by_examples": examples}
