"""What the documents say is so: every command can be typed, every example runs, every room exists."""

import contextlib
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

import rnnbench
from rnnbench.cli.main import VERBS, Parser, main
from rnnbench.compose import compose, resolve
from rnnbench.sweep.points import space

ROOT = Path(rnnbench.__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "outputs/README.md", *(ROOT / "docs").glob("*.md")]
DOCUMENTS += (ROOT / "examples").glob("*/README.md")


def commands() -> list[str]:
    """Every ``$ rnnbench ...`` of a console block, its remark cut off."""
    blocks = [block for path in DOCUMENTS for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL)]
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ rnnbench")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def write_plugins() -> None:
    """The plugins that the documents show, and those that they let `rnnbench new` write."""
    texts = [block for path in DOCUMENTS for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)]
    for text in texts:
        if named := re.match(r"# ((tasks|backbones)/\w+\.py)\n", text):
            Path(named[2]).mkdir(exist_ok=True)
            Path(named[1]).write_text(text)
    for kind, name in re.findall(r"^rnnbench new (task|backbone) (\w+)", "\n".join(commands()), re.MULTILINE):
        assert main(["new", kind, name]) == 0


@pytest.fixture(scope="module")
def folder_of_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    with contextlib.chdir(folder):
        write_plugins()
    return folder


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_can_be_typed(folder_of_plugins: Path, monkeypatch: pytest.MonkeyPatch, command: str):
    monkeypatch.chdir(folder_of_plugins)
    _, *words = shlex.split(command)
    verb = words.pop(0) if words and words[0] in VERBS else "run"
    module: Any = import_module(f"rnnbench.cli.{verb}")
    parser: ArgumentParser = Parser(prog=verb)
    module.add_arguments(parser)
    arguments = parser.parse_args(words)
    if verb == "run":
        for point in typed(arguments.overrides) if arguments.multirun else [arguments.overrides]:
            resolve(compose(point))


def typed(overrides: list[str]) -> Iterable[list[str]]:
    """The first and the last point of a sweep; of a search, which chooses its own, one that it might choose."""
    axes = space(overrides)
    if axes.search.trials is not None:
        return [axes.corner()]
    points = list(axes.points())
    return [points[0], points[-1]]


def test_there_are_commands_to_check():
    assert len(commands()) >= 14


def test_the_example_from_python_runs(book: Path, monkeypatch: pytest.MonkeyPatch):
    run = rnnbench.run
    monkeypatch.setattr(rnnbench, "run", lambda overrides: run([*overrides, *TINY, "trainer.progress=false"]))
    exec(blocks("python")[0], {})
    assert len(rnnbench.records()) == 1


def test_the_example_backbone_takes_part_in_a_sweep(book: Path, capsys: pytest.CaptureFixture[str]):
    write_plugins()
    assert main(["-m", *TINY, "trainer.progress=false", "backbone=leaky,gru", "seed=0,1"]) == 0
    assert main(["leaderboard", "--format", "markdown"]) == 0
    assert "| leaky |" in capsys.readouterr().out


def test_every_room_is_in_the_plan_and_every_room_of_the_plan_exists():
    plan = (ROOT / "docs/architecture.md").read_text()
    drawn = set(re.findall(r"^      (\w+(?:\.py|/)) ", plan, re.MULTILINE))
    present = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "rnnbench").iterdir()
        if not path.name.startswith("_") and path.name != "py.typed"
    }
    assert drawn == present


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_checkout_lead_somewhere(path: Path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_documents_are_no_wider_than_the_code():
    for path in DOCUMENTS:
        lines = path.read_text().splitlines()
        free = ("|", "$ ")  # tables and commands can not be wrapped
        too_long = [line for line in lines if len(line) > 120 and not line.startswith(free)]
        assert not too_long, (path, too_long)
