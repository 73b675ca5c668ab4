"""Every built-in backbone keeps the contract, every check a test of its own."""

import functools

import pytest

from rnnbench import plugins
from rnnbench.config import StackConfig
from rnnbench.stack import Stack, build_stack
from rnnbench.testing import BACKBONE_CHECKS, Check, Make, small

BUILT_IN = [name for name, plugin in plugins.find("backbone").items() if plugin.source.startswith("rnnbench ")]


@functools.cache
def make(name: str) -> Make:
    return small(plugins.get("backbone", name).load())


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_backbone(name: str, check: Check):
    check(make(name))


def stack(input_size: int) -> Stack:
    config = StackConfig(num_layers=2, dropout=0.3, norm="rms", residual=True, bidirectional=False)
    return build_stack(make("lstm"), input_size, config)


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
def test_stack(check: Check):
    check(stack)
