import math
from typing import Any

import pytest
import torch

from rnnbench.optimization import OPTIMIZERS, SCHEDULES, SGD, Adam, Cosine, Optimizer, Plateau, RMSprop, Schedule, Step


def rates(schedule: Schedule, count: int, steps: int = 100, scores: list[float] | None = None) -> list[float]:
    """The learning rates of `count` steps or epochs, whichever the schedule goes by."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler: Any = schedule.build(optimizer, steps, "min")["scheduler"]
    found = []
    for index in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([scores[index]] if scores else []))
    return found


def test_step_halves_before_each_epoch_after_the_fourth_as_zaremba_does():
    assert rates(Step(after=4, every=1, factor=0.5), 7) == [1, 1, 1, 1, 0.5, 0.25, 0.125]


def test_step_waits_between_cuts():
    assert rates(Step(after=2, every=3, factor=0.1), 8) == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_cosine_rises_then_falls_along_half_a_cosine():
    found = rates(Cosine(warmup=0.1, floor=0.2), 101)
    assert found[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    for step in range(10, 101):
        expected = 0.2 + 0.8 * (1 + math.cos(math.pi * (step - 10) / 90)) / 2
        assert found[step] == pytest.approx(expected)
    assert rates(Cosine(), 103)[100:] == pytest.approx([0, 0, 0])


def test_plateau_cuts_when_the_score_has_not_improved_for_more_than_patience_epochs():
    scores = [3.0, 2.0, 2.5, 2.0, 1.9, 2.0, 2.0, 2.0]
    assert rates(Plateau(factor=0.5, patience=1), 8, scores=scores) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_constant_stays():
    assert rates(SCHEDULES["constant"], 5) == [1.0] * 5


@pytest.mark.parametrize(
    ("optimizer", "kind", "expected"),
    [
        (Adam(beta1=0.8, epsilon=1e-6), torch.optim.Adam, {"betas": (0.8, 0.999), "eps": 1e-6}),
        (Adam(name="adamw", weight_decay=0.3), torch.optim.AdamW, {"weight_decay": 0.3}),
        (SGD(momentum=0.9, nesterov=True), torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (RMSprop(alpha=0.5, momentum=0.1), torch.optim.RMSprop, {"alpha": 0.5, "momentum": 0.1}),
    ],
)
def test_optimizers_are_torchs_with_the_numbers_of_the_config(optimizer: Optimizer, kind: type, expected: dict):
    built = optimizer.build([torch.nn.Parameter(torch.zeros(1))])
    assert type(built) is kind
    group = built.param_groups[0]
    assert group["lr"] == optimizer.learning_rate
    assert {name: group[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_a_fused_step_is_the_step_of_torchs_default(name: str):
    weights = [torch.nn.Parameter(torch.linspace(-1, 1, 6, dtype=torch.float64)) for _ in range(2)]
    config = Adam(name=name, learning_rate=0.1, weight_decay=0.3)
    ours = config.build([{"params": weights[:1], "lr": 0.2}])
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    theirs = kind(weights[1:], lr=0.2, weight_decay=0.3)
    for step in range(5):
        for weight, optimizer in zip(weights, (ours, theirs), strict=True):
            weight.grad = torch.cos(weight.detach() * step)
            optimizer.step()
    assert ours.defaults["fused"]
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-12, atol=1e-12)


def test_complex_weights_are_left_to_torchs_default():
    weight = torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))
    weight.grad = torch.ones_like(weight)
    Adam().build([weight]).step()
    assert weight.detach().real.tolist() == pytest.approx([0.999] * 2)


def test_the_named_ones_carry_their_names():
    assert all(optimizer.name == name for name, optimizer in OPTIMIZERS.items())
    assert all(schedule.name == name for name, schedule in SCHEDULES.items())


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Adam, {"learning_rate": 0}, "learning_rate must be above 0"),
        (Adam, {"learning_rate": math.nan}, "learning_rate must be above 0"),
        (Adam, {"weight_decay": -1}, "weight_decay must be at least 0"),
        (Adam, {"beta2": 1.0}, "beta2 must be at least 0 and below 1"),
        (SGD, {"nesterov": True}, "nesterov needs momentum"),
        (RMSprop, {"alpha": -0.1}, "alpha must be at least 0"),
        (Cosine, {"floor": 1.0}, "floor must be"),
        (Step, {"every": 0}, "every must be at least 1"),
        (Plateau, {"patience": -1}, "patience must be at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(kind: Any, values: dict, message: str):
    with pytest.raises(ValueError, match=message):
        kind(**values)
