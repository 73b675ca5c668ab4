"""The composed config: every setting, its value, and where the value comes from. Arguments are overrides: key=value.

With a run's id, the beginning of one or its folder instead: that trial on a page.
"""

import argparse
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from rnnbench.config import leaves
from rnnbench.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings to compose with; or a RUN")
    parser.add_argument("--config-dir", metavar="DIR", help="a further folder of configs")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written (RNNBENCH_OUTPUTS, ./outputs)")


def main(arguments: argparse.Namespace) -> int:
    runs = [word for word in arguments.overrides if "=" not in word and word[:1] not in "~+"]
    if not runs:
        return _config(arguments)
    if len(arguments.overrides) > 1:
        raise UserError(f"show one run, or a config of key=value: '{runs[0]}' is no setting")
    return _trial(runs[0], arguments)


def _trial(run: str, arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape

    from rnnbench import settings
    from rnnbench.leaderboard import tables, trial_page
    from rnnbench.report.commands import command
    from rnnbench.screen import screen
    from rnnbench.storage.record import find_record

    record = find_record(settings.outputs_dir(arguments.outputs_dir), run)
    if arguments.json:
        parts = ("facts", "state", "result", "config", "environment", "metrics", "samples")
        print(json.dumps({part: getattr(record, part) for part in parts}, indent=2))
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for line in trial_page.lines_of(record):
        console.print(escape(line))
    tables.show([trial_page.scores_sheet(record), trial_page.costs_sheet(record)], screen())
    config = dict(leaves(record.config))
    if config:
        console.print(f"[bold]again[/bold]  rnnbench {escape(command(config))} seed={config.get('seed')}")
    for sample in trial_page.samples_of(record):
        console.print(f"[dim]sample[/dim] {escape(sample)}")
    return 0


def _config(arguments: argparse.Namespace) -> int:
    import dataclasses

    from rnnbench import options, settings
    from rnnbench.compose import compose, resolve
    from rnnbench.learners import learner_for
    from rnnbench.trial import Preparation, build_task

    composed = compose(arguments.overrides, arguments.config_dir)
    config = resolve(composed)
    learner_class = learner_for(build_task(config))
    matched = {}
    if config.match.budget:  # which the data has a say in, by its vocabulary
        trial = Preparation().prepare(config)
        config, matched = trial.config, {"backbone.hidden_size": str(trial.match)}
    origins = Origins(composed, learner_class.__name__)
    values = dataclasses.asdict(config)
    values["learner"] = options.defaults(learner_class, "learner", config.learner)
    values["outputs_dir"] = str(settings.outputs_dir(config.outputs_dir))
    values["data_dir"] = str(settings.data_dir(config.data_dir) or "") or None
    rows = [(key, value, matched.get(key) or origins.of(key, value)) for key, value in leaves(values)]
    if arguments.json:
        print(json.dumps([{"setting": key, "value": value, "from": origin} for key, value, origin in rows], indent=2))
    else:
        _print(rows)
    return 0


class Origins:
    """Where each value of a composed config comes from, the last to set it winning as in Hydra."""

    def __init__(self, composed: DictConfig, learner: str) -> None:
        hydra = composed.hydra
        self.choices = {group: name for group, name in hydra.runtime.choices.items() if not group.startswith("hydra/")}
        self.learner = learner
        self.typed = {override.lstrip("+~").partition("=")[0].partition("@")[0] for override in hydra.overrides.task}
        self.experiment = self.choices.get("experiment")
        text = (
            _read_config(hydra.runtime.config_sources, f"experiment/{self.experiment}.yaml") if self.experiment else ""
        )
        content = yaml.safe_load(text or "") or {}
        defaults = content.pop("defaults", [])
        self.in_experiment = {key for key, _ in leaves(content)}
        self.in_experiment |= {key.split("/")[-1] for entry in defaults if isinstance(entry, dict) for key in entry}

    def of(self, key: str, value: Any) -> str:
        """Where the value of a setting comes from."""
        section, _, name = key.partition(".")
        chosen = name == "name" and section in self.choices
        if key in self.typed or (chosen and section in self.typed):
            return "command line"
        if key in self.in_experiment or (chosen and section in self.in_experiment):
            return f"experiment {self.experiment}"
        variable = {"data_dir": "RNNBENCH_DATA", "outputs_dir": "RNNBENCH_OUTPUTS"}.get(key, "")
        if os.environ.get(variable) and value == str(Path(os.environ[variable]).expanduser()):
            return f"environment {variable}"
        if section == "learner":
            return f"default of {self.learner}"
        if section in self.choices and not chosen:
            return f"default of {section} {self.choices[section]}"
        return "conf/config.yaml"


def _read_config(sources: Any, name: str) -> str | None:
    """The text of a config file, by the places where Hydra looks."""
    for source in sources:
        root = {"pkg": resources.files, "file": Path}.get(source.schema)
        file = root(source.path).joinpath(name) if root else None
        if file is not None and file.is_file():
            return file.read_text("utf-8")
    return None


def _print(rows: list[tuple[str, Any, str]]) -> None:
    from rich.table import Table

    from rnnbench.screen import fit, screen

    table = Table("setting", "value", "from", title="[bold]config of a trial", title_justify="left")
    for key, value, origin in rows:
        style = "" if origin.startswith(("default", "conf/")) else "bold"
        table.add_row(key, json.dumps(value, ensure_ascii=False), origin, style=style)
    console = screen()
    fit(table, console)
    console.print(table)
