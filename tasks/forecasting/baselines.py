"""What those score on test who learn nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .cutting import Cut, movements, too_short
from .series import Numbers, Scale, Series, naive


def of_values(how: Cut, series: Sequence[Series], scales: Sequence[Scale], season: int) -> Mapping[str, float]:
    """Mean squared and mean absolute error of the naive and the seasonal naive forecast; chance is the better one."""
    scores: dict[str, float] = {}
    for name, steps in {"naive": 1, "seasonal_naive": season}.items():
        parts = [_errors(how, one, scale, steps) for one, scale in zip(series, scales, strict=True)]
        errors = np.concatenate([part.ravel() for part in parts])
        if not len(errors):
            raise too_short(how, series[0], "test")
        scores |= {f"{name}_mse": float(np.square(errors).mean()), f"{name}_mae": float(np.abs(errors).mean())}
    return {**scores, "chance_mse": min(scores["naive_mse"], scores["seasonal_naive_mse"]), "season": season}


def of_movements(how: Cut, series: Sequence[Series]) -> Mapping[str, float]:
    """Accuracy of always saying what was commonest in train, and of saying that tomorrow moves as today did.

    The design effect is by how much fewer independent movements would tell as much as those of test do.
    """
    trained = np.concatenate([movements(one, one.borders.span("train"), how.context) for one in series])
    tested = np.concatenate([movements(one, one.borders.span("test"), how.context) for one in series])
    today = np.concatenate([one.values[_starts(one, how.context) - 1, 0] > 0 for one in series])
    days = np.concatenate([np.asarray(one.days)[_starts(one, how.context)] for one in series])
    moved = tested >= 0
    if not moved.any():
        raise too_short(how, series[0], "test")
    commonest = int((trained == 1).sum() > (trained == 0).sum())
    return {
        "always_commonest": float((tested[moved] == commonest).mean()),
        "as_today": float((tested[moved] == today[moved]).mean()),
        "test_days": len(np.unique(days[moved])),
        "test_stock_days_without_movement": int((~moved).sum()),
        "design_effect": design_effect(tested[moved], days[moved]),
    }


def design_effect(values: NDArray[np.int64], groups: NDArray[np.str_]) -> float:
    """How many times wider the variance of a mean is since members of a group are alike: 1 + (m - 1) rho (Kish 1965).

    rho is the intraclass correlation by analysis of variance, m the size of the group of a member drawn at random.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) in (
        1,
        len(values),
    ):  # one group tells as much as one member; members without company as they are many
        return len(values) / len(sizes)
    means = np.bincount(group, values) / sizes
    between = (sizes * np.square(means - values.mean())).sum() / (len(sizes) - 1)
    within = np.square(values - means[group]).sum() / (len(values) - len(sizes))
    weighted = np.square(sizes).sum() / len(values)
    typical = (len(values) - weighted) / (len(sizes) - 1)
    total = between + (typical - 1) * within
    correlation = (between - within) / total if total else 0.0
    return float(1 + (weighted - 1) * max(0.0, correlation))


def _errors(how: Cut, series: Series, scale: Scale, season: int) -> Numbers:
    span, context = series.borders.span("test"), how.context
    if how.target == "step":  # windows whose last step is each step that counts
        span, context = (span[0] - how.horizon + 1, span[1]), context + 1
    forecast, truth = naive(scale(series.values), span, context, how.horizon, season)
    return (forecast - truth)[:, -how.ahead :]


def _starts(series: Series, context: int) -> np.ndarray:
    first, last = series.borders.span("test")
    return np.arange(max(first, context), last)
