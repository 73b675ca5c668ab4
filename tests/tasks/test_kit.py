"""Every built-in task keeps the contract, every check a test of its own."""

import functools

import pytest

from rnnbench import plugins
from rnnbench.testing import TASK_CHECKS, MakeTask, TaskCheck

BUILT_IN = [name for name, plugin in plugins.find("task").items() if plugin.source.startswith("rnnbench ")]


@functools.cache
def make(name: str) -> MakeTask:
    return plugins.get("task", name).load()


@pytest.mark.parametrize("check", TASK_CHECKS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_task(name: str, check: TaskCheck):
    check(make(name))
