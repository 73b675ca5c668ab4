"""A series of numbers, its three parts in time, its scale, and what is cut from it.

T steps of a series, C channels, L steps of context, H steps of horizon, N rows cut from a series.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench import UserError

SPLITS = ("train", "validation", "test")
SHARES = (0.6, 0.8)  # of a series without customary parts: where train ends and where validation ends

Numbers = NDArray[np.float64]


class Borders(NamedTuple):
    """The steps at which train, validation and test begin and at which test ends."""

    train: int
    validation: int
    test: int
    end: int

    @classmethod
    def shares(cls, length: int) -> "Borders":
        """Train, validation and test by `SHARES` of a series."""
        return cls(0, int(length * SHARES[0]), int(length * SHARES[1]), length)

    def span(self, split: str) -> tuple[int, int]:
        """First step of a split and the one after its last."""
        place = SPLITS.index(split)
        return self[place], self[place + 1]


@dataclass(frozen=True)
class Series:
    """One unbroken series.

    Attributes:
        name: what a person calls it.
        channels: what a person calls each channel.
        values: the numbers, [T, C].
        borders: its parts in time.
        movements: whether it went up to a step (1), down (0), or neither (-1), [T]; empty where nobody asks.
        days: the day of each step, [T]; empty where nobody asks.
    """

    name: str
    channels: Sequence[str]
    values: Numbers
    borders: Borders
    movements: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    days: Sequence[str] = ()

    @property
    def train(self) -> Numbers:
        """What may be learned from, [T, C]."""
        return self.values[slice(*self.borders.span("train"))]

    def select(self, names: Sequence[str]) -> "Series":
        """Some of its channels."""
        places = [self.channels.index(name) for name in names]
        return replace(self, channels=list(names), values=self.values[:, places])


@dataclass(frozen=True)
class Scale:
    """Per channel what is subtracted and what is divided by, both [C]."""

    offset: Numbers
    unit: Numbers

    def __call__(self, values: Numbers) -> Numbers:
        """Values [..., C] on the scale."""
        return (values - self.offset) / self.unit

    def back(self, scaled: Numbers) -> Numbers:
        """Scaled values [..., C] as they were."""
        return scaled * self.unit + self.offset


def change(values: Numbers) -> Numbers:
    """Mean absolute difference from one step to the next, [C]: the naive forecast's own error."""
    return np.abs(np.diff(values, axis=0)).mean(0)


def scale_of(series: Series, *, by_change: bool) -> Scale:
    """The scale of the train part alone: its mean, and its standard deviation or its mean absolute change.

    Raises:
        UserError: a channel stands still there.
    """
    unit = change(series.train) if by_change else series.train.std(0)
    for name, width in zip(series.channels, unit, strict=True):
        if not width > 0:
            raise UserError(f"'{name}' of {series.name} never changes in train; leave it out with task.columns=[...]")
    return Scale(series.train.mean(0), unit)


def windows(values: Numbers, span: tuple[int, int], context: int, horizon: int) -> tuple[Numbers, Numbers]:
    """Every context [N, L, C] of a part of a series and the steps that follow it, [N, H, C].

    The steps to forecast lie in `span`; the context reaches back before it, so that the same steps are forecast
    whatever the context. Where a series begins, the first windows are those whose context is whole.
    """
    first, last = max(span[0], context), span[1] - horizon + 1
    if first >= last:
        return np.empty((0, context, values.shape[1])), np.empty((0, horizon, values.shape[1]))
    cut = np.lib.stride_tricks.sliding_window_view(values[first - context : span[1]], context + horizon, axis=0)
    cut = np.moveaxis(cut, 1, 2)
    return cut[:, :context], cut[:, context:]


def blocks(
    values: Numbers, span: tuple[int, int], context: int, horizon: int
) -> Iterator[tuple[Numbers, Numbers, NDArray[np.bool_]]]:
    """Cuts a part of a series into rows in which each step is to say the value `horizon` steps later.

    Each step of `span` counts in exactly one row, after at least `context` steps that do not count.

    Yields:
        inputs [L', C], targets [L', C], and which targets count, [L'].
    """
    for start in range(max(span[0], context + horizon), span[1], context):
        end = min(start + context, span[1])
        counts = np.arange(start - context, end) >= start
        yield values[start - context - horizon : end - horizon], values[start - context : end], counts


def naive(values: Numbers, span: tuple[int, int], context: int, horizon: int, season: int) -> tuple[Numbers, Numbers]:
    """The seasonal naive forecast [N, H, C] of the windows of `span` and the truth [N, H, C].

    A step is forecast to be what it was `season` steps before, or as many seasons before as it takes to be known
    (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2); season 1 repeats the last value.
    """
    _, truth = windows(values, span, context, horizon)
    starts_N = max(span[0], context) + np.arange(len(truth))
    ahead_H = np.arange(1, horizon + 1)
    source_NH = starts_N[:, None] - 1 + ahead_H - season * -(-ahead_H // season)
    if len(truth) and source_NH.min() < 0:
        raise UserError(f"a season of {season} steps is longer than what comes before the part that is forecast")
    return values[source_NH], truth
