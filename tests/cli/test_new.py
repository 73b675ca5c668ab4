import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnbench import plugins
from rnnbench.storage import files

Rnnbench = Callable[..., Any]


def listed() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.mark.parametrize("kind", ["task", "backbone"])
def test_what_is_written_keeps_its_contract(rnnbench: Rnnbench, kind: str):
    said = rnnbench("new", kind, "my_first")
    assert said.code == 0
    assert f"wrote {kind}s/my_first/__init__.py" in said.out
    assert f"rnnbench {kind}=my_first trainer.max_epochs=1" in said.out
    assert plugins.get(kind, "my_first").class_name == f"MyFirst{kind.capitalize()}"  # type: ignore[arg-type]
    assert "plugin" not in Path(f"{kind}s/my_first/__init__.py").read_text().lower()
    said = rnnbench("check", f"{kind}=my_first", "--json")
    assert [outcome for outcome in json.loads(said.out) if outcome["status"] == "wrong"] == []
    assert said.code == 0


def test_a_new_task_runs_at_once(rnnbench: Rnnbench):
    rnnbench("new", "task", "first")
    settings = ["backbone.hidden_size=8", "trainer.batch_size=100", "trainer.progress=false", "logger.mode=disabled"]
    assert rnnbench("task=first", "trainer.max_epochs=1", *settings).code == 0
    said = rnnbench("sample", "best")
    assert said.code == 0
    assert said.out.count(" came first (") == 3
    said = rnnbench("sample", "best", "--prompt", "2 0 1")
    assert said.out.count(" came first (") == 1
    assert "no more than" not in said.out
    said = rnnbench("sample", "best", "--prompt", "2 0 9")
    assert (said.code, said.err) == (2, 'rnnbench: give symbols from 0 to 3, such as --prompt "2 0 1 3"\n')


@pytest.mark.parametrize("kind", ["task", "backbone"])
def test_a_package_holds_what_installing_needs(rnnbench: Rnnbench, kind: str):
    said = rnnbench("new", kind, "my_own", "--package")
    assert said.code == 0
    assert "pip install -e rnnbench-my-own" in said.out
    folder = Path("rnnbench-my-own")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    class_name = f"MyOwn{kind.capitalize()}"
    assert project["name"] == "rnnbench-my-own"
    assert project["entry-points"] == {f"rnnbench.{kind}": {"my_own": f"rnnbench_my_own:{class_name}"}}
    assert f"class {class_name}(" in (folder / "rnnbench_my_own/__init__.py").read_text()
    assert f"import {class_name}" in (folder / "tests/test_my_own.py").read_text()
    assert f"rnnbench check {kind}=my_own" in (folder / project["readme"]).read_text()
    for path in folder.rglob("*"):
        if path.is_file():
            assert "new_plugin" not in path.read_text()
            assert "plugin_kind" not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task", "First"], "'First' is no name for a task; use small letters, digits and _, such as my_task"),
        (["task", "../first"], "'../first' is no name for a task"),
        (["backbone", "1st"], "'1st' is no name for a backbone"),
        (["task", ""], "'' is no name for a task"),
        (["task", "lambda"], "'lambda' is a word of Python's own; choose another, such as my_lambda"),
        (["task", "match"], "'match' is a word of Python's own"),
        (["task", "language_modeling"], "there is a task 'language_modeling' already, in rnnbench "),
        (["backbone", "lstm", "--package"], "there is a backbone 'lstm' already, in rnnbench "),
        (["model", "x"], "argument kind: invalid choice: 'model' (choose from"),
        (["task"], "the following arguments are required: NAME"),
    ],
)
def test_wrong_names_are_refused_and_nothing_is_written(rnnbench: Rnnbench, arguments: list[str], message: str):
    said = rnnbench("new", *arguments)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith(f"rnnbench: {message}")
    assert listed() == []


@pytest.mark.parametrize(("taken", "options"), [("tasks/first", []), ("rnnbench-first", ["--package"])])
def test_what_is_there_is_left_alone(rnnbench: Rnnbench, taken: str, options: list[str]):
    Path(taken).mkdir(parents=True)
    before = listed()
    said = rnnbench("new", "task", "first", *options)
    assert (said.code, said.err) == (2, f"rnnbench: ./{taken} is there already; choose another name, or remove it\n")
    assert listed() == before


def test_a_plugin_of_that_name_in_a_file_is_seen(rnnbench: Rnnbench):
    Path("tasks").mkdir()
    Path("tasks/first.py").write_text("class First(Task):\n    pass\n")
    said = rnnbench("new", "task", "first")
    assert (said.code, "there is a task 'first' already, in ./tasks/first.py" in said.err) == (2, True)


@pytest.mark.parametrize("step", range(4))
def test_a_full_disk_leaves_nothing_half_written(rnnbench: Rnnbench, monkeypatch: pytest.MonkeyPatch, step: int):
    left, write = [step], files.write_text

    def fill(path: Path, text: str) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        write(path, text)

    monkeypatch.setattr(files, "write_text", fill)
    said = rnnbench("new", "task", "first", "--package")
    assert (said.code, said.err) == (2, "rnnbench: ./rnnbench-first can not be written: No space left on device\n")
    assert listed() == []
