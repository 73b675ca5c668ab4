"""How fast backbones are: tokens/s, forward and backward, of each backbone, size and length.

Held against the machine's own limit (products and copies timed in the same run), torch.nn.LSTM of equal width, and the
backbone's own step loop. Arguments choose backbones as in a sweep; without any, all that are installed:

  rnnbench bench backbone=lstm,gru backbone.hidden_size=64,128,256 --steps 64,512
"""

import argparse
import dataclasses
import itertools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.diagnostics.speed import Subject
    from rnnbench.diagnostics.speed_results import Report, Setup

FORMATS = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="backbone=a,b backbone.OPTION=1,2")
    parser.add_argument("--steps", default="64", metavar="T,…", help="lengths of sequences (64)")
    parser.add_argument("--batch", type=int, default=32, metavar="B", help="rows (32)")
    parser.add_argument("--inputs", type=int, metavar="I", help="input size (as many as the hidden size)")
    parser.add_argument("--repeat", type=int, default=7, metavar="N", help="repetitions, interleaved (7)")
    parser.add_argument("--warmup", type=int, default=1, metavar="N", help="rounds before that do not count (1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of torch, on the CPU (1)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--dtype", default="float32", help="float32, float64, bfloat16 or float16 (float32)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--plot", metavar="FILE", help="draw speed against hidden size and length: .png, .svg or .pdf")


def main(arguments: argparse.Namespace) -> int:
    plot = _plot_file(arguments.plot)
    setup = _setup(arguments)
    subjects = _subjects(arguments.overrides)

    from rnnbench.diagnostics.speed import measure

    report = measure(subjects, setup, tell=_progress(setup))
    if all(row.problem for row in report.rows):
        raise UserError(str(report.rows[0].problem))
    if arguments.json:
        print(json.dumps(dataclasses.asdict(report), indent=2))
    else:
        from rnnbench.diagnostics.speed_text import show
        from rnnbench.screen import screen

        show(report, screen())
    if plot:
        _draw(report, plot)
    return 1 if any(row.problem for row in report.rows) else 0


def _setup(arguments: argparse.Namespace) -> "Setup":
    from rnnbench.diagnostics.speed_results import Setup

    try:
        steps = tuple(int(part) for part in arguments.steps.split(","))
    except ValueError:
        raise UserError(f"--steps '{arguments.steps}' is no list of whole numbers, such as 64,512") from None
    names = ("batch", "inputs", "repeat", "warmup", "threads", "device", "dtype")
    try:
        return Setup(steps, **{name: getattr(arguments, name) for name in names})
    except ValueError as error:
        raise UserError(f"--{error}") from error


def _subjects(overrides: Sequence[str]) -> "list[Subject]":
    """The backbones that are asked for, each point of a sweep one. A broken plugin is a subject with a problem."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from rnnbench.compose import explained
    from rnnbench.sweep.points import points

    with explained():
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    for override in parsed:
        if not str(override.input_line).startswith(("backbone=", "backbone.")):
            raise UserError(f"'{override.input_line}' is no setting of a backbone; bench takes backbone=NAME and those")
    chosen = any(override.key_or_group == "backbone" for override in parsed)
    return [_subject(point) for point in points(overrides if chosen else ["backbone=glob(*)", *overrides])]


def _subject(point: Sequence[str]) -> "Subject":
    from rnnbench import plugins
    from rnnbench.compose import compose, resolve
    from rnnbench.diagnostics.speed import Subject

    given: dict[str, Any] = dict(override.split("=", 1) for override in point)
    name = plugins.get("backbone", given.pop("backbone")).name
    try:
        options = resolve(compose(point)).backbone
    except UserError as error:
        return Subject(name, {key.removeprefix("backbone."): value for key, value in given.items()}, str(error))
    return Subject(name, {key: value for key, value in options.items() if key != "name"})


def _progress(setup: "Setup") -> Callable[[], object]:
    """Says on the terminal, if there is one, which round of repetitions is over."""
    if not sys.stderr.isatty():
        return lambda: None
    rounds, total = itertools.count(1), setup.warmup + setup.repeat
    return lambda: print(f"\rround {next(rounds)} of {total} ", end="", file=sys.stderr, flush=True)


def _plot_file(given: str | None) -> Path | None:
    """The file to draw into, everything checked that can be before minutes are spent."""
    if given is None:
        return None
    path = Path(given)
    if path.suffix not in FORMATS:
        raise UserError(f"--plot '{given}' must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if not path.parent.is_dir():
        raise UserError(f"--plot: folder '{path.parent}' does not exist")
    return path


def _draw(report: "Report", path: Path) -> None:
    from rnnbench.diagnostics.speed_plot import draw
    from rnnbench.storage.files import write_bytes

    try:
        write_bytes(path, draw(report, path.suffix[1:]))
    except OSError as error:
        raise UserError(f"--plot '{path}' can not be written: {error.strerror}") from error
    print(f"plot in {path}", file=sys.stderr)
