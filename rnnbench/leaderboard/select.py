"""From records to boards: what is compared with what, and which setting stands for a backbone.

A board holds the trials of one task, data and setting, by version and by the data's fingerprint. For each backbone the
setting that is best on validation, over all its seeds, is chosen; only then are its test scores looked at.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnbench.errors import UserError
from rnnbench.leaderboard.statistics import distinct, groups, mean_and_interval
from rnnbench.storage.record import Record, Status

_KEY = ("task", "dataset", "setting", "metric", "task_version", "fingerprint")


_RANKED = (Status.DONE, Status.DIVERGED)  # a pruned trial has a result, but no test


@dataclass(frozen=True)
class Row:
    """One backbone by its best setting.

    Attributes:
        score: mean test score over seeds; None where a seed diverged.
        interval: half-width of the 95 % interval of the mean; None with fewer than two seeds.
        scores: test score by seed; empty where a seed diverged.
        group: a letter is shared by those that can not be told apart by their test scores (`statistics.distinct`);
            empty where a seed diverged or no two backbones have two seeds in common.
        further: mean and half-width of the interval on every further split, such as a longer one, by its name.
        settings: how many settings the choice was made from.
        speed: steps a second in training, mean over seeds.
    """

    backbone: str
    score: float | None
    interval: float | None
    scores: dict[int, float]
    group: str
    further: dict[str, tuple[float, float | None]]
    validation: float | None
    seeds: int
    settings: int
    parameters: int
    state_bytes: int | None
    speed: float
    diverged: int
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """A ranking, best first. `unfinished` counts trials that have no result, by status."""

    task: str
    dataset: str
    setting: str
    metric: str
    task_version: int
    fingerprint: str
    direction: str
    chance: float
    unit: str
    rows: tuple[Row, ...] = ()
    unfinished: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Trial:
    """What a board needs of a record, read once."""

    id: str
    facts: dict[str, Any]
    status: Status | None
    result: dict[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.facts.get(name) for name in _KEY)

    def validation(self) -> float:
        """The score that selection goes by, less being better; infinite for a diverged trial."""
        score = self.result.get("validation", {}).get(self.facts["metric"])
        if self.status != Status.DONE or score is None or not math.isfinite(score):
            return math.inf
        return score if self.facts["direction"] == "min" else -score


def boards(
    records: Iterable[Record], task: str | None = None, dataset: str | None = None, setting: str | None = None
) -> list[Board]:
    """All boards of the records, those of a task, a dataset and a setting only if given."""
    groups: defaultdict[tuple[Any, ...], list[_Trial]] = defaultdict(list)
    for trial in _read(records, task=task, dataset=dataset, setting=setting):
        groups[trial.key].append(trial)
    return [_board(groups[key]) for key in sorted(groups)]


def best_record(records: Sequence[Record], **filters: str | None) -> Record:
    """The trial with the best validation score.

    Args:
        filters: as those of `boards`.

    Raises:
        UserError: no trial is done, or trials of several boards are and the filters do not choose one.
    """
    winners: dict[tuple[Any, ...], _Trial] = {}
    for trial in sorted(_read(records, **filters), key=lambda trial: (trial.validation(), trial.id)):
        if math.isfinite(trial.validation()):
            winners.setdefault(trial.key, trial)
    if not winners:
        raise UserError("no trial is done yet, so none is best; `rnnbench` runs one")
    if len(winners) > 1:
        names = ", ".join(f"{trial.id} ({' '.join(map(str, key[:3]))})" for key, trial in winners.items())
        raise UserError(f"'best' of what? Name a run, or choose by --task, --dataset and --setting; best are: {names}")
    (winner,) = winners.values()
    return next(record for record in records if record.id == winner.id)


def _read(records: Iterable[Record], **filters: str | None) -> list[_Trial]:
    trials = [_Trial(record.id, record.facts, record.status, record.result) for record in records]
    whole = [trial for trial in trials if all(name in trial.facts for name in (*_KEY, "backbone", "setting_id"))]
    wanted = {name: value for name, value in filters.items() if value is not None}
    return [trial for trial in whole if all(trial.facts[name] == value for name, value in wanted.items())]


def _board(trials: Sequence[_Trial]) -> Board:
    facts = trials[0].facts
    finished: defaultdict[str, list[_Trial]] = defaultdict(list)
    unfinished = Counter(str(trial.status) for trial in trials if trial.status not in _RANKED)
    for trial in trials:
        if trial.status in _RANKED:
            finished[trial.facts["backbone"]].append(trial)
    sign = 1 if facts["direction"] == "min" else -1
    rows = [_row(backbone, finished[backbone]) for backbone in finished]
    rows.sort(key=lambda row: (math.inf if row.score is None else sign * row.score, row.backbone))
    rows = _grouped(rows)
    described = {name: facts[name] for name in (*_KEY, "direction", "chance", "unit")}
    return Board(**described, rows=tuple(rows), unfinished=dict(sorted(unfinished.items())))


def _grouped(rows: Sequence[Row]) -> list[Row]:
    """The rows, best first, with the letters of their groups."""
    scores = {row.backbone: row.scores for row in rows if row.scores}
    several = [name for name, by_seed in scores.items() if len(by_seed) > 1]
    letters = groups(list(scores), distinct(scores)) if len(several) > 1 else {}
    return [dataclasses.replace(row, group=letters.get(row.backbone, "")) for row in rows]


def _row(backbone: str, trials: Sequence[_Trial]) -> Row:
    settings: defaultdict[str, list[_Trial]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: (trial.facts["seed"], trial.id)):
        settings[trial.facts["setting_id"]].append(trial)
    chosen = min(settings.values(), key=lambda group: (_mean(trial.validation() for trial in group), group[0].id))
    diverged = sum(trial.status == Status.DIVERGED for trial in chosen)
    metric = chosen[0].facts["metric"]
    score, interval = (None, None) if diverged else _score(chosen, metric)
    further = [] if diverged else _further(chosen, metric)
    validation = _mean(trial.validation() for trial in chosen)
    sign = 1 if chosen[0].facts["direction"] == "min" else -1
    return Row(
        backbone=backbone,
        score=score,
        interval=interval,
        scores={} if diverged else {trial.facts["seed"]: trial.result["test"][metric] for trial in chosen},
        group="",
        further={name.removesuffix(f"/{metric}"): _score(chosen, name) for name in further},
        validation=sign * validation if math.isfinite(validation) else None,
        seeds=len(chosen),
        settings=len(settings),
        parameters=chosen[0].result["parameters"],
        state_bytes=chosen[0].result["state_bytes"],
        speed=_mean(trial.result[f"{trial.facts['unit']}_per_second"] for trial in chosen),
        diverged=diverged,
        trials=tuple(trial.id for trial in chosen),
    )


def _further(trials: Sequence[_Trial], metric: str) -> list[str]:
    """Names of the metric on the further splits that all of the trials were tested on."""
    names = trials[0].result["test"]
    tested = (name for name in names if all(name in trial.result["test"] for trial in trials))
    return [name for name in tested if name.endswith(f"/{metric}")]


def _score(trials: Sequence[_Trial], metric: str) -> tuple[float, float | None]:
    return mean_and_interval([trial.result["test"][metric] for trial in trials])


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
