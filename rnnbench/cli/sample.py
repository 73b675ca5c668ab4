"""What a trained network says: of the first rows of the test split, or of a prompt.

Text tasks go on from a prompt, with the odds of what comes next; others answer it. Files that belong to a sample, such
as sound, pictures or MIDI, are written to samples/drawn/ in the run's folder.

RUN is a run's id, the beginning of one, its folder, or 'best': the best on validation of the records there are.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.cli.leaderboard import add_filters
from rnnbench.errors import UserError
from rnnbench.storage import files

if TYPE_CHECKING:
    from rich.console import Console

    from rnnbench.storage.record import Record
    from rnnbench.task import Sample

TOP = 10  # choices
BAR = 30  # characters of the longest bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", default="best", help="id, beginning of one, folder, or best")
    parser.add_argument("--prompt", help='what the network is given, such as "I want to eat some"; else test rows are')
    parser.add_argument("--top", type=int, default=TOP, metavar="K", help="how many first choices to show (10)")
    parser.add_argument("--length", type=int, default=40, metavar="N", help="how many steps to go on for (40)")
    parser.add_argument(
        "--temperature", type=float, default=1.0, metavar="T", help="0 takes the likeliest; 1 as learnt"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the drawing (0)")
    add_filters(parser)


def main(arguments: argparse.Namespace) -> int:
    for name, minimum in (("top", 1), ("length", 0), ("temperature", 0)):
        if getattr(arguments, name) < minimum:
            raise UserError(f"--{name} must be at least {minimum}, got {getattr(arguments, name)}")
    from rich.console import Console

    from rnnbench.cli.early import importing

    with importing():
        from rnnbench.learners.base import Sampling
        from rnnbench.loading import load_trained

    record = chosen_record(arguments)
    learner = load_trained(record)
    task, prompt = learner.task, arguments.prompt
    batch = learner.examples(task.data["test"]) if prompt is None else task.encode(prompt)
    prediction = learner.predict(batch, Sampling(arguments.length, arguments.temperature, arguments.seed))
    samples = task.decode(prediction, batch)

    console = Console(highlight=False)
    facts = record.facts
    console.print(
        f"[dim]{facts['backbone']}, seed {facts['seed']}, {facts['dataset']} {facts['setting']}, run {record.id}"
    )
    unknown = [] if prompt is None else task.unknown(prompt)
    if unknown:
        console.print(f"[yellow]unknown to this network: {', '.join(unknown)}")
    for number, sample in enumerate(samples, 1):
        if number > 1:
            console.print()
        _print_sample(console, sample, arguments, goes_on=task.spec.start is not None)
        for path in _write_files(record.folder / "samples" / "drawn", number, sample):
            console.print(f"[dim]{path}", soft_wrap=True)
    return 0


def chosen_record(arguments: argparse.Namespace) -> "Record":
    """The record that RUN means."""
    from rnnbench import settings
    from rnnbench.leaderboard.select import best_record
    from rnnbench.storage.record import all_records, find_record

    folder = settings.outputs_dir(arguments.outputs_dir)
    if arguments.run != "best":
        return find_record(folder, arguments.run)
    filters = {name: getattr(arguments, name) for name in ("task", "dataset", "setting")}
    return best_record(all_records(folder), **filters)


def _print_sample(console: "Console", sample: "Sample", arguments: argparse.Namespace, goes_on: bool) -> None:
    """Prints title, choices and text; of a task that goes on from its title, the text right after it."""
    from rich.markup import escape

    title = sample.title if arguments.prompt is None else arguments.prompt
    if not goes_on:
        console.print(f"[bold]{escape(title)}")
    _print_choices(console, dict(list(sample.choices.items())[: arguments.top]))
    if arguments.top > max(TOP, len(sample.choices)):
        console.print(f"[dim]there are no more than these {len(sample.choices)}")
    if not goes_on:
        console.print(sample.text, markup=False)
    elif arguments.length:
        console.print()
        console.print(f"[bold]{escape(title)}[/bold]", end=" ")
        console.print(sample.text, markup=False)


def _write_files(folder: Path, number: int, sample: "Sample") -> list[Path]:
    """Writes a sample's files, each by its name and the sample's number; returns where they are."""
    paths = [folder / f"{number}-{Path(name).name}" for name in sample.files]
    for path, content in zip(paths, sample.files.values(), strict=True):
        files.write_bytes(path, content)
    return paths


def _print_choices(console: "Console", choices: dict[str, float]) -> None:
    from rich.markup import escape

    width = max((len(repr(name)) for name in choices), default=0)
    largest = max(choices.values(), default=1.0)
    for name, probability in choices.items():
        bar = "█" * max(1, round(BAR * probability / largest))
        label = escape(repr(name)[1:-1])
        console.print(f"  {label:<{width}} {probability:6.1%} [cyan]{bar}")
