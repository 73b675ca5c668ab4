import io

import pytest
from rich.console import Console
from rich.table import Table

from rnnbench.screen import fit, screen

TRIAL = "backbone=lstm optimizer.learning_rate=0.0001 backbone.hidden_size=128"
COLUMNS = ("trial", "score", "speed", "memory")
CELLS = (TRIAL, "12,345.678 ± 0.01", "101,177 steps/s", "1,234 MiB")


def printed(width: int, optional: int) -> tuple[str, list[str]]:
    table = Table(title="trials")
    for name in COLUMNS:
        table.add_column(name, no_wrap=name != "trial")
    table.add_row(*CELLS)
    console = Console(width=width, file=io.StringIO())
    said = fit(table, console, optional)
    console.print(table)
    return console.file.getvalue(), said  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "left_out"), [(200, []), (80, []), (70, ["memory"]), (60, ["speed", "memory"])])
def test_nothing_is_cut_and_columns_without_room_are_named(width: int, left_out: list[str]):
    text, said = printed(width, optional=2)
    assert said == ([f"no room for {', '.join(left_out)}"] if left_out else [])
    assert "…" not in text and all(len(line) <= width for line in text.splitlines())
    for name, cell in zip(COLUMNS[1:], CELLS[1:], strict=True):
        assert (cell in text) == (name not in left_out)
    for word in TRIAL.split():
        assert word in text


def test_where_there_is_no_room_at_all_words_break_and_numbers_do_not():
    text, _ = printed(44, optional=2)
    assert CELLS[1] in text and "…" not in text
    found = "".join(line[: line.index("  ")] if "  " in line else line for line in text.splitlines()[3:])
    assert found.replace(" ", "").startswith(TRIAL.replace(" ", ""))


def test_a_pipe_is_as_wide_as_it_must_be_unless_columns_says_otherwise(monkeypatch: pytest.MonkeyPatch):
    assert screen().width == 100
    monkeypatch.delenv("COLUMNS")
    assert screen().width > 500
