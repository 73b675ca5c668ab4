"""What Optuna is asked and told: a search's axes as distributions, its samplers, and the results that they learn from.

The study lives in memory only. Whoever tells it the same results in the same order is given the same points: every
sampler is seeded by the search's seed and the number of the candidate, and by nothing else.
"""

import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rnnbench.config import SearchConfig
from rnnbench.errors import UserError, not_among
from rnnbench.sweep.points import Axis, Interval

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

# Of NSGA-II. Optuna's own 50 would draw at random until fifty trials are over, which here may be all there are.
POPULATION = 10

Choice = Mapping[str, float]  # name of an axis -> the place of a listed value, or a number of an interval


@dataclass(frozen=True)
class Objective:
    """What a search makes small, or large.

    Args:
        name: "validation/METRIC", or a cost as result.json names it.
    """

    name: str
    direction: str

    @property
    def worst(self) -> float:
        """What a diverged trial is told as."""
        return math.inf if self.direction == "min" else -math.inf

    def value(self, result: Mapping[str, Any]) -> float:
        """Its value in a trial's result."""
        split, _, metric = self.name.rpartition("/")
        return float(result[split][metric] if split else result[metric])


@dataclass(frozen=True)
class Result:
    """What came of a candidate: its values; its scores by epoch, where it was pruned; neither, where it failed."""

    values: tuple[float, ...] = ()
    curve: Mapping[int, float] = field(default_factory=dict)
    pruned: bool = False


def objectives(search: SearchConfig, facts: Mapping[str, Any]) -> list[Objective]:
    """What a search is after, on a trial with these facts: the task's own metric on validation, or what is named.

    Raises:
        UserError: a name is neither the task's metric nor the loss on validation nor a cost.
    """
    unit = facts["unit"]
    known = {f"validation/{facts['metric']}": facts["direction"], "validation/loss": "min"}
    costs = ("parameters", "state_bytes", f"flops_per_{unit[:-1]}", "activation_bytes", "peak_memory_bytes")
    known |= dict.fromkeys((*costs, "step_milliseconds", "train_seconds"), "min")
    known |= dict.fromkeys((f"{unit}_per_second", f"streaming_{unit}_per_second"), "max")
    names = search.objectives or [f"validation/{facts['metric']}"]
    for name in names:
        if name.startswith("test/"):
            raise UserError(f"search.objectives: {name} would choose by the test split; say validation/ instead")
        if name not in known:
            raise UserError(f"search.objectives: {not_among('objective', name, list(known))}")
    return [Objective(name, known[name]) for name in names]


class Study:
    """A search of some axes by Optuna's ask and tell.

    Args:
        axes: what is to be searched, each of at least two values.
        directions: "min" or "max", one an objective.

    Raises:
        UserError: Optuna is not installed, or the sampler can not search these axes.
    """

    def __init__(self, axes: Sequence[Axis | Interval], search: SearchConfig, directions: Sequence[str]) -> None:
        self.search = search
        self.distributions = {name_of(axis): _distribution(axis) for axis in axes}
        _refuse_misfit(axes, search, directions)
        words = {"min": "minimize", "max": "maximize"}
        self._study = optuna().create_study(directions=[words[direction] for direction in directions])
        self._trials: list[Trial] = []

    @property
    def asked(self) -> int:
        """How many candidates there are."""
        return len(self._trials)

    def ask(self, given: Choice | None = None) -> dict[str, float]:
        """The next candidate. One that was chosen before is given: the sampler's books are then as they were."""
        study, number = self._study, len(self._trials)
        study.sampler = _sampler(self.search, number, self.distributions)
        if given is not None:
            study.enqueue_trial(dict(given))
        trial = study.ask(self.distributions)
        _ = trial.relative_params  # samplers keep their books as they draw: also where what they draw is given
        self._trials.append(trial)
        return dict(trial.params)

    def tell(self, number: int, result: Result) -> None:
        """What came of a candidate."""
        states = optuna().trial.TrialState
        trial = self._trials[number]
        if result.pruned:
            for epoch, score in sorted(result.curve.items()):
                trial.report(score, epoch)
            self._study.tell(trial, state=states.PRUNED)
        elif result.values and not any(map(math.isnan, result.values)):
            self._study.tell(trial, list(result.values))
        else:
            self._study.tell(trial, state=states.FAIL)


def best(results: Mapping[int, Result], directions: Sequence[str]) -> list[int]:
    """Numbers of the candidates that no other beats: with one objective the first of the best, with several all that
    are at least as good in one as whichever is better in another (the Pareto front).
    """
    signs = [1 if direction == "min" else -1 for direction in directions]
    costs = {
        number: tuple(sign * value for sign, value in zip(signs, result.values, strict=True))
        for number, result in sorted(results.items())
        if result.values and all(map(math.isfinite, result.values))
    }
    if len(signs) == 1:
        return [min(costs, key=lambda number: costs[number])] if costs else []
    return [number for number, cost in costs.items() if not any(_dominates(other, cost) for other in costs.values())]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def name_of(axis: Axis | Interval) -> str:
    """What an axis is called in the study and in the ledger."""
    return ",".join(axis.keys)


def overrides_of(axis: Axis | Interval, value: float) -> tuple[str, ...]:
    """The overrides that a candidate's value on an axis stands for."""
    return axis.override(value) if isinstance(axis, Interval) else axis.values[int(value)]


@functools.cache
def optuna() -> ModuleType:
    """Optuna, quiet.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UserError("a search needs Optuna; install it with pip install 'rnnbench[search]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _distribution(axis: Axis | Interval) -> "BaseDistribution":
    kinds = optuna().distributions
    if isinstance(axis, Axis):
        last = len(axis.values) - 1
        return kinds.IntDistribution(0, last) if axis.ordered else kinds.CategoricalDistribution(range(last + 1))
    kind = kinds.IntDistribution if axis.integer else kinds.FloatDistribution
    return kind(axis.low, axis.high, log=axis.log)


def _sampler(search: SearchConfig, number: int, distributions: Mapping[str, "BaseDistribution"]) -> "BaseSampler":
    samplers = optuna().samplers
    digest = hashlib.sha256(f"{search.seed}:{number}".encode()).digest()
    seed = int.from_bytes(digest[:4])
    if search.sampler == "tpe":
        return samplers.TPESampler(seed=seed)
    if search.sampler == "cmaes":
        return samplers.CmaEsSampler(seed=seed)
    if search.sampler == "nsga2":
        return samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    if search.sampler == "grid":  # its order is drawn once for the whole search
        return samplers.GridSampler({name: _values(kind) for name, kind in distributions.items()}, seed=search.seed)
    return samplers.RandomSampler(seed=seed)


def _values(distribution: Any) -> list[int]:
    choices = getattr(distribution, "choices", None)
    return list(range(distribution.low, distribution.high + 1) if choices is None else choices)


def _refuse_misfit(axes: Sequence[Axis | Interval], search: SearchConfig, directions: Sequence[str]) -> None:
    given = f"search.sampler={search.sampler}"
    if search.sampler == "grid":
        for axis in axes:
            if isinstance(axis, Interval) and not axis.integer:
                raise UserError(f"{given} can not list {axis.key}: give values (a,b,c), or another sampler such as tpe")
    if search.sampler == "cmaes":
        _require_package("cmaes", given)
        listed = [name_of(axis) for axis in axes if isinstance(axis, Axis) and not axis.ordered]
        if listed:
            raise UserError(f"{given} searches numbers; {listed[0]} is a list of values: try tpe")
        if len(axes) < 2:
            raise UserError(f"{given} needs two axes at least; try tpe")
        if len(directions) > 1:
            raise UserError(f"{given} follows one objective; try nsga2 or tpe")


def _require_package(name: str, given: str) -> None:
    import importlib.util

    if importlib.util.find_spec(name) is None:
        raise UserError(f"{given} needs the package {name}; install it with pip install 'rnnbench[search]'")
