"""Write a small working plugin to make your own of, in ./tasks/NAME/ or ./backbones/NAME/.

It runs at once: `rnnbench task=NAME trainer.max_epochs=1`, `rnnbench check task=NAME`. With --package it is one that
can be installed, in ./rnnbench-NAME/, with pyproject.toml and a test.
"""

import argparse
import keyword
import os
import re
import shutil
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path

from rnnbench import plugins
from rnnbench.errors import UserError
from rnnbench.plugins import Kind
from rnnbench.storage import files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["task", "backbone"], help="what to begin")
    parser.add_argument("name", metavar="NAME", help="what you will type: task=NAME")
    parser.add_argument("--package", action="store_true", help="one that can be installed and published")


def main(arguments: argparse.Namespace) -> int:
    kind, name = arguments.kind, arguments.name
    _check_name(kind, name)
    folder = Path(f"rnnbench-{name.replace('_', '-')}") if arguments.package else Path(f"{kind}s", name)
    if folder.exists() or folder.is_symlink():
        raise UserError(f"./{folder} is there already; choose another name, or remove it")
    contents = _package(kind, name) if arguments.package else {"__init__.py": _filled(f"{kind}.py", kind, name)}
    _write(folder, contents)
    for path in contents:
        print(f"wrote {folder / path}")
    install = [f"pip install -e {folder}"] if arguments.package else []
    commands = [*install, f"rnnbench check {kind}={name}", f"rnnbench {kind}={name} trainer.max_epochs=1"]
    print("\n".join(["", "now type", *(f"  {command}" for command in commands)]))
    return 0


def _check_name(kind: Kind, name: str) -> None:
    """Refuses names that can not be typed, imported or told apart."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"'{name}' is no name for a {kind}; use small letters, digits and _, such as my_{kind}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise UserError(f"'{name}' is a word of Python's own; choose another, such as my_{name}")
    found = plugins.find(kind).get(name)
    if found:
        raise UserError(f"there is a {kind} '{name}' already, in {found.source}; choose another name")


def _package(kind: Kind, name: str) -> Mapping[str, str]:
    """The files of a package by their paths in it."""
    return {
        "pyproject.toml": _filled("pyproject.toml", kind, name),
        "README.md": _filled("readme.txt", kind, name),
        f"rnnbench_{name}/__init__.py": _filled(f"{kind}.py", kind, name),
        f"tests/test_{name}.py": _filled(f"conformance_of_{kind}.txt", kind, name),
    }


def _filled(template: str, kind: Kind, name: str) -> str:
    """A template with the person's names in it."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    text = resources("rnnbench.templates").joinpath(template).read_text("utf-8")
    replaced = {
        "NewPluginClass": f"{camel}{kind.capitalize()}",
        "NewPlugin": camel,
        "new-plugin": name.replace("_", "-"),
        "new_plugin": name,
        "plugin_kind": kind,
    }
    for placeholder, own in replaced.items():
        text = text.replace(placeholder, own)
    return text


def _write(folder: Path, contents: Mapping[str, str]) -> None:
    """Writes all files or none: in a folder beside, which then takes its name."""
    staging = folder.parent / f".{folder.name}.{os.getpid()}"
    try:
        for path, text in contents.items():
            files.write_text(staging / path, text)
        staging.rename(folder)
    except OSError as error:
        raise UserError(f"./{folder} can not be written: {error.strerror}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
