"""End a sweep that runs, on whatever machine: its trials stop cleanly, and `rnnbench resume NAME` goes on."""

import argparse

from rnnbench import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="as `rnnbench sweeps` shows it")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench.sweep.ledger import read
    from rnnbench.sweep.survey import counts, survey

    ledger = read(settings.outputs_dir(arguments.outputs_dir), arguments.name)
    running = counts([standing for _, standing in survey(ledger)])["running"]
    if not running:
        print(f"sweep {ledger.name} is not running; there is nothing to stop")
        return 0
    ledger.stop()
    print(
        f"sweep {ledger.name} is stopping: {running} trials end where they are; `rnnbench resume {ledger.name}` goes on"
    )
    return 0
