"""A measurement of speed as a picture: tokens/s against hidden size and against length.

Forty lines in one frame can not be told apart. There is a row of frames for each family of backbones, which names its
own and shows all others in grey, and torch.nn.LSTM in black.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from rnnbench.diagnostics.speed_results import Report, Row, labels

FAMILIES = {
    "torch.nn.LSTM": "torch's own", "torch.nn.GRU": "torch's own", "torch.nn.RNN": "torch's own",
    "dense loop": "dense loops",
    "linear scan": "scans", "complex linear scan": "scans", "elementwise scan": "scans",
    "matrix state": "matrix states", "delta rule": "matrix states",
}  # fmt: skip
OTHERS = "others"
_MARKERS = "os^Dv"


@dataclass(frozen=True)
class Line:
    """One backbone at one value of what a column keeps fixed."""

    label: str
    family: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Column:
    """Frames one below the other: speed against `axis`."""

    title: str
    axis: str
    lines: Sequence[Line]
    value: Callable[[Row], int | None]


def draw(report: Report, form: str) -> bytes:
    """The picture as a file of the format `form`: png, svg or pdf."""
    out = io.BytesIO()
    figure(report).savefig(out, format=form, dpi=110)
    return out.getvalue()


def figure(report: Report) -> Figure:
    """The picture: a row for each family, a column for each axis."""
    across = columns(report)
    members = {family: _members(across, family) for family in dict.fromkeys([*FAMILIES.values(), OTHERS])}
    families = [family for family in members if members[family]]
    drawn = Figure(figsize=(5.2 * len(across) + 2.2, 2.9 * len(families) + 0.9), layout="constrained")
    grid = drawn.subplots(len(families), len(across), squeeze=False, sharex="col", sharey=True)
    for frames, family in zip(grid, families, strict=True):
        for place, (frame, column) in enumerate(zip(frames, across, strict=True)):
            _frame(frame, column, members[family])
            frame.set_ylabel("speed (tokens/s)" if place == 0 else "")
        frames[-1].legend(title=family, loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)
    for frame, column in zip(grid[0], across, strict=True):
        frame.set_title(column.title, fontsize=10)
    for frame, column in zip(grid[-1], across, strict=True):
        frame.set_xlabel(column.axis)
    drawn.suptitle(f"Forward and backward, batch {report.setup.batch}: {report.place}", fontsize=11)
    return drawn


def columns(report: Report) -> list[Column]:
    """Speed against hidden size at the first length, and against length at the first hidden size, where they vary."""
    named = [pair for pair in zip(labels(report.rows), report.rows, strict=True) if not pair[1].problem]
    steps = named[0][1].steps
    hidden = named[0][1].hidden_size
    by_size = Column(
        f"{steps} steps",
        "hidden size (units)",
        _lines([(label, row) for label, row in named if row.steps == steps]),
        lambda row: row.hidden_size,
    )
    by_length = Column(
        f"hidden size {hidden}",
        "length (steps)",
        _lines([(label, row) for label, row in named if row.hidden_size == hidden]),
        lambda row: row.steps,
    )
    varied = [by_size] if len({row.hidden_size for _, row in named}) > 1 else []
    varied += [by_length] if len({row.steps for _, row in named}) > 1 else []
    return varied or [by_size]


def _lines(named: Sequence[tuple[str, Row]]) -> list[Line]:
    rows: dict[str, list[Row]] = {}
    for label, row in named:
        rows.setdefault(label, []).append(row)
    return [Line(label, FAMILIES.get(found[0].primitive or "", OTHERS), found) for label, found in rows.items()]


def _members(columns: Sequence[Column], family: str) -> list[str]:
    """Names of a family's lines, the fastest first; of all columns, so that a line has one colour in each."""
    lines = [line for column in columns for line in column.lines if line.family == family]
    lines.sort(key=lambda line: -(line.rows[-1].tokens_per_second or 0))
    return list(dict.fromkeys(line.label for line in lines))


def _frame(frame: Axes, column: Column, members: Sequence[str]) -> None:
    order = {label: place for place, label in enumerate(members)}  # the legend's
    for line in sorted(column.lines, key=lambda line: order.get(line.label, -1)):
        x, y = _points(line.rows, column.value, lambda row: row.tokens_per_second)
        if line.label in order:
            place = order[line.label]
            color, marker = colormaps["tab10"](place % 10), _MARKERS[(place + place // 10) % len(_MARKERS)]
            frame.plot(x, y, color=color, marker=marker, markersize=4, linewidth=1.5, label=line.label, zorder=3)
        else:
            frame.plot(x, y, color="0.82", marker=".", markersize=3, linewidth=0.8, zorder=1)
    rows = [row for line in column.lines for row in line.rows]
    x, y = _points(rows, column.value, lambda row: row.lstm_tokens_per_second)
    frame.plot(
        x, y, color="black", linestyle="--", linewidth=1.2, marker="_", markersize=12, label="torch.nn.LSTM", zorder=2
    )
    frame.set_xscale("log", base=2)
    frame.set_yscale("log")
    frame.set_xticks(x)
    frame.xaxis.set_major_formatter(ScalarFormatter())
    frame.xaxis.set_minor_formatter(NullFormatter())
    frame.grid(which="major", color="0.92")


def _points(
    rows: Sequence[Row], across: Callable[[Row], int | None], upwards: Callable[[Row], float | None]
) -> tuple[list[int], list[float]]:
    """One point for each value of `across`, in order."""
    found = {across(row) or 0: upwards(row) or 0.0 for row in rows}
    return sorted(found), [found[key] for key in sorted(found)]
