"""A trial before it runs: a complete config, the task and the classes it names, and the id that follows from them."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench import options, plugins, settings
from rnnbench.backbone import Backbone
from rnnbench.config import Config
from rnnbench.data.sources import Sources
from rnnbench.errors import UserError, first_line, not_among
from rnnbench.learners import learner_for
from rnnbench.learners.base import Learner
from rnnbench.matching import Match, solve
from rnnbench.stack import stack_maker
from rnnbench.storage.environment import environment
from rnnbench.storage.identity import HARNESS_VERSION, relevant, trial_id
from rnnbench.storage.record import Record, folder_of
from rnnbench.task import Task


@dataclass(frozen=True)
class Trial:
    """What is to be run, and where its record lies.

    Attributes:
        facts: what the record says of it beside the config: names, versions, data, metric, and `setting_id`, which
            trials share that differ in nothing but the seed.
        match: how a budget chose the backbone's width, where one did.
    """

    config: Config
    task: Task
    backbone_class: type[Backbone]
    learner_class: type[Learner]
    facts: dict[str, Any]
    record: Record
    match: Match | None = None

    def begin(self, *, resume: bool = False) -> None:
        """Opens the record: from here on the trial is running. `resume` goes on with what an earlier attempt left."""
        self.record.begin(dataclasses.asdict(self.config), self.facts, environment(), resume=resume)

    def build_learner(self) -> Learner:
        """A learner with fresh weights.

        Raises:
            UserError: an option of backbone or learner is out of range.
        """
        learner = _build_learner(self.config, self.task, self.backbone_class, self.learner_class)
        learner.optimize_with(self.config.optimizer, self.config.schedule)
        return learner


class Preparation:
    """Prepares trials. Those of the same task and options share its data, those of the same budget its solution."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[Task, str]] = {}
        self._classes: dict[str, type[Backbone]] = {}
        self._learners: dict[str, tuple[type[Learner], dict[str, Any]]] = {}
        self._matches: dict[str, Match] = {}

    def prepare(self, config: Config) -> Trial:
        """The trial of a config.

        Raises:
            UserError: a plugin can not be loaded, an option is out of range, the data is missing, or a budget can not
                be met.
        """
        task, fingerprint = self._task(config)
        backbone_class = self._class(config.backbone["name"])
        learner_class, learner_options = self._learner(task, config)
        config = dataclasses.replace(config, learner=learner_options)
        match = None
        if config.match.budget and config.backbone["hidden_size"] is None:
            match = self._match(config, task, backbone_class, learner_class)
            config = _of_width(config, match.hidden_size)
        facts = _facts(config, task, backbone_class.version, fingerprint)
        facts |= {"match": dataclasses.asdict(match)} if match else {}
        outputs_dir = settings.outputs_dir(config.outputs_dir)
        record = Record(folder_of(outputs_dir, facts["task"], facts["backbone"], facts["id"]))
        return Trial(config, task, backbone_class, learner_class, facts, record, match)

    def _task(self, config: Config) -> tuple[Task, str]:
        key = json.dumps([config.task, config.data_dir], sort_keys=True)
        if key not in self._tasks:
            task = build_task(config)
            self._tasks[key] = task, _read(task, config.task["name"])
        return self._tasks[key]

    def _class(self, name: str) -> type[Backbone]:
        if name not in self._classes:
            self._classes[name] = plugins.get("backbone", name).load()
        return self._classes[name]

    def _learner(self, task: Task, config: Config) -> tuple[type[Learner], dict[str, Any]]:
        found = learner_for(task)
        key = json.dumps([found.__name__, config.learner], sort_keys=True)
        if key not in self._learners:
            self._learners[key] = found, options.defaults(found, "learner", config.learner)
        return self._learners[key]

    def _match(self, config: Config, task: Task, backbone_class: Any, learner_class: type[Learner]) -> Match:
        values = dataclasses.asdict(config)
        parts = [values[name] for name in ("task", "data_dir", "backbone", "stack", "learner", "match")]
        key = json.dumps([*parts, config.trainer.precision], sort_keys=True)
        if key not in self._matches:
            self._matches[key] = solve(
                config,
                lambda width: backbone_class(1, **_backbone_options(_of_width(config, width))),
                lambda width: _build_learner(_of_width(config, width), task, backbone_class, learner_class),
            )
        return self._matches[key]


def build_task(config: Config) -> Task:
    """The task of a config; reads no data.

    Raises:
        UserError: the plugin can not be loaded or an option is out of range.
    """
    name = config.task["name"]
    sources = Sources(settings.data_dir(config.data_dir))
    return options.build(plugins.get("task", name).load(), f"task {name}", config.task, sources)


def _read(task: Task, name: str) -> str:
    """Lets a task read its data and checks what it says of itself; returns the data's fingerprint."""
    try:
        missing = [split for split in ("train", "validation", "test") if split not in task.data]
        metrics = [*task.metrics(), "loss"]
        metric, fingerprint = task.spec.metric, task.fingerprint()
    except UserError:
        raise
    # The task is a stranger's code: whatever else it raises is a mistake in it, said in one line with the place.
    except Exception as error:
        raise UserError(f"task {name}: its data can not be read: {first_line(error)}{plugins.place(error)}") from error
    if missing:
        raise UserError(f"task {name}: splits() returns no {' and no '.join(missing)} split")
    if metric not in metrics:
        raise UserError(f"task {name}: {not_among('metric', metric, metrics)} (Spec.metric is a key of metrics())")
    return fingerprint


def _build_learner(config: Config, task: Task, backbone_class: Any, learner_class: type[Learner]) -> Learner:
    what = f"backbone {config.backbone['name']}"

    def make_backbone(input_size: int, hidden_size: int | None = None) -> Backbone:
        chosen = config if hidden_size is None else _of_width(config, hidden_size)
        return options.build(backbone_class, what, chosen.backbone, input_size)

    return options.build(learner_class, "learner", config.learner, task, stack_maker(make_backbone, config.stack))


def _of_width(config: Config, hidden_size: int) -> Config:
    return dataclasses.replace(config, backbone={**config.backbone, "hidden_size": hidden_size})


def _backbone_options(config: Config) -> Mapping[str, Any]:
    return {key: value for key, value in config.backbone.items() if key != "name"}


def _facts(config: Config, task: Task, backbone_version: int, fingerprint: str) -> dict[str, Any]:
    spec = task.spec
    versions = {"task": task.version, "backbone": backbone_version}
    content = relevant(config, task.irrelevant)
    seedless = {key: value for key, value in content.items() if key != "seed"}
    return {
        "id": trial_id(content, versions, fingerprint),
        "setting_id": trial_id(seedless, versions, fingerprint),
        "task": config.task["name"],
        "task_version": task.version,
        "backbone": config.backbone["name"],
        "backbone_version": backbone_version,
        "harness_version": HARNESS_VERSION,
        "dataset": spec.dataset,
        "setting": spec.setting,
        "fingerprint": fingerprint,
        "metric": spec.metric,
        "direction": spec.direction,
        "chance": spec.chance,
        "unit": spec.unit,
        "seed": config.seed,
    }
