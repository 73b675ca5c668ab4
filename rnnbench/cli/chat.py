"""A conversation with a trained network, a line at a time: yours, then its own. An empty line begins anew.

RUN is a run's id, the beginning of one, its folder, or 'best': the best on validation of the records there are. It ends
with the input (Ctrl-D).
"""

import argparse
import sys
from typing import TYPE_CHECKING

from rnnbench.cli.leaderboard import add_filters
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.learners.base import Learner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", default="best", help="id, beginning of one, folder, or best")
    add_filters(parser)


def main(arguments: argparse.Namespace) -> int:
    from rnnbench.cli.early import importing
    from rnnbench.cli.sample import chosen_record

    with importing():
        from rnnbench.loading import load_trained

    record = chosen_record(arguments)
    learner = load_trained(record)
    if not learner.task.converses:
        name = record.facts["task"]
        raise UserError(f'task {name} holds no conversations; type: rnnbench sample {record.id} --prompt "..."')
    turns: list[str] = []
    while True:
        said = _heard()
        if said is None:
            return 0
        if not said.strip():
            turns = []
            continue
        if unknown := learner.task.unknown(said):
            print(f"(unknown to this network: {', '.join(unknown)})", flush=True)
        turns.append(said)
        try:
            turns.append(_answer(learner, turns))
        except UserError as error:  # such as a line without words: said, and the conversation goes on
            turns.pop()
            print(f"({error})", flush=True)
            continue
        print(turns[-1] or "…", flush=True)


def _heard() -> str | None:
    """The next line; None where there is no more."""
    if sys.stdin.isatty():
        print("> ", end="", flush=True)
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def _answer(learner: "Learner", turns: list[str]) -> str:
    from rnnbench.learners.base import Sampling

    prediction = learner.predict(learner.task.encode("\n".join(turns)), Sampling())
    return learner.task.text(prediction.hypotheses[0])
