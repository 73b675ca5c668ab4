from typing import Any

import datasets
import numpy as np
import pytest
import torch
from learners.toys import BOTH_WAYS, Toy, evaluate, make, ragged
from torch.nn.functional import cross_entropy

from rnnbench.errors import UserError
from rnnbench.learners.aligned import OPENING, AlignedLearner
from rnnbench.learners.base import Sampling
from rnnbench.values import Bits, Reals, Tokens

SHAPE = "many_to_many_aligned"


def tagging(**more: Any) -> Toy:
    rows = {"inputs": ragged((3,), 0), "targets": ragged((), 1, size=5)}
    return Toy(SHAPE, Reals(3), Tokens(5), {**rows, **more})


def music() -> Toy:
    rows = [(row > 0).astype(np.uint8) for row in ragged((4,), 2)]
    return Toy(SHAPE, Bits(4), Bits(4), {"inputs": rows}, start=0)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("config", [None, BOTH_WAYS])
def test_scores_are_those_of_each_row_alone_whatever_the_batch_size(batch_size: int, config: Any):
    built = make(AlignedLearner, tagging(), *([config] if config else []))
    rows = zip(built.task.rows["inputs"], built.task.rows["targets"], strict=True)
    losses = []
    for inputs, targets in rows:
        with torch.no_grad():
            outputs, _ = built.eval()(torch.from_numpy(inputs)[None])
        losses.append(cross_entropy(outputs[0].double(), torch.from_numpy(targets), reduction="none"))
    scores = evaluate(built, batch_size)
    expected = torch.cat(losses).mean().item()
    assert scores["test/loss"] == pytest.approx(expected, abs=1e-6)
    assert scores["test/score"] == pytest.approx(expected, abs=1e-6)
    assert scores["test/rows"] == pytest.approx(torch.stack([loss.mean() for loss in losses]).mean().item(), abs=1e-6)


def test_only_steps_that_count_are_scored():
    mask = [np.arange(len(row)) == len(row) - 1 for row in ragged((3,), 0)]
    built, last = make(AlignedLearner, tagging(mask=mask)), []
    for inputs, targets in zip(built.task.rows["inputs"], built.task.rows["targets"], strict=True):
        with torch.no_grad():
            outputs, _ = built.eval()(torch.from_numpy(inputs)[None])
        last.append(cross_entropy(outputs[0, -1:], torch.from_numpy(targets[-1:])).item())
    assert evaluate(built, 4)["test/score"] == pytest.approx(np.mean(last), abs=1e-6)


def test_a_row_that_predicts_itself_is_shown_each_step_after_it_was_predicted():
    built = make(AlignedLearner, music())
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    assert not batch.inputs[:, 0].any()
    shown, predicted = batch.inputs[:, 1:], batch.targets[:, :-1]
    assert torch.equal(shown[batch.mask[:, 1:]], predicted[batch.mask[:, 1:]])
    rows = [row for _, row in sorted((len(row), i) for i, row in enumerate(built.task.rows["inputs"]))]
    for place, row in enumerate(rows):
        expected = torch.from_numpy(built.task.rows["inputs"][row]).float()
        assert torch.equal(batch.targets[place][batch.mask[place]], expected)


def test_a_continuation_is_what_drawing_step_by_step_from_the_whole_gives():
    built = make(AlignedLearner, music())
    long = datasets.Dataset.from_dict({"inputs": [np.ones((30, 4), np.uint8), np.eye(40, 4, dtype=np.uint8)]})
    batch = built.examples(long)
    assert batch.inputs.shape == (2, OPENING, 4)
    got = built.predict(batch, Sampling(length=5, temperature=0.0)).continuation
    whole = batch.inputs
    for _ in range(5):
        outputs, _ = built(whole)
        whole = torch.cat([whole, (outputs[:, -1:] > 0).float()], 1)
    assert torch.equal(got, whole[:, OPENING:])
    first, again, other = (built.predict(batch, Sampling(length=9, seed=seed)).continuation for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_vectors_go_into_the_stack_as_they_are_unless_embedded():
    assert isinstance(make(AlignedLearner, tagging()).embedding, torch.nn.Identity)
    assert make(AlignedLearner, tagging(), embedding_size=6).embedding.weight.shape == (6, 3)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (tagging(), {"tied": True}, "tied needs inputs and targets to be the same tokens"),
        (tagging(), {"embedding_dropout": 0.1}, "embedding_dropout drops words"),
        (music(), {"config": BOTH_WAYS}, "stack.bidirectional=false"),
    ],
)
def test_options_that_make_no_sense_for_the_task_are_refused(task: Any, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make(AlignedLearner, task, **options)


def test_a_bidirectional_stack_is_refused_where_targets_stand_in_later_inputs():
    task = tagging()
    task.more["causal"] = True
    with pytest.raises(ValueError, match="sees the steps it is to predict"):
        make(AlignedLearner, task, BOTH_WAYS)


def test_unequal_inputs_and_targets_are_said_with_their_row():
    built = make(AlignedLearner, tagging())
    uneven = datasets.Dataset.from_dict({"inputs": [np.ones((2, 3)), np.ones((3, 3))], "targets": [[0, 1], [1, 2]]})
    with pytest.raises(UserError, match="3 inputs and 2 targets in row 1"):
        built.evaluation_batches(uneven, 2)
