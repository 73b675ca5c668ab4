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
    assert "wrong" not in said.out


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
        (["task=language_modelling"], "task 'language_modelling' does not exist; did you mean 'language_modeling'?"),
        (["task=language_modeling", "task.levl=word"], "task language_modeling: option 'levl' does not exist; did you"),
        (["task=language_modeling", "task.dataset=text"], "task language_modeling: task.path=FILE goes with task.da"),
        (["task=language_modeling", "task.dataset=ptb", "task.level=word,character"], "'task.level=word,character': c"),
        (["task=language_modeling", "backbone=gru"], "'backbone=gru': check takes task=NAME and task.OPTION=VALUE on"),
        (["backbone=gru", "seed=1"], "'seed=1': check takes backbone=NAME and backbone.OPTION=VALUE only"),
        (["~backbone"], "'~backbone': check takes backbone=NAME and backbone.OPTION=VALUE only"),
        (["backbone.hidden_size=3"], "which one? type backbone=NAME or task=NAME"),
        ([], "the following arguments are required: backbone=NAME or task=NAME"),
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


TASK = """
import datasets
import numpy as np
from rnnbench import Sample, Spec, Task, Tokens
from rnnbench.metrics import CrossEntropy

class Mine(Task):
    '''Says the last symbol.'''

    shape = "many_to_one"

    def __init__(self, sources, *, chance: float = 1.6):
        super().__init__(sources)
        self.chance = chance

    def describe(self):
        return Spec(inputs=Tokens(5), targets=Tokens(5), metric="nats", direction="min", chance=self.chance,
                    dataset="mine", setting="last")

    def splits(self):
        generator = np.random.default_rng(0)
        rows = [generator.integers(0, 5, (50, 12)) for _ in range(3)]
        columns = ({"inputs": part, "targets": part[:, -1]} for part in rows)
        return dict(zip(("train", "validation", "test"), map(datasets.Dataset.from_dict, columns)))

    def metrics(self):
        return {"nats": CrossEntropy("nats")}

    def decode(self, prediction, batch):
        return [Sample(str(row.tolist()), str(said.argmax().item())) for row, said in
                zip(batch.inputs, prediction.outputs)]
"""


def test_ones_own_task_is_well_and_told_its_mistake(rnnbench: Rnnbench):
    Path("tasks").mkdir()
    Path("tasks/mine.py").write_text(TASK)
    said = rnnbench("check", "task=mine")
    assert said.code == 0
    assert "takes no prompt" in said.out
    said = rnnbench("check", "task=mine", "task.chance=160", "--json")
    assert said.code == 1
    wrong = [outcome for outcome in json.loads(said.out) if outcome["status"] == "wrong"]
    assert [outcome["check"] for outcome in wrong] == ["chance_is_what_guessing_scores"]
    assert "one who guesses does better" in wrong[0]["message"]


def test_a_task_that_fails_when_it_is_read_is_said_by_the_checks(rnnbench: Rnnbench):
    Path("tasks").mkdir()
    Path("tasks/mine.py").write_text(TASK.replace("range(3)", "range(None)"))
    said = rnnbench("check", "task=mine", "--json")
    assert said.code == 1
    messages = [outcome["message"] for outcome in json.loads(said.out) if outcome["status"] == "wrong"]
    assert any("raises TypeError" in message and "mine.py, line 22)" in message for message in messages)


def test_a_task_whose_data_is_not_there_is_wrong_input(rnnbench: Rnnbench):
    said = rnnbench("check", "task=language_modeling", "task.dataset=text", "task.path=no.txt")
    assert (said.code, said.err) == (
        2,
        "rnnbench: text file 'no.txt' can not be read: No such file or directory\n",
    )
