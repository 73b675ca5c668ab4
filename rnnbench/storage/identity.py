"""A trial's id: a hash of what can change its numbers, and of nothing else."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rnnbench.config import IRRELEVANT, LATER, Config

# Raise it when a change to the harness itself changes a trial's numbers: old and new trials are then kept apart.
HARNESS_VERSION = 1
ID_LENGTH = 12


def relevant(config: Config, task_irrelevant: tuple[str, ...] = ()) -> dict[str, Any]:
    """The config without what can not change the numbers.

    Args:
        task_irrelevant: the options that the task declares so.
    """
    values = dataclasses.asdict(config)
    for path in (*IRRELEVANT, *(f"task.{name}" for name in task_irrelevant)):
        section, _, name = path.rpartition(".")
        (values[section] if section else values).pop(name, None)
    for path in LATER:
        section, _, name = path.rpartition(".")
        if name in values[section] and values[section][name] is None:
            del values[section][name]
    return values


def trial_id(relevant_config: Mapping[str, Any], versions: Mapping[str, int], fingerprint: str) -> str:
    """The id of a trial, of `ID_LENGTH` hexadecimal digits.

    Args:
        relevant_config: what `relevant` returns.
        versions: of task and backbone.
        fingerprint: of the data.
    """
    content = {
        "config": relevant_config,
        "versions": {**versions, "harness": HARNESS_VERSION},
        "data": fingerprint,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]
