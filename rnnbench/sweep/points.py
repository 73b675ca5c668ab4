"""The points of a sweep, from Hydra's own override grammar: choices, ranges and globs, each crossed with each."""

import itertools
from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from rnnbench.compose import compose, explained, hydra_session
from rnnbench.errors import UserError


def points(overrides: Sequence[str], config_dir: str | None = None) -> list[list[str]]:
    """The overrides of every trial of a sweep, the last axis varying fastest.

    Axes on the command line replace those of the same name in an experiment's ``hydra.sweeper.params``.

    Raises:
        UserError: an override can not be parsed, or is an interval, which needs a search.
    """
    with hydra_session(), explained():
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        given = parser.parse_overrides(list(overrides))
    fixed = [override for override in given if not override.is_sweep_override()]
    lines = [str(override.input_line) for override in fixed]
    params = compose(lines, config_dir).hydra.sweeper.params or {}
    keys = {override.key_or_group for override in given}
    with hydra_session(), explained():
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        from_file = parser.parse_overrides([f"{key}={value}" for key, value in params.items() if key not in keys])
        axes = [_values(override) for override in [*given, *from_file]]
    return [list(point) for point in itertools.product(*axes)]


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise UserError(f"'{override.input_line}' needs a search; list values (a,b,c) or give range(start,stop,step)")
    key = override.get_key_element()
    try:
        return [f"{key}={value}" for value in override.sweep_string_iterator()]
    except HydraException as error:
        raise UserError(f"'{override.input_line}' can not be swept: {error}") from error
