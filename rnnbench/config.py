"""The composed config, typed: what each setting is and may be. The defaults stand in ``conf/config.yaml``.

Imports no torch, so that configs can be read and checked at once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from rnnbench.errors import UserError, at_least, first_line, fraction, not_among
from rnnbench.optimization import OPTIMIZERS, SCHEDULES, Optimizer, Schedule

# Settings that can not change a trial's numbers, save by rounding: no part of its identity.
IRRELEVANT = (
    "data_dir",
    "outputs_dir",
    "logger",
    "sweep",
    "search",
    "diagnostics",
    "match",  # the width that it chooses is part of the identity: the same network, however asked for, is one trial
    "trainer.accelerator",
    "trainer.threads",
    "trainer.progress",
    "trainer.checkpoint_seconds",
)

# Settings that came later. Where they are null a trial keeps the id that it had before there were any.
LATER = ("trainer.diverged_above", "stack.last_size", "learner.bptt_deviation")

# Settings of a sweep that some executors have no use for.
EXECUTORS_OF = {
    "cpus": ("ray", "slurm"),
    "gpus": ("ray", "slurm"),
    "address": ("ray",),
    "partition": ("slurm",),
    "minutes": ("slurm",),
}


@dataclass(kw_only=True)
class StackConfig:
    """How backbones are stacked (`rnnbench.stack`). The regularisers may be left out: they are then off."""

    num_layers: int
    last_size: int | None = None
    dropout: float
    locked_dropout: float = 0.0
    weight_drop: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    norm: str
    residual: bool
    highway: bool = False
    bidirectional: bool

    def __post_init__(self) -> None:
        at_least(1, num_layers=self.num_layers)
        if self.last_size is not None:
            at_least(1, last_size=self.last_size)
            if self.num_layers == 1:
                raise ValueError("last_size is for the last of several layers; set backbone.hidden_size instead")
        fraction(dropout=self.dropout, locked_dropout=self.locked_dropout, weight_drop=self.weight_drop)
        fraction(recurrent_dropout=self.recurrent_dropout, zoneout=self.zoneout)
        _one_of("norm", self.norm, ("none", "layer", "rms"))
        if self.residual and self.highway:
            raise ValueError("residual and highway both carry the input past a layer; set one of them to false")


@dataclass(kw_only=True)
class TrainerConfig:
    """How a trial is trained (`rnnbench.training`)."""

    max_epochs: int
    batch_size: int
    gradient_clip: float | None
    gradient_clip_by: str = "norm"
    averaging: str = "none"
    averaging_after: int = 5
    diverged_above: float | None = None
    patience: int | None
    precision: str
    accelerator: str
    threads: int | None
    progress: bool
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        at_least(0, checkpoint_seconds=self.checkpoint_seconds)
        at_least(1, max_epochs=self.max_epochs, batch_size=self.batch_size)
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise ValueError(f"gradient_clip must be above 0 or null, got {self.gradient_clip}")
        _one_of("gradient_clip_by", self.gradient_clip_by, ("norm", "value"))
        _one_of("averaging", self.averaging, ("none", "asgd", "nt_asgd"))
        at_least(0, averaging_after=self.averaging_after)
        if self.diverged_above is not None and not math.isfinite(self.diverged_above):
            raise ValueError(f"diverged_above must be a finite loss or null, got {self.diverged_above}")
        if self.patience is not None:
            at_least(1, patience=self.patience)
        if self.threads is not None:
            at_least(1, threads=self.threads)
        _one_of("precision", self.precision, ("32-true", "64-true", "bf16-true", "bf16-mixed", "16-mixed"))
        _one_of("accelerator", self.accelerator, ("auto", "cpu", "gpu"))


@dataclass
class LoggerConfig:
    """What Weights & Biases is told (`rnnbench.tracking`)."""

    mode: str
    project: str
    tags: list[str]

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, ("offline", "online", "disabled"))


@dataclass
class SweepConfig:
    """How the trials of a sweep are run (`rnnbench.sweep`): no trial's numbers depend on it.

    Attributes:
        name: null names it by its content.
        executor: where trials run.
        workers: how many trials run at once; null takes as many as there are cores, or one a GPU.
        timeout: seconds that a trial may take.
        memory: GiB that a trial may take: of the process, or of the GPU, which then takes as many trials as fit.
        zip: axes whose values go together.
        cpus: of a trial on a cluster.
        gpus: of a trial on a cluster; Ray lets trials share one.
        address: HOST:PORT of a Ray cluster; null finds the one that this machine belongs to.
        partition: of SLURM; null for its default.
        minutes: that SLURM gives a trial at a time.
    """

    name: str | None = None
    executor: str = "local"
    workers: int | None = None
    timeout: float | None = None
    memory: float | None = None
    zip: list[Any] = field(default_factory=list)
    cpus: int = 1
    gpus: float = 0.0
    address: str | None = None
    partition: str | None = None
    minutes: int = 60

    def __post_init__(self) -> None:
        if self.name is not None and not (self.name.replace("-", "").replace("_", "").isalnum()):
            raise ValueError(f"name '{self.name}' may hold letters, digits, '-' and '_' only")
        _one_of("executor", self.executor, ("local", "ray", "slurm"))
        if self.workers is not None:
            at_least(1, workers=self.workers)
        at_least(1, cpus=self.cpus)
        at_least(5, minutes=self.minutes)  # SLURM says up to two minutes before the end that it is near
        at_least(0, gpus=self.gpus)
        for setting in fields(self):
            own = EXECUTORS_OF.get(setting.name, (self.executor,))
            if self.executor not in own and getattr(self, setting.name) != setting.default:
                raise ValueError(f"{setting.name} is for executor={' or executor='.join(own)}, not {self.executor}")
        for name in ("timeout", "memory"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0 or null, got {value}")


@dataclass(kw_only=True)
class SearchConfig:
    """How a sweep searches (`rnnbench.sweep.search`) and which trials it ends early (`rnnbench.sweep.pruning`)."""

    trials: int | None = None
    sampler: str = "tpe"
    seed: int = 0
    objectives: list[str] = field(default_factory=list)
    pruner: str = "none"
    min_epochs: int = 1
    reduction_factor: int = 3

    def __post_init__(self) -> None:
        if self.trials is not None:
            at_least(1, trials=self.trials)
        _one_of("sampler", self.sampler, ("tpe", "random", "grid", "cmaes", "nsga2"))
        at_least(0, seed=self.seed)
        _one_of("pruner", self.pruner, ("none", "asha", "median"))
        at_least(1, min_epochs=self.min_epochs)
        at_least(2, reduction_factor=self.reduction_factor)
        if self.pruner != "none" and len(self.objectives) > 1:
            raise ValueError(f"pruner={self.pruner} judges by one score; with several objectives leave it out")


@dataclass
class DiagnosticsConfig:
    """What is looked at while a trial trains (`rnnbench.diagnostics.watching`): none of it changes its numbers."""

    gradient_flow: bool = False
    every: int = 100

    def __post_init__(self) -> None:
        at_least(1, every=self.every)


@dataclass
class MatchConfig:
    """The budget that chooses `backbone.hidden_size` (`rnnbench.matching`), one of these or none."""

    parameters: int | None = None
    state_bytes: int | None = None
    flops: int | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        at_least(1, **given)
        if len(given) > 1:
            raise ValueError(f"{' and match.'.join(given)} are two budgets; give one")

    @property
    def budget(self) -> tuple[str, int] | None:
        """Name and size of the budget that is given."""
        return next(((name, value) for name, value in asdict(self).items() if value is not None), None)


@dataclass
class Config:
    """One trial. `task`, `backbone` and `learner` are dicts of the options of what they name, which checks them."""

    task: Any
    backbone: Any
    learner: Any
    stack: StackConfig
    optimizer: Optimizer
    schedule: Schedule
    trainer: TrainerConfig
    logger: LoggerConfig
    sweep: SweepConfig
    seed: int
    data_dir: str | None
    outputs_dir: str | None
    match: MatchConfig = field(default_factory=MatchConfig)  # older records know none
    search: SearchConfig = field(default_factory=SearchConfig)  # nor this
    diagnostics: DiagnosticsConfig = field(default_factory=DiagnosticsConfig)  # nor this

    def refuse_search(self, advice: str) -> None:
        """Refuses to be taken for one trial where a search is asked for.

        Raises:
            UserError: `search.trials` is set.
        """
        if self.search.trials is not None:
            raise UserError(f"search.trials={self.search.trials} is a search of many trials; {advice}")


def from_dict(values: Mapping[str, Any]) -> Config:
    """The config that `dataclasses.asdict` gave as `values`.

    Raises:
        UserError: it is of another version of rnnbench.
    """
    parts = {"stack": StackConfig, "trainer": TrainerConfig, "logger": LoggerConfig, "sweep": SweepConfig}
    later = {"match": MatchConfig, "search": SearchConfig, "diagnostics": DiagnosticsConfig}
    parts |= {name: part for name, part in later.items() if name in values}
    try:
        parts["optimizer"] = type(OPTIMIZERS[values["optimizer"]["name"]])
        parts["schedule"] = type(SCHEDULES[values["schedule"]["name"]])
        return Config(**{**values, **{name: part(**values[name]) for name, part in parts.items()}})
    except (KeyError, TypeError) as error:
        raise UserError(f"a config of another version of rnnbench: {first_line(error)}") from error


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and values of a nesting of dicts."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(not_among(name, value, choices))
