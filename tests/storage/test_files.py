import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.storage import files


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_what_is_written_is_read(workplace: Path):
    files.write_json(workplace / "deep" / "a.json", {"é": [1, None]})
    assert files.read_json(workplace / "deep" / "a.json") == {"é": [1, None]}
    assert leftovers(workplace / "deep") == []
    assert files.read_json(workplace / "missing.json") is None


def test_permissions_follow_the_persons_umask(workplace: Path):
    before = os.umask(0o027)
    try:
        files.write_text(workplace / "a", "x")
    finally:
        os.umask(before)
    assert (workplace / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("kind", "code"), [("enospc", errno.ENOSPC), ("eperm", errno.EPERM)])
def test_an_error_at_any_step_of_writing_leaves_the_old_or_the_new(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: int
):
    path = workplace / "a.json"
    struck = 0
    for step in range(1, 20):
        files.write_json(path, "old")
        monkeypatch.setattr(files, "_steps", 0)
        monkeypatch.setenv("RNNBENCH_FAULT", f"{kind}@{step}")
        try:
            files.write_json(path, "new")
        except OSError as error:
            struck += 1
            assert error.errno == code
            assert files.read_json(path) in ("old", "new")
        else:
            assert files.read_json(path) == "new"
            break
        finally:
            monkeypatch.delenv("RNNBENCH_FAULT")
    assert struck == 5
    assert leftovers(workplace) == []


@pytest.mark.fault
def test_a_kill_at_any_step_of_writing_leaves_the_old_or_the_new(workplace: Path):
    path = workplace / "a.json"
    program = (
        f"from pathlib import Path; from rnnbench.storage import files; files.write_json(Path({str(path)!r}), 'new')"
    )
    step = 0
    for step in range(1, 20):
        files.write_json(path, "old")
        done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "RNNBENCH_FAULT": f"kill@{step}"})
        if done.returncode == 0:
            break
        assert done.returncode == -9
        assert files.read_json(path) in ("old", "new")
    assert step == 6
    assert files.read_json(path) == "new"


@given(cut=st.integers(0, 40))
def test_a_line_torn_anywhere_costs_no_other(tmp_path_factory: pytest.TempPathFactory, cut: int):
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    for number in range(3):
        files.append_json(path, {"step": number, "name": "wörter"})
    content = path.read_bytes()
    start = content.rindex(b"\n", 0, -1) + 1
    path.write_bytes(content[: min(start + cut, len(content))])
    files.append_json(path, {"step": 3})
    steps = [line["step"] for line in files.read_json_lines(path)]
    assert steps in ([0, 1, 3], [0, 1, 2, 3])
    assert path.read_bytes().endswith(b"\n")


def test_not_a_number_survives(workplace: Path):
    files.append_json(workplace / "a.jsonl", {"loss": float("nan"), "best": float("inf")})
    (line,) = files.read_json_lines(workplace / "a.jsonl")
    assert line["loss"] != line["loss"]
    assert line["best"] == float("inf")
    assert json.loads((workplace / "a.jsonl").read_text())["best"] == float("inf")
