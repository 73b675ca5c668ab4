"""What a person looks at to judge a forecast."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from rnnbench import Batch, Sample

from .cutting import Cut
from .plots import forecast_picture
from .series import Numbers, Scale

MOVEMENTS: Sequence[str] = ("down", "up")


def forecasts(
    name: str, how: Cut, channels: Sequence[str], scale: Scale | None, outputs: Tensor, batch: Batch
) -> list[Sample]:
    """Context, truth and forecast of each row, in the series' own unit where the `scale` is known."""
    samples = []
    for row in range(len(outputs)):
        parts = _steps(outputs, batch, row) if how.target == "step" else _horizon(outputs, batch, row)
        parts = [scale.back(part) for part in parts] if scale else parts
        unit = "value" if scale else "on the scale of train, less the last value" if how.relative else "scaled"
        seen = f"each step {how.horizon} ahead" if how.target == "step" else f"{len(parts[0])} steps seen"
        title = f"{name}: {len(parts[1])} steps forecast, {seen}"
        text = "\n".join(_lines(channels, *parts[1:]))
        samples.append(_pictured(title, text, channels, parts, unit))
    return samples


def movements(outputs_BV: Tensor, targets_B: Tensor) -> list[Sample]:
    """What is believed of tomorrow, and what came."""
    samples = []
    for belief, truth in zip(outputs_BV.float().softmax(-1).tolist(), targets_B.tolist(), strict=True):
        choices = dict(sorted(zip(MOVEMENTS, belief, strict=True), key=lambda choice: -choice[1]))
        text = f"{next(iter(choices))}, and it went {MOVEMENTS[truth]}"
        samples.append(Sample("tomorrow's movement of a stock", text, choices))
    return samples


def value_verdict(scores: Mapping[str, float], baselines: Mapping[str, float]) -> str:
    """How far the network is from the forecasts that cost nothing."""
    gain = 1 - scores["mse"] / baselines["chance_mse"] if baselines["chance_mse"] else -math.inf
    verdict = f"by MSE {gain:.2%} better than" if gain > 0 else "by MSE NOT better than"
    rows = {"network": scores, "naive forecast": _of(baselines, "naive_")}
    if baselines["season"] > 1:
        rows[f"as {baselines['season']} steps ago"] = _of(baselines, "seasonal_naive_")
    errors = "; ".join(f"{name} MSE {row['mse']:.4g}, MAE {row['mae']:.4g}" for name, row in rows.items())
    return f"{verdict} the best forecast that costs nothing: {errors}; MASE {scores['mase']:.4g}"


def movement_verdict(scores: Mapping[str, float], baselines: Mapping[str, float]) -> str:
    """One line: whether the accuracy is better than chance, by its interval."""
    chance = max(0.5, baselines["always_commonest"])
    better = "better than" if scores["accuracy_low"] > chance else "NOT better than"
    return (
        f"accuracy {scores['accuracy']:.1%}, 95 % interval {scores['accuracy_low']:.1%} to "
        f"{scores['accuracy_high']:.1%}: {better} always saying the commonest ({chance:.1%}). Stocks move together: "
        f"in the interval {baselines['design_effect']:.1f} of a day count as one"
    )


def _of(baselines: Mapping[str, float], prefix: str) -> Mapping[str, float]:
    return {name: baselines[f"{prefix}{name}"] for name in ("mse", "mae")}


def _horizon(outputs: Tensor, batch: Batch, row: int) -> list[Numbers]:
    context = batch.inputs[row].double().numpy()
    return [context, *(part[row].double().reshape(-1, context.shape[1]).numpy() for part in (batch.targets, outputs))]


def _steps(outputs: Tensor, batch: Batch, row: int) -> list[Numbers]:
    counts, length = batch.mask[row], int(batch.lengths[row])
    before = batch.targets[row, :length][~counts[:length]]
    return [part.double().numpy() for part in (before, batch.targets[row][counts], outputs[row][counts])]


def _lines(channels: Sequence[str], truth: Numbers, forecast: Numbers) -> list[str]:
    width = max(map(len, channels))
    error = np.abs(truth - forecast).mean(0)
    return [
        f"{name:{width}}  said {forecast[0, place]:.4g} … {forecast[-1, place]:.4g}, was {truth[0, place]:.4g} … "
        f"{truth[-1, place]:.4g}, off by {error[place]:.3g} on average"
        for place, name in enumerate(channels)
    ]


def _pictured(title: str, text: str, channels: Sequence[str], parts: list[Numbers], unit: str) -> Sample:
    picture = forecast_picture(title, channels, parts[0], parts[1], parts[2], unit)
    return Sample(title, text, files={"forecast.png": picture})
