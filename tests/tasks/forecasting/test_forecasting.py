import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rnnbench.tasks.forecasting import Forecasting
from rnnbench.tasks.forecasting.series import Borders, Series

from rnnbench import Batch, Prediction, Reals, Sources, Tokens

T = 120
WAVE = np.stack([np.sin(np.arange(T) / 3), np.arange(T) + np.cos(np.arange(T))], 1)


def task(values: np.ndarray = WAVE, **options: Any) -> Forecasting:
    made = Forecasting(Sources(), dataset="csv", path="none.csv", **{"context": 6, "horizon": 3, **options})
    made.__dict__["series"] = [Series("wave", ["a", "b"][: values.shape[1]], values, Borders.shares(len(values)))]
    return made


def batch(made: Forecasting, split: str = "test") -> Batch:
    rows = made.data[split].with_format("torch")[:]
    targets = rows["targets"]
    mask = rows.get("mask", torch.ones(len(targets), dtype=torch.bool))
    return Batch(rows["inputs"], targets, mask, torch.full((len(targets),), rows["inputs"].shape[1]))


def first_row(rows: Batch) -> Batch:
    return Batch(rows.inputs[:1], rows.targets[:1], rows.mask[:1], rows.lengths[:1])


def scores(made: Forecasting, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    metrics = made.metrics()
    for metric in metrics.values():
        metric.update(outputs, targets)
    return {name: metric.compute().item() for name, metric in metrics.items()}


def movements_task() -> Forecasting:
    made = Forecasting(Sources(), dataset="stocknet", target="movement", context=2)
    random = np.random.default_rng(0)
    days = [f"day {day:03d}" for day in range(T)]
    made.__dict__["series"] = [
        Series(name, ["close"], random.normal(size=(T, 1)), Borders(10, 60, 80, 110), random.integers(-1, 2, T), days)
        for name in ("A", "B")
    ]
    return made


def test_chance_is_what_the_naive_forecast_scores():
    made = task()
    rows = batch(made)
    naive = rows.inputs[:, -1].repeat(1, 3)  # of both channels, three steps
    found = scores(made, naive, rows.targets)
    assert found["mse"] == pytest.approx(made.spec.chance, rel=1e-5)
    assert found["mse"] == pytest.approx(made.facts()["naive_mse"], rel=1e-5)
    assert found["mae"] == pytest.approx(made.facts()["naive_mae"], rel=1e-5)


def test_with_relative_rows_the_naive_forecast_is_zero_and_scores_the_same():
    plain, relative = task(), task(relative=True)
    rows = batch(relative)
    assert scores(relative, torch.zeros_like(rows.targets), rows.targets)["mse"] == pytest.approx(
        plain.spec.chance, rel=1e-5
    )
    assert plain.spec.chance == relative.spec.chance


def test_mase_is_hyndmans_and_koehlers():
    made = task()
    rows = batch(made)
    outputs = torch.randn(rows.targets.shape, generator=torch.Generator().manual_seed(0))
    train = WAVE[:72]
    deviation = train.std(0)
    truth, said = (x.double().numpy().reshape(-1, 3, 2) * deviation for x in (rows.targets, outputs))
    divisor = np.array([np.mean([abs(train[t, c] - train[t - 1, c]) for t in range(1, 72)]) for c in range(2)])
    assert scores(made, outputs, rows.targets)["mase"] == pytest.approx((abs(truth - said) / divisor).mean(), rel=1e-5)


def test_a_season_is_beaten_only_by_who_knows_more():
    made = task(np.tile([[1.0], [2.0], [5.0], [0.0]], (30, 1)), season=4)
    assert made.spec.chance == made.facts()["seasonal_naive_mse"] == 0
    assert made.facts()["naive_mse"] > 0.5


def test_every_step_is_scored_once_and_forecast_from_what_came_before():
    made = task(target="step", horizon=2)
    assert (made.shape, made.spec.causal) == ("many_to_many_aligned", True)
    scale = made.scales[0]
    counted = []
    for row in made.data["test"].with_format("numpy"):
        counted += row["targets"][row["mask"]].tolist()
        np.testing.assert_array_equal(row["inputs"][2:], row["targets"][:-2])
    np.testing.assert_allclose(sorted(counted), sorted(scale(WAVE)[96:].tolist()), rtol=1e-5)
    naive = [row["inputs"][row["mask"]] - row["targets"][row["mask"]] for row in made.data["test"].with_format("numpy")]
    assert made.spec.chance == pytest.approx(np.square(np.concatenate(naive)).mean(), rel=1e-5)


def test_movements_that_are_none_have_no_row_and_the_days_alike_widen_the_interval():
    made = movements_task()
    assert made.spec.targets == Tokens(2)
    labels = np.concatenate([one.movements[80:110] for one in made.series])
    assert sorted(made.data["test"]["targets"]) == sorted(labels[labels >= 0].tolist())
    trained = np.concatenate([one.movements[10:60] for one in made.series])
    commonest = int((trained == 1).sum() > (trained == 0).sum())
    assert made.spec.chance == pytest.approx((labels[labels >= 0] == commonest).mean())
    rows = batch(made)
    found = scores(made, torch.tensor([[0.0, 1.0]]).repeat(len(rows.targets), 1), rows.targets)
    share, count = (rows.targets == 1).double().mean().item(), len(rows.targets) / made.facts()["design_effect"]
    for bound in (found["accuracy_low"], found["accuracy_high"]):  # Wilson's interval: where the score test is 1.96
        assert abs(share - bound) / math.sqrt(bound * (1 - bound) / count) == pytest.approx(1.959964, rel=1e-5)
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


def test_the_gallery_says_whether_nothing_was_learned():
    made = movements_task()
    rows, metrics = batch(made), made.metrics()
    for right, verdict in ((torch.ones(len(rows.targets)), ": better than"), (torch.zeros(1), ": NOT better than")):
        outputs = torch.stack([1 - rows.targets, rows.targets], 1) * right[:, None].float()
        for metric in metrics.values():
            metric.reset()
            metric.update(outputs, rows.targets)
        assert verdict in made.gallery(metrics)[0].text
    values = task(season=5)
    rows, metrics = batch(values), values.metrics()
    for metric in metrics.values():
        metric.update(rows.targets, rows.targets)
    assert "by MSE 100.00% better than the best" in values.gallery(metrics)[0].text
    for metric in metrics.values():
        metric.update(rows.targets + 1e3, rows.targets)
    text = values.gallery(metrics)[0].text
    assert "by MSE NOT better than" in text
    assert f"as 5 steps ago MSE {values.facts()['seasonal_naive_mse']:.4g}, MAE" in text


def test_samples_speak_the_series_own_unit():
    made = task()
    rows = first_row(batch(made))
    (sample,) = made.decode(Prediction(rows.targets), rows)
    assert sample.title == "csv: 3 steps forecast, 6 steps seen"
    assert f"b  said {WAVE[96, 1]:.4g} … {WAVE[98, 1]:.4g}, was {WAVE[96, 1]:.4g} … " in sample.text
    assert sample.files["forecast.png"].startswith(b"\x89PNG")
    (scaled,) = task(relative=True).decode(Prediction(rows.targets), rows)
    assert f"{WAVE[96, 1]:.4g}" not in scaled.text


def test_samples_of_steps_and_movements():
    made = task(target="step", horizon=1)
    rows = first_row(batch(made))
    (sample,) = made.decode(Prediction(rows.targets + 1), rows)
    assert sample.title == "csv: 6 steps forecast, each step 1 ahead"
    moving = movements_task()
    rows = Batch(torch.zeros(2, 2, 1), torch.tensor([1, 0]), torch.ones(2, dtype=torch.bool), torch.tensor([2, 2]))
    first, second = moving.decode(Prediction(torch.tensor([[0.0, 2.0], [0.0, 2.0]])), rows)
    assert (first.text, second.text) == ("up, and it went up", "up, and it went down")
    assert list(first.choices) == ["up", "down"]


def test_specs_name_what_must_be_equal():
    assert task().spec.setting == "multivariate horizon 3"
    assert task(WAVE[:, :1]).spec.setting == "univariate horizon 3"
    assert task(target="step").spec.setting == "multivariate horizon 3, at every step"
    assert task().spec.targets == Reals(6)
    assert movements_task().spec.setting == "movement"


@pytest.mark.parametrize("options", [{}, {"target": "step"}])
def test_too_short_an_own_file_is_one_line_and_leaves_nothing(workplace: Path, rnnbench: Any, options: dict[str, Any]):
    (workplace / "own.csv").write_text("x\n" + "\n".join("12345678901234"))
    said = rnnbench(
        "task=forecasting", "task.dataset=csv", "task.path=own.csv", *(f"task.{k}={v}" for k, v in options.items())
    )
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "own.csv is too short: its" in said.err
    assert not (workplace / "outputs").exists()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dataset": "csv"}, "task.path=FILE goes with task.dataset=csv"),
        ({"path": "x.csv"}, "task.path=FILE goes with task.dataset=csv"),
        ({"target": "movement"}, "goes with task.dataset=stocknet"),
        ({"target": "movement", "dataset": "stocknet", "horizon": 2}, "is of tomorrow"),
        ({"relative": True, "target": "step"}, "task.relative=true goes with"),
        ({"context": 0}, "context must be at least 1"),
        ({"season": -1}, "season must be at least 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Forecasting(Sources(), **options)


@pytest.mark.parametrize("target", ["horizon", "step"])
def test_the_default_needs_no_files_and_learns(workplace: Path, rnnbench: Any, target: str):
    said = rnnbench(
        "task=forecasting",
        f"task.target={target}",
        "task.horizon=4",
        "task.context=12",
        "backbone=gru",
        "backbone.hidden_size=8",
        "trainer.max_epochs=1",
        "trainer.batch_size=256",
        "logger.mode=disabled",
    )
    assert said.code == 0, said.err
    assert len(list(workplace.rglob("*-forecast.png"))) == 3
