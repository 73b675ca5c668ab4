"""Kits that show whether a backbone or a task keeps its contract. For built-in ones and for anybody's.

With pytest, each check a test of its own::

    from functools import partial
    import pytest
    from rnnbench.testing import BACKBONE_CHECKS, TASK_CHECKS

    @pytest.mark.parametrize("check", BACKBONE_CHECKS)
    def test_backbone(check):
        check(partial(MyCell, hidden_size=8))

    @pytest.mark.parametrize("check", TASK_CHECKS)
    def test_task(check):
        check(MyTask)

All at once, anywhere: ``check_backbone(partial(MyCell, hidden_size=8))``, ``check_task(MyTask)``. From the command
line: ``rnnbench check backbone=my_cell``, ``rnnbench check task=my_task``.

Each name is imported when it is first used: a backbone is checked without waiting for what reads data.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnbench.testing.backbone import BACKBONE_CHECKS, check_backbone, outcomes, small
    from rnnbench.testing.check import Check, ContractError, Make, MakeTask, Outcome, TaskCheck
    from rnnbench.testing.construction import parameters_match
    from rnnbench.testing.task import TASK_CHECKS, check_task, task_outcomes

_HOMES = {
    "BACKBONE_CHECKS": "backbone",
    "check_backbone": "backbone",
    "outcomes": "backbone",
    "small": "backbone",
    "parameters_match": "construction",
    "TASK_CHECKS": "task",
    "check_task": "task",
    "task_outcomes": "task",
    "Check": "check",
    "ContractError": "check",
    "Make": "check",
    "MakeTask": "check",
    "Outcome": "check",
    "TaskCheck": "check",
}

__all__ = [
    "BACKBONE_CHECKS",
    "TASK_CHECKS",
    "Check",
    "ContractError",
    "Make",
    "MakeTask",
    "Outcome",
    "TaskCheck",
    "check_backbone",
    "check_task",
    "outcomes",
    "parameters_match",
    "small",
    "task_outcomes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnnbench.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rnnbench.testing.{_HOMES[name]}"), name)
