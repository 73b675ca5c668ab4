from typing import Any

import numpy as np
import pytest
import torch
from learners.toys import BOTH_WAYS, STACK, Toy, evaluate, make, ragged
from torch import Tensor

from rnnbench.learners import pooled
from rnnbench.learners.base import Sampling
from rnnbench.learners.pooled import PooledLearner
from rnnbench.values import Reals, Tokens


def sentences() -> Toy:
    rows = ragged((), 0, size=7)
    return Toy("many_to_one", Tokens(7), Tokens(3), {"inputs": rows, "targets": [len(row) % 3 for row in rows]})


def alone(built: Any, row: Tensor, pooling: str) -> Tensor:
    """What the network says of one row, by the definition of each pooling."""
    y_TO = built.stack(built.embedding(row[None]))[0][0]
    half = y_TO.shape[1] // 2
    ends = torch.cat([y_TO[-1, :half], y_TO[0, half:]]) if built.stack.bidirectional else y_TO[-1]
    return built.head({"last": ends, "mean": y_TO.mean(0), "max": y_TO.amax(0)}[pooling])


@pytest.mark.parametrize("config", [STACK, BOTH_WAYS], ids=["ahead", "both ways"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_scores_and_traces_are_those_of_each_row_alone(pooling: str, config: Any):
    built = make(PooledLearner, sentences(), config, pooling=pooling).eval()
    rows, classes = built.task.rows["inputs"], torch.tensor(built.task.rows["targets"])
    with torch.no_grad():
        outputs = torch.stack([alone(built, torch.from_numpy(row), pooling) for row in rows])
    expected = torch.nn.functional.cross_entropy(outputs, classes).item()
    for batch_size in (1, 4, 100):
        scores = evaluate(built, batch_size)
        assert scores["test/loss"] == pytest.approx(expected, abs=1e-5)
        assert scores["test/score"] == pytest.approx(expected, abs=1e-5)

    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    said = built.predict(batch, Sampling())
    for place, length in enumerate(batch.lengths.tolist()):
        for end in range(1, length + 1):
            prefix = alone(built, batch.inputs[place, :end], pooling)
            torch.testing.assert_close(said.trace[place, end - 1], prefix, rtol=0, atol=1e-5)
        torch.testing.assert_close(said.outputs[place], said.trace[place, -1], rtol=0, atol=1e-5)


def test_a_bidirectional_stack_traces_no_row_that_would_take_too_long(monkeypatch: Any):
    monkeypatch.setattr(pooled, "TRACED", 3)
    built = make(PooledLearner, sentences(), BOTH_WAYS)
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    assert built.predict(batch, Sampling()).trace is None


def test_padding_changes_no_gradient():
    built = make(PooledLearner, sentences(), BOTH_WAYS, pooling="max")
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    built.training_step(batch, 0).backward()
    got = built.embedding.weight.grad.clone()
    built.zero_grad()
    singles = built.evaluation_batches(built.task.data["test"], 1)
    torch.stack([built.training_step(row, 0) for row in singles]).mean().backward()
    torch.testing.assert_close(got, built.embedding.weight.grad, rtol=0, atol=1e-6)


def test_one_to_one_is_a_row_of_one_step_and_vectors_may_be_predicted():
    pictures = np.random.default_rng(0).normal(size=(6, 1, 4)).astype(np.float32)
    task = Toy("one_to_one", Reals(4), Reals(2), {"inputs": pictures, "targets": pictures[:, 0, :2] * 3})
    built = make(PooledLearner, task)
    outputs = built.eval()(torch.from_numpy(pictures))
    assert outputs.shape == (6, 2)
    expected = (outputs - torch.from_numpy(pictures[:, 0, :2] * 3)).square().mean().item()
    assert evaluate(built, 4)["test/score"] == pytest.approx(expected, rel=1e-5)
    built.training_step(built.training_batches(task.data["train"], 4, 0).first(), 0).backward()
    assert built.head.weight.grad.abs().sum() > 0
