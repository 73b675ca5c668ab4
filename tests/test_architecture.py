"""The house keeps its order: who may import whom, and what is installed."""

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import rnnbench

ROOT = Path(rnnbench.__file__).resolve().parent.parent

# Floors of docs/architecture.md: a module imports from its own floor or a lower one.
FLOORS = [
    {
        "errors",
        "screen",
        "data",
        "values",
        "metrics",
        "text_metrics",
        "pictures",
        "settings",
        "optimization",
        "signals",
        "options",
        "vision",
        "row_scores",
    },
    {"plugins", "scan"},
    {"regularization", "averaging"},
    {"config", "backbone", "task", "backbones"},
    {"wrappers"},
    {"stack", "costs", "matching", "storage"},
    {"learners", "leaderboard", "report", "compose", "diagnostics"},
    {"trial", "testing"},
    {"tracking", "recording"},
    {"progress", "loading", "resuming"},
    {"training", "api"},
    {"sweep"},
    {"cli", "templates"},
]


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it is imported itself, type checking apart."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_the_harness_never_imports_a_task():
    for path in modules("rnnbench"):
        assert not [name for name in imports(path) if name.startswith(("rnnbench.tasks", "tasks"))], path


def test_tasks_do_not_import_one_another():
    for path in modules("tasks"):
        own = path.relative_to(ROOT / "tasks").parts[0]
        others = [name for name in imports(path) if name.startswith("rnnbench.tasks.")]
        assert not [name for name in others if name.split(".")[2] != own], path


def test_arrows_go_down():
    floor = {name: level for level, names in enumerate(FLOORS) for name in names}
    for path in modules("rnnbench"):
        own = path.relative_to(ROOT / "rnnbench").parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "rnnbench" and len(parts) > 1 and parts[1] in floor:
                assert floor[parts[1]] <= floor[own], f"{path} imports {name} from a floor above"


def test_every_module_has_a_floor():
    present = {path.relative_to(ROOT / "rnnbench").parts[0].removesuffix(".py") for path in modules("rnnbench")}
    assert present - {"__init__", "__main__"} == set().union(*FLOORS)


def test_every_package_is_listed_for_installation():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    homes = {"rnnbench": "rnnbench", "tasks": "rnnbench.tasks", "conf": "rnnbench.conf"}
    found = {
        ".".join([home, *init.parent.relative_to(ROOT / folder).parts])
        for folder, home in homes.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert found == listed


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(workplace: Path):
    checkout = workplace / "checkout"  # a copy: building leaves files behind
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "outputs", "build", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(workplace), str(checkout)]
    subprocess.run(command, check=True)
    (wheel,) = workplace.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"rnnbench"}
    assert {
        "rnnbench/tasks/language_modeling/corpora.py",
        "rnnbench/conf/experiment/demo.yaml",
        "rnnbench/py.typed",
        "rnnbench/report/assets/main.js",
    } <= {*names}
    assert not [name for name in names if "test_" in name or name.endswith((".pyc", ".md"))]
