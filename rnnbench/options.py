"""A class's keyword-only constructor parameters are its options: name, type, default. There is nothing to keep in step.

Parameters before the ``*`` are what the harness hands over and never stand in a config. A constructor that takes
``**options`` hands them on to its base class, whose options are then its own too.
"""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.errors import UserError, first_line, not_among

_PLAIN = (bool, int, float, str)


def node(owner: type, name: str) -> Any:
    """A dataclass whose fields are `name` and the options of `owner`, for OmegaConf to check keys and types against.

    Raises:
        UserError: a parameter is called ``name``, or an annotation can not be read.
    """
    fields: list[Any] = [("name", str, dataclasses.field(default=name))]
    hints = _hints(owner)
    for parameter in _parameters(owner):
        if parameter.name == "name":
            raise UserError(f"{owner.__name__} has an option 'name', which the config keeps for the plugin's own name")
        fields.append((parameter.name, _config_type(hints.get(parameter.name, Any)), _default(parameter.default)))
    return dataclasses.make_dataclass(f"{owner.__name__}Options", fields)


def build(owner: type, what: str, options: Mapping[str, Any], *handed: Any) -> Any:
    """``owner(*handed, **options)``, with whatever is wrong with an option said to the person as one line.

    Args:
        what: how the person calls the thing, such as "backbone lstm"; the line begins with it.
        options: values by option name; ``name`` is ignored.
        handed: what the harness hands over, first.

    Raises:
        UserError: an option is unknown or outside what its owner takes.
    """
    complete = _complete(owner, what, {key: value for key, value in options.items() if key != "name"})
    hints = _hints(owner)
    for key, value in complete.items():
        _check_choice(what, key, value, hints.get(key, Any))
    try:
        return owner(*handed, **complete)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{what}: {error}") from error


def defaults(owner: type, what: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of `owner`: those given, checked for name and type, and the defaults of the rest."""
    return _complete(owner, what, options)


def _complete(owner: type, what: str, options: Mapping[str, Any]) -> dict[str, Any]:
    schema = _schema(owner)
    names = [parameter.name for parameter in _parameters(owner)]
    for key in options:
        if key not in names:
            raise UserError(f"{what}: {not_among('option', key, names)}")
    try:
        complete = OmegaConf.to_container(OmegaConf.merge(schema, dict(options)), throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{what}: {str(error).splitlines()[0]}") from error
    assert isinstance(complete, dict)
    return {str(key): value for key, value in complete.items() if key != "name"}


@functools.cache
def _schema(owner: type) -> DictConfig:
    """What options are checked against; never changed, for a sweep's trials share it."""
    return OmegaConf.structured(node(owner, owner.__name__))


@functools.cache
def _parameters(owner: type) -> list[inspect.Parameter]:
    given = [parameter for init in _constructors(owner) for parameter in inspect.signature(init).parameters.values()]
    own = {parameter.name: parameter for parameter in reversed(given) if parameter.kind is parameter.KEYWORD_ONLY}
    return list(reversed(own.values()))


def _constructors(owner: type) -> list[Any]:
    """The class's constructor and, as far as each hands ``**options`` on, those of its base classes."""
    found = []
    for kind in owner.__mro__:
        if "__init__" in vars(kind):
            found.append(vars(kind)["__init__"])
            parameters = inspect.signature(found[-1]).parameters.values()
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                break
    return found


@functools.cache
def _hints(owner: type) -> dict[str, Any]:
    try:
        known = [typing.get_type_hints(init) for init in reversed(_constructors(owner))]
    except (NameError, SyntaxError, TypeError) as error:
        raise UserError(f"{owner.__name__}: the types of its options can not be read: {first_line(error)}") from error
    return {name: hint for hints in known for name, hint in hints.items()}


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return dataclasses.field(default=MISSING)
    if isinstance(value, (list, tuple)):
        return dataclasses.field(default_factory=lambda: list(value))
    if isinstance(value, dict):
        return dataclasses.field(default_factory=lambda: dict(value))
    return dataclasses.field(default=value)


def _config_type(hint: Any) -> Any:
    """The nearest type that OmegaConf checks: choices are strings to it (`build` checks them), unions are anything."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return hint
    if origin is Literal:
        kinds = {type(choice) for choice in arguments}
        return kinds.pop() if len(kinds) == 1 else Any
    if origin in (typing.Union, types.UnionType):
        kinds = [_config_type(kind) for kind in arguments if kind is not types.NoneType]
        return kinds[0] | None if len(kinds) == 1 and kinds[0] in _PLAIN else Any
    if origin in (list, tuple) and arguments and arguments[0] in _PLAIN:
        return list[arguments[0]]
    return Any


def _check_choice(what: str, key: str, value: Any, hint: Any) -> None:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if type(None) in kinds and value is None:
        return
    choices = [choice for kind in kinds if typing.get_origin(kind) is Literal for choice in typing.get_args(kind)]
    if choices and value not in choices:
        raise UserError(f"{what}: {not_among(key, value, [str(choice) for choice in choices])}")
