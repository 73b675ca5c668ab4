import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rnnbench = Callable[..., Any]

OWN = """
import torch
from torch import nn
from rnnbench import Backbone

class Mine(Backbone):
    '''Sees one step ahead.'''

    def __init__(self, input_size: int, *, hidden_size: int = 64) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError("hidden_size must be at least 1")
        self.output_size = hidden_size
        self.read = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch_size):
        return ()

    def step(self, x_BI, state):
        return self.read(x_BI), ()

    def forward(self, x_BTI, state=None):
        return self.read(torch.cat([x_BTI[:, 1:], x_BTI[:, :1]], 1)), ()
"""


def test_a_built_in_backbone_is_well(rnnbench: Rnnbench):
    said = rnnbench("check", "backbone=lstm", "backbone.hidden_size=4", "backbone.forget_bias=2")
    assert said.code == 0
    assert "step equals forward in float64" in said.out
    assert "wrong" not in said.out.replace("what is wrong", "")


def test_ones_own_backbone_is_told_its_mistake(rnnbench: Rnnbench):
    Path("backbones").mkdir()
    Path("backbones/mine.py").write_text(OWN)
    said = rnnbench("check", "backbone=mine")
    assert said.code == 1
    assert "off by one step?" in said.out
    said = rnnbench("check", "backbone=mine", "--json")
    assert said.code == 1
    status = {outcome["check"]: outcome["status"] for outcome in json.loads(said.out)}
    assert [name for name, found in status.items() if found == "wrong"] == ["is_causal"]
    assert status["step_equals_forward"] == "skipped"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backbone=gruu"], "backbone 'gruu' does not exist; did you mean 'gru'?"),
        (["backbone=gru", "backbone.hiden=3"], "backbone gru: option 'hiden' does not exist"),
        (["backbone=gru", "backbone.hidden_size=0"], "backbone gru: hidden_size must be at least 1, got 0"),
        (["backbone=gru", "backbone.hidden_size=wide"], "backbone gru: Value 'wide' of type 'str' could not be conv"),
        (["backbone=gru,lstm"], "'backbone=gru,lstm': check takes one value at a time"),
        (["task=language_modeling"], "'task=language_modeling': only backbones can be checked so far; type backbone"),
        (["backbone=gru", "seed=1"], "'seed=1': check takes backbone=NAME and backbone.OPTION=VALUE only"),
        (["~backbone"], "'~backbone': check takes backbone=NAME and backbone.OPTION=VALUE only"),
        (["backbone.hidden_size=3"], "which backbone? type backbone=NAME"),
        ([], "the following arguments are required: backbone=NAME"),
        (["gru"], "'gru' is not an override"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(rnnbench: Rnnbench, arguments: list[str], message: str):
    said = rnnbench("check", *arguments)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith(f"rnnbench: {message}")


def test_a_constructor_that_fails_is_said_with_its_place(rnnbench: Rnnbench):
    Path("backbones").mkdir()
    Path("backbones/mine.py").write_text(OWN.replace("self.output_size = hidden_size", "self.gates = {}['none']"))
    said = rnnbench("check", "backbone=mine")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "backbone mine can not be built: KeyError: 'none' (" in said.err
    assert "mine.py, line 13)" in said.err
