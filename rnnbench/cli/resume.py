"""Go on with a sweep that was stopped: as typing it again does. What is finished is not run again."""

import argparse

from rnnbench import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="as `rnnbench sweeps` shows it")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench.cli.sweeping import go
    from rnnbench.sweep.ledger import read

    ledger = read(settings.outputs_dir(arguments.outputs_dir), arguments.name)
    return go(ledger.command, ledger.config_dir, agreed=True, known=ledger)
