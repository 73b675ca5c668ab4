"""The points of a sweep, from Hydra's own override grammar: choices, ranges and globs, each crossed with each."""

import itertools
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override

from rnnbench.compose import compose, explained, group_options
from rnnbench.errors import UserError


def points(overrides: Sequence[str], config_dir: str | None = None) -> list[list[str]]:
    """The overrides of every trial of a sweep, the last axis varying fastest.

    Axes on the command line replace those of the same name in an experiment's ``hydra.sweeper.params``.

    Raises:
        UserError: an override can not be parsed, or is an interval, which needs a search.
    """
    given = _parse(overrides)
    keys = {override.key_or_group for override in given}
    params = compose(_that_bring_axes(given), config_dir).hydra.sweeper.params or {}
    from_file = _parse([f"{key}={value}" for key, value in params.items() if key not in keys])
    return [list(point) for point in itertools.product(*map(_values, [*given, *from_file]))]


def _that_bring_axes(given: Sequence[Override]) -> list[str]:
    """Overrides that choose whole configs, such as an experiment: options fit the choices of their own point only."""
    whole = (override for override in given if "." not in override.key_or_group or override.is_hydra_override())
    return [str(override.input_line) for override in whole if not override.is_sweep_override()]


def _parse(overrides: Sequence[str]) -> list[Override]:
    with explained():
        return OverridesParser.create().parse_overrides(list(overrides))


def _values(override: Override) -> list[str]:
    line, key = override.input_line, override.get_key_element()
    if not override.is_sweep_override():
        return [str(line)]
    if override.is_hydra_override():
        raise UserError(f"'{line}': Hydra's own settings can not be swept")
    if not override.is_discrete_sweep():
        raise UserError(f"'{line}' needs a search; list values (a,b,c) or give range(start,stop,step)")
    glob = override.value()
    if isinstance(glob, Glob):
        names = group_options(override.key_or_group)
        matches = glob.filter(names)
        if not matches:
            raise UserError(f"'{line}' matches none of: {', '.join(names)}")
        return [f"{key}={name}" for name in matches]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]
