"""What came out, from local records alone: backbones ranked by the primary metric for each task, data and setting.

For each backbone the setting best on validation (mean over its seeds) is chosen; its test scores are shown.
docs/leaderboards.md says how to read it all.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.leaderboard.rows import Board
    from rnnbench.leaderboard.sheet import Sheet
    from rnnbench.leaderboard.trials import Reading, Trial, Trouble

FORMATS = ("table", "markdown", "csv", "latex", "json", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_choices(parser)
    parser.add_argument("--columns", metavar="NAMES", help="such as parameters,flops,latency,memory,hours")
    parser.add_argument("--format", choices=FORMATS, default="table")
    view = parser.add_mutually_exclusive_group()
    view.add_argument("--across", action="store_true", help="ranks and normalised scores over all boards together")
    view.add_argument("--pareto", metavar="COST", help="whom nobody beats in score and in a cost, such as parameters")
    view.add_argument("--budget", action="store_true", help="expected best validation score after n settings")
    view.add_argument("--reproduce", action="store_true", help="what papers report, and whether ours agrees with it")
    view.add_argument("--export", metavar="FILE", help="write the records into one file for others")
    view.add_argument("--import", metavar="FILE", dest="import_", help="take in what others exported")
    parser.add_argument("--wandb", action="store_true", help="send tables and plots to Weights & Biases as one run")


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that choose trials and what is compared; the verb ``report`` takes them too."""
    add_filters(parser)
    parser.add_argument("--backbone", help="of this backbone only; this and the above take several with commas between")
    parser.add_argument("--metric", help="of this primary metric only")
    parser.add_argument("--sweep", metavar="NAME", help="of this sweep's trials only")
    parser.add_argument("--since", metavar="WHEN", help="of trials that ended since: 2026-01-31, or '3 days'")
    parser.add_argument("--match", metavar="BUDGET", help="networks of equal cost: parameters, or parameters=300000")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where records are set aside or kept apart")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """The options that choose records; the verb ``sample`` takes them too."""
    parser.add_argument("--task", help="of this task only")
    parser.add_argument("--dataset", help="of this data set only")
    parser.add_argument("--setting", help="of this setting only, such as word")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench import settings

    folder = settings.outputs_dir(arguments.outputs_dir)
    if arguments.import_:
        return _import(Path(arguments.import_), folder)
    trials, troubles = chosen(folder, arguments)
    if arguments.export:
        from rnnbench.leaderboard.exchange import export

        print(f"{export(trials, Path(arguments.export))} records in {arguments.export}")
    else:
        sys.stdout.write(_made(trials, troubles, arguments))
    if arguments.wandb:
        from rnnbench.leaderboard.mirror import mirror
        from rnnbench.tracking import quiet_settings

        said = mirror(boards_of(trials, arguments), folder / "leaderboard", quiet_settings())
        print(f"rnnbench: {said}", file=sys.stderr)
    return 1 if arguments.strict and troubles else 0


def chosen(folder: Path, arguments: argparse.Namespace) -> tuple[list["Trial"], Sequence["Trouble"]]:
    """The trials that the filters leave, and what was wrong with records, which is said too."""
    from rnnbench import plugins
    from rnnbench.leaderboard.index import all_trials
    from rnnbench.leaderboard.trials import check

    reading = check(all_trials(folder), plugins.find("task"))
    for trouble in reading.troubles:
        print(f"rnnbench: {trouble}", file=sys.stderr)
    trials = _chosen(reading, folder, arguments)
    if not trials:
        print(f"no records in {folder}; `rnnbench -m backbone=elman,lstm,gru seed=0,1,2` makes some", file=sys.stderr)
    return trials, reading.troubles


def _chosen(reading: "Reading", folder: Path, arguments: argparse.Namespace) -> list["Trial"]:
    """The trials that the filters leave."""
    from rnnbench.leaderboard.filters import among, having, since
    from rnnbench.sweep import ledger

    names = ("task", "dataset", "setting", "backbone", "metric")
    trials = having(reading.trials, **{name: getattr(arguments, name) for name in names})
    swept = {entry.id for entry in ledger.read(folder, arguments.sweep).points} if arguments.sweep else None
    return since(among(trials, swept), arguments.since)


def boards_of(trials: Sequence["Trial"], arguments: argparse.Namespace) -> list[tuple["Board", list["Trial"]]]:
    """The boards, each with its trials."""
    from rnnbench.leaderboard.select import with_trials

    if arguments.match is None:
        return with_trials(trials)
    from rnnbench.leaderboard.matched import matched_boards  # which takes torch, and that seconds

    return matched_boards(trials, arguments.match)


def _made(trials: Sequence["Trial"], troubles: Sequence["Trouble"], arguments: argparse.Namespace) -> str:
    """What was asked for, in its form."""
    if arguments.reproduce:
        return _reproduced(trials, arguments.format)
    found = boards_of(trials, arguments)
    boards = [board for board, _ in found]
    if arguments.format == "html":
        from rnnbench.report.page import page

        return page(found, troubles)
    if not any((arguments.across, arguments.pareto, arguments.budget)):
        return _ranked(boards, arguments)
    sheets, content = _view(found, arguments)
    return _as_json(content) if arguments.format == "json" else _formed(sheets, arguments.format)


def _ranked(boards: Sequence["Board"], arguments: argparse.Namespace) -> str:
    from rnnbench.leaderboard import columns, data
    from rnnbench.leaderboard.text import board_sheet

    forms: dict[str, Callable[[Sequence[Board]], str]] = {"csv": data.comma_separated, "json": data.as_json}
    if arguments.format in forms:
        return forms[arguments.format](boards)
    names = columns.chosen(arguments.columns)
    return _formed([board_sheet(board, names) for board in boards], arguments.format)


def _reproduced(trials: Sequence["Trial"], form: str) -> str:
    from rnnbench.leaderboard.published import reproductions
    from rnnbench.leaderboard.views import reproduction_sheet

    compared = reproductions(trials)
    return _as_json(compared) if form == "json" else _formed([reproduction_sheet(compared)], form)


def _view(found: Sequence[tuple["Board", list["Trial"]]], arguments: argparse.Namespace) -> tuple[list["Sheet"], Any]:
    """The sheets of another view than the ranking, and its content for programs."""
    from rnnbench.leaderboard import views
    from rnnbench.leaderboard.across import across
    from rnnbench.leaderboard.pareto import front

    boards, cost = [board for board, _ in found], arguments.pareto
    if cost:
        fronts = [{"board": views.title(board), "front": front(board, cost)} for board in boards]
        return [views.pareto_sheet(board, cost) for board in boards], fronts
    if arguments.budget:
        curves = [views.budgets(board, trials) for board, trials in found]
        content = [{"board": views.title(board), "curves": own} for board, own in zip(boards, curves, strict=True)]
        return [views.budget_sheet(board, own) for board, own in zip(boards, curves, strict=True)], content
    compared = across(boards)
    if compared is None:
        raise UserError("--across: no two boards share two backbones; `rnnbench leaderboard` shows each by itself")
    return [views.across_sheet(compared)], compared


def _as_json(content: Any) -> str:
    return json.dumps(content, indent=2, default=dataclasses.asdict) + "\n"


def _formed(sheets: Sequence["Sheet"], form: str) -> str:
    from rnnbench.leaderboard import latex, tables

    forms = {"markdown": tables.markdown, "csv": tables.comma_separated, "latex": latex.latex}
    if form in forms:
        return forms[form](sheets)
    from rnnbench.screen import screen

    tables.show(sheets, screen())
    return ""


def _import(path: Path, folder: Path) -> int:
    from rnnbench.leaderboard.exchange import take_in

    taken = take_in(path, folder)
    said = [f"{taken.new} new records from {path}"]
    said += [f"{taken.known} were there already"] if taken.known else []
    said += [f"{taken.other} of trials that are there with another score, which stays"] if taken.other else []
    print("; ".join(said))
    return 0
