"""Boards as text: a table for the terminal, Markdown, CSV and JSON."""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from rnnbench.leaderboard.select import Board, Row

COLUMNS = ("rank", "backbone", "score", "further", "seeds", "settings", "parameters", "state", "speed")


def show(boards: Sequence[Board], console: Console) -> None:
    """Prints the boards as tables."""
    for board in boards:
        table = Table(
            title=f"[bold]{title(board)}", title_justify="left", caption=caption(board), caption_justify="left"
        )
        for name in header(board):
            left = name == "backbone"
            table.add_column(name.replace(" ", "\n"), justify="left" if left else "right", no_wrap=True)
        for cells in body(board):
            table.add_row(*cells)
        if console.measure(table, options=console.options.update(max_width=1000)).maximum > console.width:
            table.box, table.pad_edge, table.show_edge = box.SIMPLE_HEAD, False, False  # numbers come before lines
            table.collapse_padding = True
        console.print(table)


def markdown(boards: Sequence[Board]) -> str:
    """The boards as Markdown tables."""
    parts = []
    for board in boards:
        align = ["---" if name == "backbone" else "---:" for name in header(board)]
        rows = [header(board), align, *body(board)]
        lines = ["| " + " | ".join(cells) + " |" for cells in rows]
        parts.append("\n".join([f"**{title(board)}**", "", *lines, "", caption(board)]))
    return "\n\n".join(parts) + "\n"


def comma_separated(boards: Sequence[Board]) -> str:
    """All rows of all boards, numbers unrounded."""
    described = ("task", "dataset", "setting", "metric", "task_version", "fingerprint", "direction", "unit")
    fields = [field.name for field in dataclasses.fields(Row)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*described, "rank", *fields])
    for board in boards:
        for rank, row in enumerate(board.rows, 1):
            values = dataclasses.asdict(row)
            values["trials"] = " ".join(row.trials)
            values["further"] = " ".join(f"{name}={score!r}" for name, (score, _) in row.further.items())
            writer.writerow([*(getattr(board, name) for name in described), rank, *(values[name] for name in fields)])
    return out.getvalue()


def as_json(boards: Sequence[Board]) -> str:
    """The boards as JSON, numbers unrounded."""
    return json.dumps([dataclasses.asdict(board) for board in boards], indent=2) + "\n"


def title(board: Board) -> str:
    """What a board compares."""
    better = "lower" if board.direction == "min" else "higher"
    return f"{board.task} · {board.dataset} · {board.setting}: test {board.metric}, {better} is better"


def caption(board: Board) -> str:
    """How to read a board, and what is missing from it."""
    parts = [f"± 95 % interval of the mean over seeds (Student's t); blind guessing scores {number(board.chance)}"]
    parts.append(f"task version {board.task_version}, data {board.fingerprint}")
    parts += [f"{count} {status}" for status, count in board.unfinished.items()]
    return "; ".join(parts)


def header(board: Board) -> list[str]:
    """Column titles."""
    names = {"score": board.metric, "speed": f"{board.unit}/s", "state": "state bytes", "rank": "#"}
    titles = {name: [names.get(name, name)] for name in COLUMNS} | {"further": _further(board)}
    return [title for name in COLUMNS for title in titles[name]]


def body(board: Board) -> list[list[str]]:
    """Cells of all rows."""
    return [[str(rank), *_cells(row, _further(board))] for rank, row in enumerate(board.rows, 1)]


def number(value: float) -> str:
    """Four significant digits, never in powers of ten where that is not needed."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _further(board: Board) -> list[str]:
    """Names of the further splits that any row was tested on."""
    return list(dict.fromkeys(name for row in board.rows for name in row.further))


def _cells(row: Row, further: Sequence[str]) -> list[str]:
    return [
        row.backbone,
        _score(row),
        *(_with_interval(*row.further[name]) if name in row.further else "–" for name in further),
        str(row.seeds),
        str(row.settings),
        f"{row.parameters:,}",
        "–" if row.state_bytes is None else f"{row.state_bytes:,}",
        f"{row.speed:,.0f}",
    ]


def _score(row: Row) -> str:
    if row.score is None:
        return f"diverged ({row.diverged} of {row.seeds} seeds)"
    return _with_interval(row.score, row.interval)


def _with_interval(score: float, interval: float | None) -> str:
    return f"{number(score)} ± {'–' if interval is None else f'{interval:.2g}'}"
