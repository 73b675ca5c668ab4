"""What the verbs that run a sweep have in common: from what was typed to the end summary and the exit code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.sweep.ledger import Ledger


def go(
    overrides: Sequence[str],
    config_dir: str | None,
    *,
    agreed: bool = False,
    known: "Ledger | None" = None,
    again: Mapping[str, str] | None = None,
) -> int:
    """Runs a sweep and says how it went; returns the exit code.

    Args:
        agreed: the person has said yes to however many trials there are.
        known: the sweep's ledger where it was typed before.
        again: failed and skipped trials to try again, by id with the time they failed at.
    """
    from rnnbench.cli.early import import_wandb, importing

    with importing():
        import_wandb(overrides)

        from rich.console import Console

        from rnnbench.cli.sweep_live import LiveReport
        from rnnbench.cli.sweep_report import SweepReport
        from rnnbench.errors import UserError
        from rnnbench.signals import stoppable
        from rnnbench.sweep.executors.base import Outcome
        from rnnbench.sweep.loop import run
        from rnnbench.sweep.mirror import mirror
        from rnnbench.sweep.sweep import plan

    with stoppable():
        console = Console(highlight=False, soft_wrap=True)
        sweep = plan(overrides, config_dir, known, agreed)
        sweep = replace(sweep, again=again or {})
        report = LiveReport(sweep, console) if console.is_terminal else SweepReport(sweep, console)
        with report:
            outcomes = run(sweep, report)
        report.summary()
        if report.ran:
            mirror(sweep)
    if not outcomes.keys() - {Outcome.SKIPPED}:
        reasons = [*report.skipped, *sweep.source.refused.values()]
        raise UserError(f"sweep {sweep.name} has no trial that can be run: {reasons[0]}")
    return 1 if outcomes[Outcome.FAILED] else 0
