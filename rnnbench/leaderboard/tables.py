"""Sheets as text: a table for the terminal, Markdown, and comma-separated cells."""

import csv
import io
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rnnbench.leaderboard.sheet import Sheet
from rnnbench.screen import fit

WIDTH = 120  # of a line of Markdown that is no table


def show(sheets: Sequence[Sheet], console: Console) -> None:
    """Prints sheets as tables. Where there is no room first lines go, then columns from the right, never digits."""
    for sheet in sheets:
        table = _table(sheet)
        more = fit(table, console, sheet.optional)
        console.print(f"[bold]{escape(sheet.title)}")
        console.print(table)
        console.print(f"[dim]{escape('; '.join([sheet.caption, *more]))}")


def markdown(sheets: Sequence[Sheet]) -> str:
    """The sheets as Markdown tables."""
    parts = []
    for sheet in sheets:
        align = ["---" if name in sheet.words else "---:" for name in sheet.header]
        rows = [sheet.header, align, *sheet.body, *sheet.below]
        lines = ["| " + " | ".join(_plain(cell) for cell in cells) + " |" for cells in rows]
        title, caption = (_wrapped(words) for words in (f"**{sheet.title}**", sheet.caption))
        parts.append("\n".join([title, "", *lines, "", caption]))
    return "\n\n".join(parts) + "\n"


def comma_separated(sheets: Sequence[Sheet]) -> str:
    """The cells as they are read, a header before each sheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for sheet in sheets:
        writer.writerows([sheet.header, *sheet.body, *sheet.below])
    return out.getvalue()


def _table(sheet: Sheet) -> Table:
    table = Table()
    for name in sheet.header:
        table.add_column(
            escape(name.replace(" ", "\n")), justify="left" if name in sheet.words else "right", no_wrap=True
        )
    for cells in sheet.body:
        table.add_row(*map(escape, cells))
    table.add_section()
    for cells in sheet.below:
        table.add_row(*map(escape, cells), style="dim")
    return table


def _wrapped(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)


def _plain(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
