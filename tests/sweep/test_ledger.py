from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.storage import files
from rnnbench.sweep.ledger import Entry, Ledger, extend, names, read

OUT = Path("outputs")


def entry(name: str) -> Entry:
    return Entry(name, f"runs/t/b/{name}", (f"seed={name}",))


def ledger(*points: str, whole: bool = True, name: str = "mine") -> Ledger:
    return extend(Ledger(OUT, name, tuple(points)), map(entry, points), whole)


def ids(name: str = "mine") -> str:
    return "".join(point.id for point in read(OUT, name).points)


def test_a_ledger_is_read_as_it_was_written_and_left_alone_when_typed_again(workplace: Path):
    first = ledger("a", "b")
    assert read(OUT, "mine") == first
    before = first.path.stat().st_mtime_ns, first.path.parent.stat().st_mtime_ns
    assert ledger("b", "a") == first
    assert ledger("a") == first  # some of them: the rest stays
    assert (first.path.stat().st_mtime_ns, first.path.parent.stat().st_mtime_ns) == before
    assert names(OUT) == ["mine"]


def test_more_values_extend_it_and_another_space_is_refused(workplace: Path):
    ledger("a", "b")
    assert ledger("a", "b", "c").command == ("a", "b", "c")
    assert ids() == "abc"
    with pytest.raises(UserError, match="sweep.name=mine is another sweep: 2 of its 3 trials .* \\(it was: a b c\\)"):
        ledger("c", "d")
    assert ids() == "abc"


def test_a_search_adds_points_one_by_one(workplace: Path):
    for point in "abca":
        ledger(point, whole=False)
    assert ids() == "abc"


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"points": [{"id": "a"',
        "[]",
        "7",
        '{"points": 3, "command": [], "began": "", "config_dir": null}',
        '{"points": [{"id": "a", "folder": "runs/../../x/y", "overrides": []}], "command": [], "began": "", '
        '"config_dir": null}',
        '{"points": [{"id": "a", "folder": 7, "overrides": []}], "command": [], "began": "", "config_dir": null}',
    ],
)
def test_a_torn_or_foreign_file_is_one_line_and_left_as_it_is(workplace: Path, content: str):
    path = OUT / "sweeps/mine.json"
    files.write_text(path, content)
    for attempt in (lambda: read(OUT, "mine"), lambda: ledger("a")):
        with pytest.raises(UserError, match="outputs/sweeps/mine.json is torn or not a sweep's; move it away") as error:
            attempt()
        assert "\n" not in str(error.value)
    assert path.read_text() == content


def test_a_name_that_is_not_there_gets_the_near_one(workplace: Path):
    ledger("a", name="large")
    with pytest.raises(UserError, match="sweep 'larg' does not exist; did you mean 'large'"):
        read(OUT, "larg")


def test_a_disk_that_is_full_keeps_what_was_there(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    ledger("a")
    for step in range(1, 9):
        monkeypatch.setattr(files, "_steps", 0)
        monkeypatch.setenv("RNNBENCH_FAULT", f"enospc@{step}")
        try:
            ledger("a", "b")
        except UserError as error:
            assert "No space left" in str(error)
        monkeypatch.delenv("RNNBENCH_FAULT")
        assert ids() in ("a", "ab")
    assert ids() == "ab"
