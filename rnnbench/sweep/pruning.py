"""Ends trials that fall behind: asynchronous successive halving and the median rule.

What trials scored on their way stands in small files of the sweep's ledger, ``rungs/<group>/<trial id>.json``, one a
trial, which only that trial writes. A trial notes its own score first and then reads what the others noted, so that of
two that arrive at once at least one sees the other. No process waits for another; the rules are pure functions of what
the files say, wherever the trials run.
"""

import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench.config import Config, SearchConfig
from rnnbench.recording import Pruned
from rnnbench.storage import files

MEDIAN_OF = 5  # trials at least, before a median says anything

Curve = Mapping[int, float]  # epoch, counted from 1 -> score, less is better


@dataclass(frozen=True)
class Rungs:
    """The scores that comparable trials of a sweep noted on their way.

    Args:
        folder: of the rungs of one sweep and of one task, data and metric.
    """

    folder: Path

    def note(self, trial: str, epoch: int, score: float) -> None:
        """Keeps a score; what a trial noted before stays."""
        curve = {**self.curve(trial), epoch: score}
        files.write_json(self.folder / f"{trial}.json", {str(epoch): curve[epoch] for epoch in sorted(curve)})

    def curve(self, trial: str) -> dict[int, float]:
        """What a trial noted; nothing where the file is torn, foreign or not there."""
        return _curve(files.read_json(self.folder / f"{trial}.json"))

    def others(self, trial: str) -> list[dict[int, float]]:
        """What the other trials noted, in the order of their ids."""
        found = sorted(path for path in self.folder.glob("[!.]*.json") if path.stem != trial)
        return [_curve(files.read_json(path)) for path in found]


@dataclass(frozen=True)
class Pruner:
    """Watches a trial while it trains, and ends it where it falls behind.

    A trial in its last epoch is not ended: it has cost what it costs.

    Args:
        search: which rule.
        rungs: of the trials that this one competes with.
        trial: its id.
        max_epochs: that it may train.
        direction: "min" or "max", of its score.
    """

    search: SearchConfig
    rungs: Rungs
    trial: str
    max_epochs: int
    direction: str

    def __call__(self, epoch: int, step: int, score: float) -> None:
        """Is told the score of each validation.

        Raises:
            Pruned: the trial is to end here.
        """
        halving = self.search.pruner == "asha"
        judged = rung_epochs(self.search.min_epochs, self.search.reduction_factor, self.max_epochs)
        if epoch >= self.max_epochs or (halving and epoch not in judged):
            return
        cost = score if self.direction == "min" else -score
        self.rungs.note(self.trial, epoch, cost)
        others = self.rungs.others(self.trial)
        if halving:
            reason = halved(cost, [curve[epoch] for curve in others if epoch in curve], self.search.reduction_factor)
        elif epoch >= self.search.min_epochs:
            reason = behind_median(self.rungs.curve(self.trial), others, epoch)
        else:
            reason = ""
        if reason:
            raise Pruned(f"{reason}, after epoch {epoch} (step {step})")

    def progress(self, line: Mapping[str, float]) -> None:
        """Curves between validations say nothing here."""


def pruner_for(config: Config, facts: Mapping[str, Any], folder: Path) -> Pruner | None:
    """What prunes a trial; None where its sweep prunes nothing.

    Args:
        config: of the trial.
        facts: of its record.
        folder: of the sweep.
    """
    if config.search.pruner == "none":
        return None
    epochs = config.trainer.max_epochs
    return Pruner(config.search, rungs_of(folder, facts), facts["id"], epochs, facts["direction"])


def rungs_of(folder: Path, facts: Mapping[str, Any]) -> Rungs:
    """The rungs of a sweep's folder that trials with these facts share: the same task, data, setting and metric."""
    shared = [facts[name] for name in ("task", "dataset", "setting", "metric", "fingerprint")]
    digest = hashlib.sha256(json.dumps(shared).encode()).hexdigest()[:8]
    return Rungs(folder / "rungs" / f"{facts['task']}-{digest}")


def rung_epochs(min_epochs: int, reduction_factor: int, max_epochs: int) -> list[int]:
    """Epochs at which successive halving judges: min_epochs · reduction_factor^k, below `max_epochs`."""
    epochs = []
    epoch = min_epochs
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= reduction_factor
    return epochs


def halved(own: float, others: Sequence[float], reduction_factor: int) -> str:
    """Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934), as a rule that stops and never resumes.

    Of the n trials that have come to a rung so far, this one included, the best n // reduction_factor go on; while that
    is none, only a trial that is the best so far.

    Args:
        own: the trial's score at the rung, less is better.
        others: those of the trials that came there before.

    Returns:
        Why the trial ends; empty where it goes on.
    """
    count = len(others) + 1
    places = max(1, count // reduction_factor)
    place = 1 + sum(other < own for other in others)
    return "" if place <= places else f"place {place} of {count}, of which {places} go on"


def behind_median(own: Curve, others: Iterable[Curve], epoch: int) -> str:
    """Median stopping (Golovin et al. 2017, Google Vizier).

    A trial ends if its best score so far is worse than the median of the other trials' running means up to the same
    epoch. Trials count that came as far, finished or not; `MEDIAN_OF` of them at least.

    Returns:
        Why the trial ends; empty where it goes on.
    """
    means = [statistics.fmean(_until(epoch, other)) for other in others if epoch in other]
    if len(means) < MEDIAN_OF:
        return ""
    behind = min(_until(epoch, own)) > statistics.median(means)
    return f"behind the median of {len(means)} other trials" if behind else ""


def _until(epoch: int, curve: Curve) -> list[float]:
    return [score for at, score in curve.items() if at <= epoch]


def _curve(content: Any) -> dict[int, float]:
    """A curve as read from a file; empty where the file holds none."""
    try:
        curve = {int(epoch): float(score) for epoch, score in content.items()}
    except (AttributeError, TypeError, ValueError):
        return {}
    return {} if any(math.isnan(score) for score in curve.values()) else curve
