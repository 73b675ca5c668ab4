"""Forecasting: say how a series goes on.

Worked example, context 3 and horizon 2, of one channel on the scale of train:

    inputs   0.1  0.4  0.9         (target "horizon": many to one; with `relative` -0.8 -0.5 0.0 and 0.3 0.1)
    targets  1.2  1.0

MSE and MAE are taken on the scale of train, each channel and step alike, as is the custom since Informer (Zhou et al.
2020); MASE is the MAE over the naive forecast's in train (Hyndman & Koehler 2006). The forecasts to beat cost nothing:
"tomorrow is today" and "as one season ago"; the better of the two on test is what the task calls chance.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import datasets
import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassMatthewsCorrCoef

from rnnbench import Batch, Prediction, Reals, Sample, Sources, Spec, Task, Tokens
from rnnbench.errors import at_least
from rnnbench.metrics import MeanError, WilsonBound

from . import baselines, show
from .cutting import Cut, cut
from .readers import SEASONS, read_series
from .series import SPLITS, Scale, Series, change, scale_of


class Forecasting(Task):
    """Say how a series goes on, or whether a price will go up or down."""

    shape = "many_to_one"
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal[
            "mackey_glass", "lorenz", "etth1", "exchange_rate", "stocknet", "sunspots", "temperatures", "csv"
        ] = "mackey_glass",
        target: Literal["horizon", "step", "movement"] = "horizon",
        context: int = 48,
        horizon: int | None = None,
        relative: bool = False,
        columns: list[str] | None = None,
        season: int | None = None,
        path: str | None = None,
    ) -> None:
        """
        Args:
            dataset: "mackey_glass" and "lorenz" are generated, always there; "csv" is the file at `path`.
            target: "horizon": once the context is read, all of the next `horizon` steps; "step": at every step, the
                value `horizon` steps later; "movement": up or down tomorrow, of stocknet.
            context: steps that are read before anything is scored; they reach back into the part before.
            horizon: steps ahead; None is 24, and of prices the next day.
            relative: with target "horizon": context and horizon less the context's last value. Errors stay what they
                are; the level, which drifts, is no longer to be learned (Zeng et al. 2022, NLinear).
            columns: the channels to keep; None keeps all.
            season: steps after which the series repeats itself, for the naive forecast; None takes the data set's own,
                or 1, which repeats the last value.
            path: with dataset "csv": a table whose first line names its columns, oldest row first.
        """
        super().__init__(sources)
        horizon = horizon or (1 if dataset == "stocknet" else 24)
        at_least(1, context=context, horizon=horizon, season=season or 1)
        if (dataset == "csv") != (path is not None):
            raise ValueError("task.path=FILE goes with task.dataset=csv, and csv with a path")
        if target == "movement" and (dataset != "stocknet" or horizon > 1):
            raise ValueError("task.target=movement is of tomorrow and goes with task.dataset=stocknet")
        if relative and target != "horizon":
            raise ValueError("task.relative=true goes with task.target=horizon")
        self.dataset, self.columns, self.path = dataset, columns, Path(path) if path else None
        self.cut = Cut(target, context, horizon, relative)
        self.season = season or SEASONS.get(dataset, 1)
        if target == "step":
            self.shape = "many_to_many_aligned"

    @functools.cached_property
    def series(self) -> list[Series]:
        """What is to be forecast."""
        movement = self.cut.target == "movement"
        return read_series(self.dataset, self.sources, self.path, self.columns, movement=movement)

    @functools.cached_property
    def scales(self) -> list[Scale]:
        """The scale of each series; prices are divided by their mean change, so that no stock outweighs another."""
        by_change = self.dataset == "stocknet" and self.cut.target != "movement"
        return [scale_of(series, by_change=by_change) for series in self.series]

    def describe(self) -> Spec:
        channels = len(self.series[0].channels)
        movement = self.cut.target == "movement"
        many = "univariate" if channels == 1 else "multivariate"
        every = ", at every step" if self.cut.target == "step" else ""
        return Spec(
            inputs=Reals(channels),
            targets=Tokens(2) if movement else Reals(channels * self.cut.ahead),
            metric="accuracy" if movement else "mse",
            direction="max" if movement else "min",
            chance=self.baselines["always_commonest" if movement else "chance_mse"],
            dataset=self.dataset,
            setting="movement" if movement else f"{many} horizon {self.cut.horizon}{every}",
            unit="steps",
            causal=self.cut.target == "step",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: cut(self.cut, self.series, self.scales, name) for name in SPLITS}

    def metrics(self) -> Mapping[str, Metric]:
        if self.cut.target == "movement":
            alike = self.baselines["design_effect"]
            return {
                "accuracy": MulticlassAccuracy(2, average="micro"),
                "accuracy_low": WilsonBound("lower", alike),
                "accuracy_high": WilsonBound("upper", alike),
                "mcc": MulticlassMatthewsCorrCoef(2),
            }
        unit_C = change(self.scales[0](self.series[0].train))
        unit_V = torch.from_numpy(np.tile(unit_C, self.cut.ahead))
        return {"mse": MeanError(2), "mae": MeanError(1), "mase": MeanError(1, unit_V)}

    @functools.cached_property
    def baselines(self) -> Mapping[str, float]:
        """Scores on test of those who learn nothing."""
        if self.cut.target == "movement":
            return baselines.of_movements(self.cut, self.series)
        return baselines.of_values(self.cut, self.series, self.scales, self.season)

    def facts(self) -> Mapping[str, int | float | str]:
        rows = {f"{name}_rows": len(split) for name, split in self.data.items()}
        return {"series": len(self.series), **rows, **self.baselines}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        if self.cut.target == "movement":
            return show.movements(prediction.outputs, batch.targets)
        known = len(self.series) == 1 and not self.cut.relative
        scale = self.scales[0] if known else None
        return show.forecasts(self.dataset, self.cut, self.series[0].channels, scale, prediction.outputs, batch)

    def gallery(self, metrics: Mapping[str, Metric]) -> list[Sample]:
        scores = {name: float(metric.compute()) for name, metric in metrics.items()}
        verdict = show.movement_verdict if self.cut.target == "movement" else show.value_verdict
        return [Sample("against those who learn nothing", verdict(scores, self.baselines))]
