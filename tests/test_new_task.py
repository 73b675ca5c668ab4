"""A task written only from docs/new-task.md takes part in everything, from a folder and as an installed package."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rnnbench as harness
from rnnbench import plugins
from rnnbench.testing import BACKBONE_CHECKS, TASK_CHECKS, Check, TaskCheck

ROOT = Path(harness.__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/rnnbench-parity"
TASK = re.findall(r"```python\n(# tasks/brackets\.py\n.*?)```", (ROOT / "docs/new-task.md").read_text(), re.DOTALL)[0]
SMALL = (
    "backbone.hidden_size=8", "trainer.max_epochs=1", "trainer.batch_size=100", "trainer.progress=false",
    "trainer.threads=1", "logger.mode=disabled",
)  # fmt: skip
Rnnbench = Callable[..., Any]


def test_from_a_folder(rnnbench: Rnnbench):
    Path("tasks").mkdir()
    Path("tasks/brackets.py").write_text(TASK)
    said = rnnbench("check", "task=brackets", "--json")
    assert [outcome for outcome in json.loads(said.out) if outcome["status"] == "wrong"] == []
    (entry,) = [entry for entry in json.loads(rnnbench("list", "--json").out)["tasks"] if entry["name"] == "brackets"]
    assert entry["source"] == "./tasks/brackets.py"
    assert entry["description"] == "Say after each bracket how many are open"
    assert rnnbench("-m", "task=brackets", "backbone=gru,feedforward", *SMALL).code == 0
    board = rnnbench("leaderboard", "--format", "markdown").out
    assert "brackets · length 30, depth 4: test accuracy" in board
    assert "| gru |" in board
    assert "| feedforward |" in board
    assert harness.records()["test.twice_as_long/accuracy"].between(0, 1).all()
    (record, _) = Path("outputs/runs/brackets").glob("*/*")
    *shown, gallery = json.loads((record / "samples/samples.json").read_text())
    assert [sample["files"] for sample in shown] == [{"depths.csv": f"{number}-depths.csv"} for number in (1, 2, 3)]
    assert gallery["text"].count("\n") == 4
    said = rnnbench("sample", "best", "--prompt", "(()")
    assert said.out.splitlines()[1] == "(()"
    (path,) = Path("outputs").rglob("drawn/1-depths.csv")
    assert path.read_text().splitlines()[0] == "depth"
    assert len(path.read_text().splitlines()) == 4


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> Iterator[None]:
    """The example as if it were installed: its folder and its entry points on the path."""
    entries = re.findall(r'^\[project\.entry-points\."(.*?)"\]\n(\w+) = "(.*)"', _project(), re.MULTILINE)
    metadata = workplace / "site/rnnbench_parity-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: rnnbench-parity\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(
        "".join(f"[{group}]\n{name} = {where}\n" for group, name, where in entries)
    )
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(metadata.parent))
    plugins._installed.cache_clear()
    yield
    plugins._installed.cache_clear()


def _project() -> str:
    return (EXAMPLE / "pyproject.toml").read_text()


def test_the_example_takes_part_in_everything(example: None, rnnbench: Rnnbench):
    listed = json.loads(rnnbench("list", "--json").out)
    found = {entry["name"]: entry for entries in listed.values() for entry in entries}
    assert {found[name]["source"] for name in ("parity", "rotor")} == {"rnnbench-parity 0.1.0"}
    assert found["rotor"]["trait"] == "cumulative sum"
    small = [setting for setting in SMALL if "hidden" not in setting]
    assert rnnbench("-m", "task=parity", "backbone=rotor", "seed=0,1", *small).code == 0
    assert "| rotor |" in rnnbench("leaderboard", "--format", "markdown").out


@pytest.mark.parametrize("check", TASK_CHECKS)
def test_the_task_of_the_example(example: None, check: TaskCheck):
    check(plugins.get("task", "parity").load())


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
def test_the_backbone_of_the_example(example: None, check: Check):
    check(plugins.get("backbone", "rotor").load())


def _install(package: Path) -> dict[str, str]:
    """Installs a package beside this interpreter's own; returns the environment that sees it."""
    shutil.copytree(package, "copy")  # building leaves files behind
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", "site"]
    subprocess.run([*command, "./copy"], check=True)
    return {**os.environ, "PYTHONPATH": str(Path("site").resolve())}


def _run(environment: dict[str, str], module: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_installed():
    environment = _install(EXAMPLE)
    _run(environment, "pytest", "-q", "-p", "no:cacheprovider", "copy/tests")
    assert "rnnbench-parity 0.1.0" in _run(environment, "rnnbench", "list", "--json")
    _run(environment, "rnnbench", "-m", "task=parity", "backbone=rotor,elman", *SMALL)
    (board,) = json.loads(_run(environment, "rnnbench", "leaderboard", "--format", "json"))
    assert {row["backbone"] for row in board["rows"]} == {"rotor", "elman"}


@pytest.mark.slow
def test_the_task_of_the_document_installed():
    environment = {**os.environ}
    _run(environment, "rnnbench", "new", "task", "nesting", "--package")
    Path("rnnbench-nesting/rnnbench_nesting/__init__.py").write_text(
        TASK.replace("Brackets(Task)", "NestingTask(Task)")
    )
    environment = _install(Path("rnnbench-nesting"))
    _run(environment, "pytest", "-q", "-p", "no:cacheprovider", "copy/tests")
    _run(environment, "rnnbench", "check", "task=nesting")
    assert "rnnbench-nesting 0.1.0" in _run(environment, "rnnbench", "list", "--json")
    _run(environment, "rnnbench", "-m", "task=nesting", "backbone=gru,feedforward", *SMALL)
    (board,) = json.loads(_run(environment, "rnnbench", "leaderboard", "--format", "json"))
    assert board["task"] == "nesting"
    assert {row["backbone"] for row in board["rows"]} == {"gru", "feedforward"}
