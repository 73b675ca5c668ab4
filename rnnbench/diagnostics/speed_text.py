"""A measurement of speed as tables for the terminal, one for each size and length."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rnnbench.diagnostics.speed_results import Report, Row, labels
from rnnbench.screen import fit

OPTIONAL = 2  # columns, counted from the right, that may be left out where there is no room
COLUMNS = ("backbone", "path", "tokens/s", "GFLOP/s", "of limit", "× LSTM", "× loop", "parameters", "state B")

WORDS = {"backbone": 16, "path": 8}  # columns that may break between words, and how wide the longest word is


def show(report: Report, console: Console) -> None:
    """Prints how it was measured, a table for each size, fastest first, and why rows are missing."""
    console.print(escape(heading(report)))
    named = list(zip(labels(report.rows), report.rows, strict=True))
    measured = [(label, row) for label, row in named if not row.problem]
    for size in dict.fromkeys(_size(row) for _, row in measured):
        console.print()
        table = _table([(label, row) for label, row in measured if _size(row) == size])
        table.caption = "\n".join([str(table.caption), *fit(table, console, OPTIONAL)])
        console.print(table)
    for line in dict.fromkeys(f"{label}: {row.problem}" for label, row in named if row.problem):
        console.print(f"[red]not measured[/red] {escape(line)}")


def heading(report: Report) -> str:
    """How it was measured."""
    setup = report.setup
    return (
        f"{report.place}; batch {setup.batch}, forward and backward, "
        f"{report.machine['clock']}, medians of {setup.repeat} interleaved repetitions after {setup.warmup} to warm up"
    )


def _size(row: Row) -> tuple[int | None, int | None, int]:
    return row.hidden_size, row.inputs, row.steps


def _table(rows: list[tuple[str, Row]]) -> Table:
    first = rows[0][1]
    title = f"[bold]hidden {first.hidden_size}, {first.inputs} inputs, {first.steps} steps"
    caption = _caption([row for _, row in rows])
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.title_justify = table.caption_justify = "left"
    for name in COLUMNS:
        width = WORDS.get(name)
        table.add_column(name, justify="left" if width else "right", no_wrap=not width, min_width=width)
    for label, row in sorted(rows, key=lambda pair: -(pair[1].tokens_per_second or 0)):
        table.add_row(*_cells(label, row))
    return table


def _cells(label: str, row: Row) -> Iterable[str]:
    path = "loop" if row.path == "step loop" else row.path
    yield escape(label)
    yield f"{path}" if row.backward else f"{path}, no backward"
    yield f"{row.tokens_per_second:,.0f}"
    yield f"{row.gflops:.1f}"
    yield "–" if row.limit_ratio is None else f"{row.limit_ratio:.0%}{' copy' if row.bound == 'copy' else ''}"
    yield f"{row.lstm_ratio:.2f}"
    yield f"{row.loop_ratio:.2f}"
    yield f"{row.parameters:,}"
    yield f"{row.state_bytes:,}"


def _caption(rows: Sequence[Row]) -> str:
    """What a table's rows are held against."""
    first = rows[0]
    products = ", ".join(f"{speed:.0f} by {library}" for library, speed in (first.product_gflops or {}).items())
    copies = {row.copy_bytes or 0: row.copy_gigabytes_per_second for row in rows}
    copied = ", ".join(f"{speed:.0f} of {size / 2**20:.2g} MiB" for size, speed in sorted(copies.items()))
    return (
        f"torch.nn.LSTM: {first.lstm_tokens_per_second:,.0f} tokens/s, {first.lstm_gflops:.0f} GFLOP/s\n"
        f"the machine: products, GFLOP/s: {products}; copies, GB/s: {copied}"
    )
