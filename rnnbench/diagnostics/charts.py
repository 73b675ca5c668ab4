"""Figures as data: what is drawn, apart from how. `drawing` draws them as PNG, `page` as HTML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Number = float | int | None


@dataclass(frozen=True)
class Series:
    """One line, or points without one.

    Attributes:
        low, high: a band around `y`; empty for none.
        joined: whether the points are joined by a line.
        dashed: for what is theory or a reference.
    """

    label: str
    x: Sequence[Number]
    y: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    joined: bool = True
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """Series in one frame.

    Attributes:
        name: of its files.
        x_label, y_label: with units.
        log_x, log_y: logarithmic axes; what is not above zero is then left out.
        circle: draws the unit circle, and both axes alike.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    circle: bool = False


@dataclass(frozen=True)
class Heat:
    """Shares as shades: a frame for each name, columns from left to right, each column's cells from the bottom.

    Attributes:
        frames: of each frame its columns, each with as many cells.
        x_range, y_range: what the axes' ends stand for.
        x_names, y_names: what columns and cells stand for, where they are no numbers on a scale; empty for none.
        shade: what a shade says.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    frames: Mapping[str, Sequence[Sequence[float]]]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_names: Sequence[str] = ()
    y_names: Sequence[str] = ()
    shade: str = "share of values"


Figure = Chart | Heat


def points(chart: Chart, series: Series) -> list[tuple[float, float]]:
    """The points of a series that can be drawn."""
    pairs = [(x, y) for x, y in zip(series.x, series.y, strict=True) if x is not None and y is not None]
    return [(x, y) for x, y in pairs if _drawable(x, chart.log_x) and _drawable(y, chart.log_y)]


def band(chart: Chart, series: Series) -> list[tuple[float, float, float]]:
    """Where the band of a series can be drawn: x, lower and upper end."""
    found = []
    for x, low, high in zip(series.x, series.low or [None] * len(series.x), series.high or series.x, strict=True):
        if x is None or low is None or high is None:
            continue
        if all(_drawable(*pair) for pair in ((x, chart.log_x), (low, chart.log_y), (high, chart.log_y))):
            found.append((x, low, high))
    return found


def _drawable(value: float, logarithmic: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not logarithmic)
