"""Mistakes that authors of plugins make: each is said in one line, with the place, and harms no other trial."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

TASK = '''
import datasets
from rnnbench import Spec, Task, Tokens
from rnnbench.metrics import CrossEntropy

class Counting(Task):
    """Count to three, again and again."""

    shape = "many_to_many_aligned"

    def describe(self):
        {describe}
        return Spec(inputs=Tokens(3), targets=Tokens(3), metric="{metric}", direction="min", chance=1.58,
                    dataset="counting", setting="three", start=0)

    def splits(self):
        {splits}
        return {{name: datasets.Dataset.from_dict({{"inputs": [[1, 2, 0] * 50]}}) for name in {names}}}

    def metrics(self):
        return {{"bits": CrossEntropy("bits")}}

    def decode(self, prediction, batch):
        {decode}
        return []
'''
WHOLE = {"describe": "", "metric": "bits", "splits": "", "names": ("train", "validation", "test"), "decode": ""}
BACKBONE = '''
from rnnbench import Backbone

class Broken(Backbone):
    """Does nothing well."""

    def __init__(self, input_size, *, hidden_size: int = 8):
        super().__init__()
        {construct}

    def initial_state(self, batch_size):
        return ()

    def step(self, x_BI, state):
        {step}
'''

Rnnbench = Callable[..., Any]


def write(kind: str, name: str, text: str) -> None:
    Path(kind).mkdir(exist_ok=True)
    Path(kind, f"{name}.py").write_text(text)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"describe": "raise KeyError('words')"}, "its data can not be read: KeyError: 'words' ({file}, line 12)"),
        ({"splits": "return {'train': 3}"}, "its data can not be read: AttributeError: 'int' object"),
        ({"names": ("train", "validation")}, "splits() returns no test split"),
        ({"names": ("train",)}, "splits() returns no validation and no test split"),
        ({"metric": "bit"}, "metric 'bit' does not exist; did you mean 'bits'? (Spec.metric is a key of metrics())"),
    ],
)
def test_a_task_with_a_mistake_is_refused_before_anything_is_written(
    rnnbench: Rnnbench, mistake: dict[str, Any], message: str
):
    write("tasks", "counting", TASK.format(**{**WHOLE, **mistake}))
    said = rnnbench("task=counting", *TINY[2:])
    assert said.code == 2
    assert said.err.startswith(f"rnnbench: task counting: {message.format(file=Path('tasks/counting.py').resolve())}")
    assert said.err.count("\n") == 1
    assert not Path("outputs").exists()


def test_a_task_without_a_mistake_runs(rnnbench: Rnnbench):
    write("tasks", "counting", TASK.format(**WHOLE))
    said = rnnbench("task=counting", *TINY[2:], "trainer.max_epochs=20", "optimizer.learning_rate=0.1")
    assert said.code == 0, said.err
    assert "lstm on counting (counting, three), seed 0: test bits 0.0" in said.out


BROKEN = [
    ("raise RuntimeError('no luck')", "", "RuntimeError: no luck"),
    ("pass", "return x_BI, ()", "AttributeError: 'Broken' object has no attribute 'output_size'"),
    ("self.output_size = 8", "return x_BI[:, :3], ()", "RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
    ("self.output_size = 8", "raise IndexError('in step')", "IndexError: in step"),
]
"""What its constructor and its step do, and why a trial of it fails."""


@pytest.mark.parametrize(("construct", "step", "reason"), BROKEN)
def test_a_backbone_with_a_mistake_fails_its_trial(
    rnnbench: Rnnbench, book: Path, construct: str, step: str, reason: str
):
    write("backbones", "broken", BACKBONE.format(construct=construct, step=step or "pass"))
    said = rnnbench("backbone=broken", *TINY)
    assert said.code == 1
    assert said.err.startswith(f"rnnbench: the trial failed: {reason}")
    log = Path(said.err.strip().split()[-1])
    assert reason in log.read_text()


def test_backbones_with_a_mistake_fail_no_trial_but_their_own(rnnbench: Rnnbench, book: Path):
    names = [f"broken{number}" for number in range(len(BROKEN))]
    for name, (construct, step, _) in zip(names, BROKEN, strict=True):
        write("backbones", name, BACKBONE.format(construct=construct, step=step or "pass"))
    assert rnnbench(f"backbone={names[0]}", *TINY).code == 1
    said = rnnbench("-m", f"backbone={','.join(names)},gru", *TINY)
    assert said.code == 1
    assert "1 done, 3 failed, 1 already there" in said.out
    for name, (_, _, reason) in zip(names, BROKEN, strict=True):
        assert f"failed: backbone={name} {' '.join(TINY)}: {reason}" in said.out


def test_a_mistake_in_what_is_shown_fails_the_trial(rnnbench: Rnnbench):
    write("tasks", "counting", TASK.format(**{**WHOLE, "decode": "raise IndexError('in decode')"}))
    said = rnnbench("task=counting", *TINY[2:])
    assert (said.code, "IndexError: in decode" in said.err) == (1, True)


@pytest.mark.parametrize("path", ["tasks/helpers.py", "tasks/helpers/__init__.py"])
def test_a_file_without_a_plugin_is_named(rnnbench: Rnnbench, path: str):
    Path(path).parent.mkdir(parents=True)
    Path(path).write_text("from os import path\n")
    said = rnnbench("task=helpers")
    assert (
        said.err == f"rnnbench: task 'helpers' does not exist: ./{path} defines no class derived from rnnbench.Task\n"
    )
    assert "helpers" not in rnnbench("list").out
