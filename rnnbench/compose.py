"""Composes configs with Hydra, which is all that Hydra does here: defaults, overrides, experiments.

Task and backbone options come from the plugins' constructors: a config source of our own hands Hydra a typed node for
the plugin that is chosen, by whichever way, and imports no other.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from rnnbench import options, plugins
from rnnbench.config import Config
from rnnbench.errors import UserError, first_line, not_among
from rnnbench.optimization import OPTIMIZERS, SCHEDULES

CONFIG_MODULE = "rnnbench.conf"
SEARCH_PATH = "plugins://rnnbench"
_KINDS: dict[str, plugins.Kind] = {"task": "task", "backbone": "backbone"}


class PluginSource(ConfigSource):
    """Shows Hydra the plugins as config groups ``task`` and ``backbone``."""

    @staticmethod
    def scheme() -> str:
        return "plugins"

    def load_config(self, config_path: str) -> ConfigResult:
        group, _, name = config_path.removesuffix(".yaml").partition("/")
        if not self.is_config(config_path):
            raise ConfigLoadError(f"no plugin '{config_path}'")
        node = OmegaConf.structured(options.node(plugins.get(_KINDS[group], name).load(), name))
        return ConfigResult(provider=self.provider, path=SEARCH_PATH, config=node, header={"package": None})

    def is_group(self, config_path: str) -> bool:
        return config_path.strip("/") in _KINDS

    def is_config(self, config_path: str) -> bool:
        group, _, name = config_path.removesuffix(".yaml").partition("/")
        return group in _KINDS and name in plugins.find(_KINDS[group])

    def available(self) -> bool:
        return True

    def list(self, config_path: str, results_filter: ObjectType | None) -> "list[str]":
        group = config_path.strip("/")
        if group == "":
            return [] if results_filter == ObjectType.CONFIG else sorted(_KINDS)
        names = plugins.find(_KINDS[group]) if group in _KINDS else {}
        return [] if results_filter == ObjectType.GROUP else sorted(names)


def register() -> None:
    """Makes the plugins and the typed schema known to Hydra. Calling it again changes nothing."""
    Plugins.instance().register(PluginSource)
    schema = OmegaConf.structured(Config)
    schema.learner = {}
    OmegaConf.set_struct(
        OmegaConf.select(schema, "learner"), False
    )  # its options are checked once the task's shape is known
    store = ConfigStore.instance()
    store.store("schema", schema)
    for name, optimizer in OPTIMIZERS.items():
        store.store(name, optimizer, group="optimizer")
    for name, schedule in SCHEDULES.items():
        store.store(name, schedule, group="schedule")


@contextlib.contextmanager
def hydra_session() -> Iterator[None]:
    """Hydra initialised with our configs; a session of the caller's own, if there is one, is put back afterwards."""
    register()
    state = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = state


def compose(overrides: Sequence[str], config_dir: str | None = None) -> DictConfig:
    """The composed config, with a node ``hydra``; values are typed, references such as ``${seed}`` not yet resolved.

    Args:
        overrides: in Hydra's grammar, as on the command line.
        config_dir: a further folder of configs, such as the person's own experiments.

    Raises:
        UserError: an override can not be parsed, or names or sets what is not there.
    """
    path = [SEARCH_PATH]
    if config_dir is not None:
        if not Path(config_dir).is_dir():
            raise UserError(f"config folder '{config_dir}' does not exist")
        path.append(f"file://{Path(config_dir).resolve()}")
    searchpath = f"hydra.searchpath=[{','.join(path)}]"
    with hydra_session(), explained():
        return hydra_compose("config", [searchpath, *overrides], return_hydra_config=True)


def group_options(group: str) -> list[str]:
    """The names that a config group such as ``backbone`` has, plugins included."""
    with hydra_session():
        loader = GlobalHydra.instance().config_loader()
        return loader.get_group_options(group, ObjectType.CONFIG, "config", [])


def resolve(composed: DictConfig) -> Config:
    """The typed config of a composed one, every value checked for its range; a budget leaves the width None.

    Raises:
        UserError: a setting is unknown, missing or out of range, or asks for more than another setting's value.
    """
    plain = DictConfig({key: composed._get_node(key) for key in composed if key != "hydra"})
    _refuse_resolvers(plain)
    _refuse_unknown(plain, Config, "")
    values: dict[str, Any] = {}
    for name in Config.__dataclass_fields__:
        with explained():
            values[name] = _value(plain, name)
    config = Config(**values)
    _leave_width_open(config, composed)
    return config


def _value(plain: DictConfig, name: str) -> Any:
    if name not in plain or OmegaConf.is_missing(plain, name):
        raise UserError(f"{name} is missing; give {name}=VALUE")
    node = plain[name]
    if OmegaConf.is_config(node):
        _refuse_unknown(node, OmegaConf.get_type(node), f"{name}: ")
    if name in ("task", "backbone", "learner"):
        _refuse_missing(node, name)
        return OmegaConf.to_container(node, resolve=True)
    try:
        return OmegaConf.to_object(node) if OmegaConf.is_config(node) else node
    except ValueError as error:
        if isinstance(error, OmegaConfBaseException):
            raise
        raise UserError(f"{name}.{error}") from error


def _leave_width_open(config: Config, composed: DictConfig) -> None:
    """Empties `backbone.hidden_size` where a budget is to choose it; one that is typed beats a width that a file sets.

    Raises:
        UserError: the width is given as well, or there is none to choose.
    """
    if config.match.budget is None:
        return
    key, asked = f"match.{config.match.budget[0]}", config.match.budget[1]
    name, width = config.backbone["name"], config.backbone.get("hidden_size")
    if width is None:
        raise UserError(f"{key}={asked} can choose nothing: backbone {name} has no option hidden_size")
    typed = {line.lstrip("+~").partition("=")[0] for line in composed.hydra.overrides.task}
    default = OmegaConf.get_type(composed.backbone).hidden_size  # pyright: ignore[reportOptionalMemberAccess]
    if "backbone.hidden_size" in typed or (key not in typed and width != default):
        both = f"backbone.hidden_size={width} and {key}={asked} both choose the width"
        raise UserError(f"{both}; leave out one, or undo the budget with {key}=null")
    reference = re.search(r"\$\{\.*(backbone\.)?hidden_size\}", OmegaConf.to_yaml(composed))
    if reference:
        raise UserError(f"'{reference.group()}' has no value before {key} has chosen it; type a number")
    config.backbone["hidden_size"] = None


def _refuse_unknown(node: DictConfig, kind: Any, where: str) -> None:
    """Hydra's ``+key=value`` adds even to typed nodes; here nothing may be added to them."""
    names = list(getattr(kind, "__dataclass_fields__", node))
    for key in node:
        if key not in names:
            raise UserError(f"{where}{not_among('setting', key, names)}")


def _refuse_missing(node: DictConfig, name: str) -> None:
    missing = sorted(OmegaConf.missing_keys(node))
    if missing:
        raise UserError(f"{name} '{node.name}' needs {name}.{missing[0]}=VALUE")


def _refuse_resolvers(plain: DictConfig) -> None:
    """Environment variables and the like stay out of configs: what a config says is written down and sent on."""
    text = OmegaConf.to_yaml(plain)
    found = re.search(r"\$\{\s*[\w.]+\s*:[^}]*\}?", text)
    if found:
        raise UserError(f"'{found.group()}' is not resolved; only references such as ${{backbone.hidden_size}} are")


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns what Hydra and OmegaConf raise into one line for the person."""
    try:
        yield
    except MissingConfigException as error:
        raise UserError(_explain_missing(error)) from error
    except OverrideParseException as error:
        raise UserError(
            f"'{error.override}' is not an override; type key=value, such as trainer.max_epochs=5"
        ) from error
    except ConfigCompositionException as error:
        cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else None
        raise UserError(_explain_value(cause) if cause else _one_line(str(error))) from error
    except OmegaConfBaseException as error:
        raise UserError(_explain_value(error)) from error
    except UserError:
        raise
    except HydraException as error:
        raise UserError(_one_line(str(error))) from error
    except Exception as error:  # Hydra meets much wrong input with a TypeError or an AssertionError of its own
        raise UserError(f"these settings can not be composed: {first_line(error)}") from error


def _explain_missing(error: MissingConfigException) -> str:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    found = re.search(r"Could not find '(.+)/(.+?)'", str(error))
    if found:
        group, name = found.groups()
    if group in _KINDS:
        return plugins.unknown(_KINDS[group], name)
    if group and error.options is not None:
        return not_among(group, name, list(error.options))
    return _one_line(str(error))


def _explain_value(error: OmegaConfBaseException) -> str:
    key = str(error.full_key or error.key or "")
    message = str(error).splitlines()[0]
    if isinstance(error, ValidationError):
        return f"{key}: {message[0].lower()}{message[1:]}"
    if message.startswith("Key '") and isinstance(error.parent_node, DictConfig):
        section, _, name = key.rpartition(".")
        near = not_among("setting", name, [str(option) for option in error.parent_node])
        return f"{section}: {near}" if section else near
    return f"{key}: {message}" if key else message


def _one_line(message: str) -> str:
    return " ".join(line.strip() for line in message.strip().splitlines() if line.strip())
