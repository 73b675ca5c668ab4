"""Rows cut from series, as the task's target wants them.

N rows, L steps of context, H steps of horizon, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import datasets
import numpy as np
from numpy.typing import NDArray

from rnnbench import UserError

from .series import Scale, Series, blocks, windows

Target = Literal["horizon", "step", "movement"]


@dataclass(frozen=True)
class Cut:
    """How rows are cut; the fields are the task's options of the same names."""

    target: Target
    context: int
    horizon: int
    relative: bool = False

    @property
    def ahead(self) -> int:
        """Steps that one target holds."""
        return self.horizon if self.target == "horizon" else 1


def cut(how: Cut, series: Sequence[Series], scales: Sequence[Scale], split: str) -> datasets.Dataset:
    """The rows of a split of all series.

    Raises:
        UserError: the series are too short for any.
    """
    rows = {"horizon": _horizons, "step": _steps, "movement": _movements}[how.target]
    parts = [rows(how, one, scale, split) for one, scale in zip(series, scales, strict=True)]
    columns = {name: _spread([row for part in parts for row in part[name]]) for name in parts[0]}
    if not columns["inputs"]:
        raise too_short(how, series[0], split)
    return datasets.Dataset.from_dict(columns)


def too_short(how: Cut, series: Series, split: str) -> UserError:
    """The error to raise where nothing can be cut."""
    first, last = series.borders.span(split)
    return UserError(
        f"{series.name} is too short: its {split} part has {last - first} steps of {len(series.values)}, and nothing "
        f"fits a context of {how.context} and a horizon of {how.horizon}; use more data or smaller ones"
    )


def _horizons(how: Cut, series: Series, scale: Scale, split: str) -> dict[str, Any]:
    context_NLC, ahead_NHC = windows(scale(series.values), series.borders.span(split), how.context, how.horizon)
    if how.relative:
        last_N1C = context_NLC[:, -1:]
        context_NLC, ahead_NHC = context_NLC - last_N1C, ahead_NHC - last_N1C
    ahead_NV = ahead_NHC.reshape(len(ahead_NHC), how.horizon * len(series.channels))
    return {"inputs": _single(context_NLC), "targets": _single(ahead_NV)}


def _steps(how: Cut, series: Series, scale: Scale, split: str) -> dict[str, Any]:
    rows = list(blocks(scale(series.values), series.borders.span(split), how.context, how.horizon))
    inputs, targets, masks = zip(*rows, strict=True) if rows else ((), (), ())
    return {"inputs": [_single(x) for x in inputs], "targets": [_single(y) for y in targets], "mask": masks}


def _movements(how: Cut, series: Series, scale: Scale, split: str) -> dict[str, Any]:
    span = series.borders.span(split)
    context_NLC, _ = windows(scale(series.values), span, how.context, 1)
    movement_N = movements(series, span, how.context)
    moved_N = movement_N >= 0
    return {"inputs": _single(context_NLC[moved_N]), "targets": movement_N[moved_N]}


def movements(series: Series, span: tuple[int, int], context: int) -> NDArray[np.int64]:
    """The movement that follows each window of `span`, [N]: 1 up, 0 down, -1 neither."""
    return series.movements[max(span[0], context) : span[1]]


def _spread(rows: list[Any]) -> list[Any]:
    """The rows in another order: the first three, which are shown to people, lie far apart."""
    shown = [place * len(rows) // 3 for place in range(min(3, len(rows)))]
    return [rows[place] for place in shown] + [row for place, row in enumerate(rows) if place not in shown]


def _single(numbers: NDArray[Any]) -> NDArray[np.float32]:
    return numbers.astype(np.float32)
