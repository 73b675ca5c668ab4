"""From overrides to trials, quickly: a thousand points must not take a thousand compositions."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.compose import compose, explained, resolve
from rnnbench.config import Config, leaves
from rnnbench.errors import UserError
from rnnbench.trial import Preparation, Trial

_SCALARS = ("seed", "data_dir", "outputs_dir")  # settings without a dot that are no choice of a whole config


@dataclass(frozen=True)
class Point:
    """One trial of a sweep: what the person typed for it, the config that makes, and the trial.

    `config` is as composed; `trial.config` also has the width that a budget chose and the learner's defaults.
    """

    overrides: tuple[str, ...]
    config: Config
    trial: Trial

    @property
    def id(self) -> str:
        """The trial's id."""
        return self.trial.record.id


class Planner:
    """Makes points. What they share is composed and read once."""

    def __init__(self, config_dir: str | None = None) -> None:
        self.preparation = Preparation()
        self._composer = Composer(config_dir)

    def point(self, overrides: Sequence[str]) -> Point:
        """The point that overrides make, none of them a sweep.

        Raises:
            UserError: it can not be composed or its data is missing; names the point.
        """
        try:
            config = self._composer.config(overrides)
            return Point(tuple(overrides), config, self.preparation.prepare(config))
        except UserError as error:
            raise UserError(f"{error} (in the trial {' '.join(overrides) or 'of defaults'})") from error


class Composer:
    """Composes configs that resemble each other: as `resolve(compose(overrides))`, most of them far quicker.

    Of points that set the same keys and choose the same whole configs (backbone, experiment ...), the first is
    composed. What another value of a setting does is tried on it once. A point is put together from these, if each of
    its values went to its own setting and nowhere else; if not, it is composed.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        self._config_dir = config_dir
        self._firsts: dict[tuple[str, ...], _First] = {}
        self._parsed: dict[str, Override] = {}

    def config(self, overrides: Sequence[str]) -> Config:
        """The config of a point.

        Raises:
            UserError: it can not be composed.
        """
        parsed = [self._parse(line) for line in overrides]
        alike = tuple(override.key_or_group if _plain(override) else str(override.input_line) for override in parsed)
        if len(set(alike)) < len(alike) or any(map(_reaches_further, parsed)):
            return resolve(compose(overrides, self._config_dir))
        first = self._firsts.get(alike)
        if first is None:
            composed = compose(overrides, self._config_dir)
            self._firsts[alike] = _First(frozenset(overrides), composed)
            return self._firsts[alike].config
        changes = [override for override in parsed if override.input_line not in first.lines]
        return first.changed(changes) or resolve(compose(overrides, self._config_dir))

    def _parse(self, line: str) -> Override:
        if line not in self._parsed:
            with explained():
                (self._parsed[line],) = OverridesParser.create().parse_overrides([line])
        return self._parsed[line]


class _First:
    """The first of the points that are alike, and what became of its config when one value was another."""

    def __init__(self, lines: frozenset[str], composed: DictConfig) -> None:
        self.lines = lines
        self.config = resolve(composed)
        settings = {key: composed._get_node(key) for key in composed if key != "hydra"}
        self._plain = "${" not in OmegaConf.to_yaml(DictConfig(settings))
        typed = {"overrides": {"task": list(composed.hydra.overrides.task)}}  # all that `resolve` reads of Hydra's own
        self._composed = DictConfig({**settings, "hydra": typed})
        OmegaConf.set_struct(self._composed, True)
        self._leaves = dict(leaves(dataclasses.asdict(self.config)))
        self._values: dict[str, tuple[Any] | None] = {}

    def changed(self, changes: Sequence[Override]) -> Config | None:
        """The config with some values changed; None where that is not as simple."""
        sections: dict[str, dict[str, Any]] = {}
        for override in changes:
            value = self._value(override)
            if value is None:
                return None
            section, _, name = override.key_or_group.rpartition(".")
            sections.setdefault(section, {})[name] = value[0]
        try:
            return _replaced(self.config, sections)
        except ValueError:  # values that do not go together
            return None

    def _value(self, override: Override) -> tuple[Any] | None:
        """What an override sets its key to; None where it does anything else, or can not be."""
        if self._plain and override.key_or_group == "seed" and type(override.value()) is int:
            return (override.value(),)  # any will do, and sweeps of a thousand seeds should not take a minute
        line = str(override.input_line)
        if line not in self._values:
            self._values[line] = self._tried(override) if self._plain else None
        return self._values[line]

    def _tried(self, override: Override) -> tuple[Any] | None:
        key, composed = override.key_or_group, copy.deepcopy(self._composed)
        try:
            OmegaConf.update(composed, key, override.value(), merge=True)
            after = dict(leaves(dataclasses.asdict(resolve(composed))))
        except (OmegaConfBaseException, UserError):
            return None
        others = after.keys() == self._leaves.keys() and all(
            after[other] == value for other, value in self._leaves.items() if other != key
        )
        return (after[key],) if others and key in after else None


def _plain(override: Override) -> bool:
    """Whether an override sets one setting to one value."""
    key = override.key_or_group
    setting = ("." in key or key in _SCALARS) and "/" not in key and not override.is_hydra_override()
    added = override.is_add() or override.is_force_add() or override.is_delete()
    return setting and not added and not isinstance(override.value(), (dict, list))


def _reaches_further(override: Override) -> bool:
    """Whether an override may set more than its own key says."""
    return isinstance(override.value(), dict) or "${" in str(override.input_line)


def _replaced(config: Config, sections: Mapping[str, Mapping[str, Any]]) -> Config:
    """A config with other values, by section; "" holds those that stand in none.

    Raises:
        ValueError: they do not go together.
    """
    changes = dict(sections.get("", {}))
    for name, values in sections.items():
        if name:
            section = getattr(config, name)
            options = isinstance(section, dict)
            changes[name] = {**section, **values} if options else dataclasses.replace(section, **values)
    return dataclasses.replace(config, **changes)
