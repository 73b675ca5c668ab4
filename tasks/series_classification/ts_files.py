"""The .ts format of the UEA and UCR archives of time series (timeseriesclassification.com).

    # a comment
    @classLabel true 1 2
    @data
    0.1,0.2,0.3:1.0,2.0,3.0:2

A line is a case: channels parted by ':', their values by ',', the class last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnbench import UserError
from rnnbench.data.text import read_text
from rnnbench.errors import not_among


@dataclass(frozen=True)
class Cases:
    """Labelled series: `values` of each, [T, C] float32, its label, and all labels there may be."""

    values: list[NDArray[np.float32]]
    labels: list[str]
    classes: list[str]


def read_ts(path: Path) -> Cases:
    """Reads a file.

    Raises:
        UserError: it is missing or malformed; says the line.
    """
    return parse_ts(read_text(path).split("\n"), str(path))


def parse_ts(lines: Iterable[str], name: str) -> Cases:
    """Reads the lines of a file that is called `name`.

    Raises:
        UserError: they are malformed; says which.
    """
    classes: list[str] = []
    cases: list[tuple[NDArray[np.float32], str]] = []
    began = False
    for number, line in enumerate(lines, 1):
        line, where = line.strip(), f"'{name}', line {number}"
        if not line or line.startswith("#"):
            continue
        if began:
            cases.append(_case(line, where, classes, cases[0][0].shape[1] if cases else None))
        elif not line.startswith("@"):
            raise UserError(f"{where}: expected a line that begins with @, or @data before the first case")
        else:
            began = line.lower() == "@data"
            classes += _header(line.split(), where)
    if not cases:
        raise UserError(f"'{name}' holds no case; expected @data and a line for each")
    values, labels = (list(part) for part in zip(*cases, strict=True))
    return Cases(values, labels, classes or sorted(set(labels)))


def _header(words: list[str], where: str) -> list[str]:
    """The classes that a line of the header names, if any."""
    key, value = words[0].lower(), (words[1] if len(words) > 1 else "").lower()
    if key == "@timestamps" and value == "true":
        raise UserError(f"{where}: steps with time stamps are not read; expected @timeStamps false")
    if key == "@classlabel" and value != "true":
        raise UserError(f"{where}: cases without classes can not be learned; expected @classLabel true and the classes")
    return words[2:] if key == "@classlabel" else []


def _case(line: str, where: str, classes: list[str], width: int | None) -> tuple[NDArray[np.float32], str]:
    *channels, label = (part.strip() for part in line.split(":"))
    if not channels:
        raise UserError(f"{where}: expected values and a class, parted by ':', found neither ':' nor class")
    if classes and label not in classes:
        raise UserError(f"{where}: {not_among('class', label, classes)}")
    if width is not None and len(channels) != width:
        raise UserError(f"{where}: expected {width} channels as in the first case, found {len(channels)}")
    rows = [_values(channel, where) for channel in channels]
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows)
        raise UserError(f"{where}: the channels of a case must be equally long, found {lengths} values")
    return np.array(rows, np.float32).T, label


def _values(channel: str, where: str) -> list[float]:
    values = []
    for cell in channel.split(","):
        try:
            value = float(cell)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            found = "a missing value" if cell.strip() in ("?", "", "NaN") else f"'{cell.strip()}'"
            raise UserError(f"{where}: expected a finite number, found {found}; fill gaps before")
        values.append(value)
    return values
