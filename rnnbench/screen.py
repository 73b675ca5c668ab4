"""Tables that fit the terminal: nothing is cut off, and what is left out is named."""

import os

from rich import box
from rich.console import Console
from rich.table import Table

UNLIMITED = 1000  # columns of what holds any table: a pipe, a file


def screen() -> Console:
    """Where results are printed, as wide as the terminal, or else as COLUMNS says."""
    console = Console(highlight=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=UNLIMITED)


def fit(table: Table, console: Console, optional: int = 0) -> list[str]:
    """Makes a table fit. Where there is no room its lines go first, then columns from the right.

    Columns that must not wrap keep every digit; the others break between words and, at the narrowest, within them.

    Args:
        table: it is changed.
        console: what it is to be printed on.
        optional: how many columns may be left out.

    Returns:
        What to say of those that were; nothing if none was.
    """
    for column in table.columns:
        column.overflow = "fold"
        if column.no_wrap:
            column.min_width = max(_width(cell, console)[1] for cell in (column.header, *column.cells))
    if _width(table, console)[0] > console.width:
        table.box, table.show_edge, table.pad_edge, table.collapse_padding = box.SIMPLE_HEAD, False, False, True
    left_out: list[str] = []
    while _width(table, console)[0] > console.width and len(left_out) < optional:
        left_out.insert(0, str(table.columns.pop().header).replace("\n", " "))
    return [f"no room for {', '.join(left_out)}"] if left_out else []


def _width(cell: object, console: Console) -> tuple[int, int]:
    """Columns that it takes at least, and at most."""
    found = console.measure(cell, options=console.options.update(max_width=UNLIMITED))  # pyright: ignore[reportArgumentType]
    return found.minimum, found.maximum
