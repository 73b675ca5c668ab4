from collections.abc import Callable
from typing import Any

import pytest
import torch
from rnnbench.tasks.memory import EVALUATED, PROBLEMS, Memory

from rnnbench import Batch, Prediction, Sources, Tokens
from rnnbench.api import run
from rnnbench.learners import learner_for

SMALL = {"train_rows": 40}


def task(**options: Any) -> Memory:
    return Memory(Sources(), **{**SMALL, **options})


def evaluated(built: Memory, split: str, outputs_of: Callable[[Batch], torch.Tensor]) -> dict[str, float]:
    """The metrics of a split for one who gives those outputs, updated as the learners do."""
    metrics = built.metrics()
    for batch in learner_for(built).evaluation_batches(_Learner(built), built.data[split], 256):  # type: ignore[arg-type]
        outputs = outputs_of(batch)
        for metric in metrics.values():
            metric.update(outputs[batch.mask], batch.targets[batch.mask])
    return {name: float(metric.compute()) for name, metric in metrics.items()}


class _Learner:
    """What a learner's batches need of it."""

    def __init__(self, built: Memory) -> None:
        self.task = built

    def __getattr__(self, name: str) -> Any:
        return getattr(learner_for(self.task), name).__get__(self)


@pytest.mark.parametrize("name", PROBLEMS)
def test_chance_is_what_the_best_constant_answer_gets(name: str):
    built = task(dataset=name)
    targets = built.spec.targets

    def blind(batch: Batch) -> torch.Tensor:
        if not isinstance(targets, Tokens):
            return torch.ones_like(batch.targets)
        blank = built.problem.blank
        outputs = torch.zeros(*batch.targets.shape, targets.size)
        if blank is not None:  # knows when to speak and guesses evenly what
            outputs[..., :blank] -= 30.0
            speaks = batch.targets != blank
            outputs[speaks] = torch.tensor([0.0] * blank + [-30.0])
        return outputs + 1e-3 * torch.rand(outputs.shape, generator=torch.Generator().manual_seed(0))

    found = evaluated(built, "test", blind)[built.spec.metric]
    assert found == pytest.approx(built.spec.chance, rel=0.15, abs=0.002)


@pytest.mark.parametrize("name", PROBLEMS)
def test_right_answers_get_the_best_score_at_both_lengths(name: str):
    built = task(dataset=name)
    targets = built.spec.targets

    def right(batch: Batch) -> torch.Tensor:
        if not isinstance(targets, Tokens):
            return batch.targets
        return 40.0 * torch.nn.functional.one_hot(batch.targets, targets.size).float()

    for split in ("test", "twice_as_long"):
        best = {"accuracy": 1.0, "cross_entropy": 0.0, "mean_squared_error": 0.0}
        found = evaluated(built, split, right)
        assert found == pytest.approx({metric: best[metric] for metric in found}, abs=1e-6)
        assert len(built.data[split]) == EVALUATED


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_row_stands_in_two_splits(name: str):
    built = task(dataset=name, train_rows=500)
    keys = {split: set(rows.keys()) for split, rows in built.rows.items()}
    assert not keys["train"] & keys["validation"] and not keys["test"] & (keys["train"] | keys["validation"])
    assert built.facts()["test_in_train"] == 0


def test_a_problem_with_few_rows_says_how_many_test_rows_stand_in_train():
    built = task(dataset="parity", length=3, train_rows=200)  # fourteen strings
    facts = built.facts()
    assert (facts["different_train_rows"], facts["test_in_train"]) == (14, EVALUATED)
    assert facts["twice_as_long_in_train"] == 0


def test_accuracy_of_copying_is_of_the_symbols_and_not_of_the_blanks():
    built = task(dataset="copy")
    blank = 40.0 * torch.eye(9)[8]
    assert evaluated(built, "test", lambda batch: blank.expand(*batch.targets.shape, 9))["accuracy"] == 0


def test_the_setting_names_what_makes_it_hard_and_the_shape_follows_the_problem():
    assert task(dataset="recall", pairs=2, length=20).spec.setting == "length 20 symbols 16 pairs 2 train_rows 40"
    assert task(dataset="tomita", grammar=3).spec.setting == "length 40 grammar 3 train_rows 40"
    assert task(dataset="adding").shape == "many_to_one"
    assert task(dataset="noisy_recall").shape == "many_to_many_aligned"


def test_options_that_a_problem_has_not_are_refused():
    with pytest.raises(ValueError, match="adding has no symbols; what makes it harder is length"):
        task(dataset="adding", symbols=4)
    with pytest.raises(ValueError, match="recall has no items; what makes it harder is length, symbols, pairs"):
        task(dataset="recall", items=4)
    with pytest.raises(ValueError, match="train_rows must be at least 1"):
        task(train_rows=0)


@pytest.mark.parametrize(
    ("name", "options", "inputs", "targets", "title", "text"),
    [
        ("adding", {"length": 4}, [[0.5, 0], [0.9, 1], [0.3, 1], [0.1, 0]], [1.2],
         "4 numbers, of them marked: 0.900 at step 2, 0.300 at step 3", "right  1.200\nsaid   0.250"),
        ("copy", {"length": 4, "items": 2}, [0, 2, 8, 8, 8, 9, 8, 8], [8, 8, 8, 8, 8, 8, 0, 2],
         "ac···?··", "right  ac\nsaid   aa"),
        ("recall", {"length": 10, "pairs": 2}, [3, 24, 6, 18, 0, 0, 6, 0, 3, 0], [0, 0, 0, 0, 0, 0, 1, 0, 7, 0],
         "k2 v7 k5 v1 · · k5 · k2 ·", "right  v1 v7\nsaid   v0 v0"),
        ("noisy_recall", {"length": 10, "pairs": 2}, [36, 3, 24, 33, 6, 18, 34, 6, 36, 3], [0] * 7 + [1, 0, 7],
         "n3 k2 v7 n0 k5 v1 n1 k5 n3 k2", "right  v1 v7\nsaid   v0 v0"),
        ("temporal_order", {}, [6, 1, 4, 3, 0, 5, 2, 7], [1], "E b X d a Y c B", "right  XY\nsaid   XX"),
        ("parity", {}, [0, 1, 1, 0, 1], [1], "01101", "right  odd\nsaid   even"),
        ("tomita", {}, [0, 1, 1, 0], [1], "0110", "right  yes\nsaid   no"),
    ],
)  # fmt: skip
def test_samples_read_as_in_the_docstrings(
    name: str, options: dict, inputs: list, targets: list, title: str, text: str
):
    built = task(dataset=name, **options)
    aligned = built.shape == "many_to_many_aligned"
    inputs_1T = torch.tensor([inputs])
    padded = torch.cat([inputs_1T, inputs_1T[:, :2]], 1)  # padding is not shown
    batch = Batch.whole(padded, torch.tensor([[*targets, 0, 0]] if aligned else [targets]))
    batch.lengths[:] = len(inputs)
    if isinstance(built.spec.targets, Tokens):
        batch.targets = batch.targets if aligned else torch.tensor(targets)
        outputs = torch.zeros(*batch.targets.shape, built.spec.targets.size)
        outputs[..., 0] = 1.0
    else:
        outputs = torch.full((1, 1), 0.25)
    batch.mask = torch.zeros_like(batch.targets, dtype=torch.bool)
    if name == "copy":
        batch.mask[:, : len(targets)] = True
    elif aligned:
        batch.mask[0, [step for step, target in enumerate(targets) if target]] = True
    (sample,) = built.decode(Prediction(outputs), batch)
    assert (sample.title, sample.text) == (title, text)


def test_a_trial_runs_and_reports_the_doubled_length():
    record = run(["task=memory", "task.train_rows=32", "backbone.hidden_size=4", "trainer.max_epochs=1",
                  "trainer.batch_size=16", "logger.mode=disabled"])  # fmt: skip
    assert {"accuracy", "cross_entropy", "twice_as_long/accuracy"} <= set(record.result["test"])
