"""Every kind of learner is listened to: what its first stack reads, what the loss wants of it, and what can not be."""

import math
from typing import Any

import pytest
import torch
from learners.test_conditioned import shown
from learners.test_ctc import dictation
from learners.test_sequence_to_sequence import backwards
from learners.toys import BOTH_WAYS, STACK, Toy, make, ragged
from torch import Tensor

from rnnbench.diagnostics.diagnosis import diagnose
from rnnbench.diagnostics.listening import rows_read
from rnnbench.diagnostics.parts import parts_of
from rnnbench.diagnostics.subjects import Look
from rnnbench.diagnostics.trained import of_learner
from rnnbench.errors import UserError
from rnnbench.learners.aligned import AlignedLearner
from rnnbench.learners.conditioned import ConditionedLearner
from rnnbench.learners.ctc import CTCLearner
from rnnbench.learners.pooled import PooledLearner
from rnnbench.learners.sequence_to_sequence import SequenceToSequenceLearner
from rnnbench.learners.stream import StreamLearner
from rnnbench.values import Tokens

LEARNERS = ["aligned", "stream", "last", "mean", "ctc", "translating", "translating alone", "first", "state"]


def toy(shape: Any, targets: Any) -> Toy:
    rows = {"inputs": ragged((), 0, size=5), "targets": targets}
    return Toy(shape, Tokens(5), Tokens(4), rows)


def built(kind: str, config: Any = STACK, **options: Any) -> Any:
    aligned = toy("many_to_many_aligned", ragged((), 1, size=4))
    single = toy("many_to_one", [row % 4 for row in range(11)])
    makers = {
        "aligned": (AlignedLearner, aligned, {}),
        "stream": (StreamLearner, aligned, {}),
        "last": (PooledLearner, single, {}),
        "mean": (PooledLearner, single, {"pooling": "mean"}),
        "ctc": (CTCLearner, dictation(), {}),
        "translating": (SequenceToSequenceLearner, backwards(), {}),
        "translating alone": (SequenceToSequenceLearner, backwards(), {"attention": "none"}),
        "first": (ConditionedLearner, shown(), {"vector_size": 6}),
        "state": (ConditionedLearner, shown(), {"vector_size": 6, "condition": "state"}),
    }
    learner_class, task, own = makers[kind]
    return make(learner_class, task, config, **own, **options).double().eval()


def first_row(learner: Any) -> Any:
    """A batch of the first row of test that has more than three steps to read, or any where it has one."""
    batches = list(learner.evaluation_batches(learner.task.data["test"], 1))
    batch = next(batch for batch in batches if int(batch.lengths[0]) > 3 or isinstance(learner, ConditionedLearner))
    if batch.inputs.is_floating_point():
        batch.inputs = batch.inputs.double()
    return batch


def nudged(learner: Any, batch: Any, step: int, change_O: Tensor) -> float:
    """The summed loss of a row where one output of the stack that reads first is changed."""

    def change(_: Any, given: Any, result: Any) -> Any:
        y_BTO = result[0].clone()
        y_BTO[0, step] += change_O
        return y_BTO, result[1]

    handle = learner.stacks()[0].register_forward_hook(change)
    with torch.no_grad():
        loss = learner.loss(learner.outputs(batch, 0), batch) * batch.mask.sum()
    handle.remove()
    return float(loss)


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_gradient_is_how_the_loss_changes_with_an_output(kind: str):
    learner = built(kind)
    batch = first_row(learner)
    row = rows_read(learner, batch)[0]
    assert torch.equal(row.y_TO, learner.stacks()[0](row.x_TE[None])[0][0]) or kind in ("state", "first")
    for step in {0, len(row.x_TE) // 2, len(row.x_TE) - 1}:
        change_O = 1e-6 * torch.randn(8, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        difference = (nudged(learner, batch, step, change_O) - nudged(learner, batch, step, -change_O)) / 2
        expected = float(row.gradient_TO[step] @ change_O)
        # CTC's loss is computed in float32.
        assert math.isclose(difference, expected, rel_tol=1e-5, abs_tol=2e-6 if kind == "ctc" else 1e-12)
    assert bool(row.gradient_TO[-1].any())


@pytest.mark.parametrize("kind", LEARNERS)
def test_every_learner_is_diagnosed(kind: str):
    learner = built(kind)
    network = of_learner(kind, learner, learner.task.data["test"], Look(steps=4, rows=3))
    assert network.x_BTI.shape[:2] == (3, 5)
    numbers = diagnose([network]).numbers[kind]
    flow = numbers["gradient_through_time"]
    assert len(flow["norm_median"]) == 4 and all(norm > 0 for norm in flow["norm_median"])
    assert network.backbone is learner.stacks()[0]


def test_stretches_end_where_the_loss_hears():
    """The direction at the end of a stretch is the gradient there, and its steps are those before."""
    learner = built("aligned")
    network = of_learner("", learner, learner.task.data["test"], Look(steps=2, rows=6))
    rows = [
        row for batch in learner.evaluation_batches(learner.task.data["test"], 50) for row in rows_read(learner, batch)
    ]
    directions = network.direction(torch.empty(0))
    for x_TE, direction_O in zip(network.x_BTI, directions, strict=True):
        ends = [
            (number, end)
            for number, row in enumerate(rows)
            for end in range(3, len(row.x_TE) + 1)
            if torch.allclose(row.x_TE[end - 3 : end], x_TE) and torch.allclose(row.gradient_TO[end - 1], direction_O)
        ]
        assert ends


@pytest.mark.parametrize(
    ("kind", "config", "options", "line"),
    [
        ("translating", BOTH_WAYS, {}, "no single step to look at"),
        ("ctc", BOTH_WAYS, {}, "no single step to look at"),
        ("first", STACK, {"input_feeding": True}, "step by step"),
    ],
)
def test_what_can_not_be_looked_into_is_said(kind: str, config: Any, options: dict[str, Any], line: str):
    learner = built(kind, config, **options)
    with pytest.raises(UserError, match=line):
        of_learner(kind, learner, learner.task.data["test"], Look(steps=4, rows=3))


def test_every_parameter_belongs_to_one_part():
    for kind, names in {
        "aligned": ["embedding", "layer_1", "head"],
        "translating": ["reader", "reader_layer_1", "decoder", "decoder_layer_1"],
        "state": ["reader", "decoder", "layer_1", "enter"],
    }.items():
        learner = built(kind)
        parts = parts_of(learner)
        assert list(parts) == names
        together = [id(parameter) for part in parts.values() for parameter in part]
        assert sorted(together) == sorted(id(parameter) for parameter in learner.parameters())
