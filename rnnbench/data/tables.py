"""Reads people's own tables, CSV or TSV, and says on which line one is not what it should be."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnbench.data.text import read_text
from rnnbench.errors import UserError, not_among

SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Table:
    """The cells of a file, by column, as they were written.

    Attributes:
        path: the file.
        columns: name of each column -> its cells, all equally many.
        lines: where each row begins in the file, counted from 1.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            UserError: there is no such column.
        """
        if name not in self.columns:
            raise UserError(f"'{self.path}': {not_among('column', name, list(self.columns))}")
        return self.columns[name]

    def numbers(self, name: str) -> np.ndarray:
        """A column as finite numbers, float64.

        Raises:
            UserError: there is no such column, or a cell is no finite number.
        """
        numbers = np.array([_number(cell) for cell in self.column(name)])
        if not np.isfinite(numbers).all():
            row = int(np.flatnonzero(~np.isfinite(numbers))[0])
            raise self.wrong(row, name, "a finite number such as 3.14")
        return numbers

    def wrong(self, row: int, name: str, expected: str) -> UserError:
        """The error to raise for a cell: file, line and column, what was expected, what stands there."""
        found = self.columns[name][row]
        cell = f"'{found}'" if found.strip() else "an empty cell"
        return UserError(f"'{self.path}', line {self.lines[row]}, column '{name}': expected {expected}, found {cell}")


def read_table(path: Path, columns: Sequence[str] = (), *, names: Sequence[str] | None = None) -> Table:
    """Reads a UTF-8 table whose first line names its columns.

    Cells are separated by the comma, semicolon or tab that the first line holds most of, and quoted as in RFC 4180.
    Empty lines count for nothing.

    Args:
        path: the file; ``.gz`` is unpacked.
        columns: those that must be there.
        names: of the columns, where the file has no line that names them.

    Raises:
        UserError: the file is missing, empty, no text, ragged or wrongly quoted, or lacks one of `columns`.
    """
    text = read_text(path)
    first = text.lstrip("\n").partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    mark = "tab" if separator == "\t" else f"'{separator}'"
    rows = _rows(text, separator, path)
    header = list(names) if names else [name.strip() for name in next(rows)[1]]
    _check_header(header, columns, path)
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f"'{path}', line {line}: expected {len(header)} cells as in {', '.join(header)}, found {len(row)}; "
                f"a cell that holds a {mark} stands in double quotes"
            )
        lines.append(line)
        cells.append(row)
    if not lines:
        raise UserError(f"'{path}' holds the names of its columns and no rows")
    return Table(path, dict(zip(header, map(list, zip(*cells, strict=True)), strict=True)), lines)


def _rows(text: str, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows and the lines they begin on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(
                f"'{path}', line {line}: {error}; a cell in double quotes ends with one, and one within it is doubled"
            ) from error
        if row:
            yield line, row


def _check_header(header: list[str], columns: Sequence[str], path: Path) -> None:
    for name, count in Counter(header).items():
        if count > 1:
            raise UserError(f"'{path}': column '{name}' stands there {count} times; give each a name of its own")
    for name in columns:
        if name not in header:
            raise UserError(f"'{path}': {not_among('column', name, header)}; the first line names the columns")


def _number(cell: str) -> float:
    try:
        return float(cell) if "_" not in cell else math.nan  # Python reads 1_000 as a thousand
    except ValueError:
        return math.nan
