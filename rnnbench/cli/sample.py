"""Let a trained network speak: the odds of what comes next after a prompt, and a continuation drawn from them.

RUN is a run's id, the beginning of one, its folder, or 'best': the best on validation of the records there are.
"""

import argparse

from rnnbench.cli.leaderboard import add_filters
from rnnbench.errors import UserError

BAR = 30  # characters of the longest bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", default="best", help="id, beginning of one, folder, or best")
    parser.add_argument("--prompt", required=True, help='what the network is given, such as "I want to eat some"')
    parser.add_argument("--top", type=int, default=10, metavar="K", help="how many first choices to show (10)")
    parser.add_argument("--length", type=int, default=40, metavar="N", help="how many tokens to go on for (40)")
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

    from rnnbench import settings
    from rnnbench.leaderboard.select import best_record
    from rnnbench.learners.base import Sampling
    from rnnbench.loading import load_trained
    from rnnbench.storage.record import all_records, find_record

    folder = settings.outputs_dir(arguments.outputs_dir)
    if arguments.run == "best":
        filters = {name: getattr(arguments, name) for name in ("task", "dataset", "setting")}
        record = best_record(all_records(folder), **filters)
    else:
        record = find_record(folder, arguments.run)
    learner = load_trained(record)
    batch = learner.task.encode(arguments.prompt)
    prediction = learner.predict(batch, Sampling(arguments.length, arguments.temperature, arguments.seed))
    (sample,) = learner.task.decode(prediction, batch)

    console = Console(highlight=False)
    facts = record.facts
    console.print(
        f"[dim]{facts['backbone']}, seed {facts['seed']}, {facts['dataset']} {facts['setting']}, run {record.id}"
    )
    unknown = learner.task.unknown(arguments.prompt)
    if unknown:
        console.print(f"[yellow]unknown to this network: {', '.join(unknown)}")
    _print_choices(console, dict(list(sample.choices.items())[: arguments.top]))
    if arguments.top > len(sample.choices):
        console.print(f"[dim]of {facts['task']} there are no more than these {len(sample.choices)}")
    if arguments.length:
        console.print()
        console.print(f"[bold]{arguments.prompt}[/bold]", end=" ")
        console.print(sample.text, markup=False)
    return 0


def _print_choices(console: object, choices: dict[str, float]) -> None:
    from rich.markup import escape

    width = max((len(repr(name)) for name in choices), default=0)
    largest = max(choices.values(), default=1.0)
    for name, probability in choices.items():
        bar = "█" * max(1, round(BAR * probability / largest))
        label = escape(repr(name)[1:-1])
        console.print(f"  {label:<{width}} {probability:6.1%} [cyan]{bar}")  # type: ignore[attr-defined]
