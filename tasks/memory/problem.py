"""What a memory problem is: exactly defined, its rows drawn by a seeded generator.

N rows, T steps, I numbers a step.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from rnnbench import Reals, Tokens
from rnnbench.errors import at_least


@dataclass(frozen=True)
class Rows:
    """Rows of a problem, padded to the longest.

    Attributes:
        inputs: numbers of symbols [N, T] (uint16), or vectors [N, T, I] (float32).
        targets: one a row [N], or one a step [N, T].
        lengths: steps of each row, [N].
        mask: which steps count, [N, T]; None where all do, or where a row has one target.
    """

    inputs: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    mask: np.ndarray | None = None

    def columns(self) -> dict[str, Any]:
        """The rows without padding, as columns of a data set; of targets one a row, or one a step."""
        targets = self._column(self.targets) if self.targets.ndim == 2 else self.targets
        columns = {"inputs": self._column(self.inputs), "targets": targets}
        return columns if self.mask is None else {**columns, "mask": self._column(self.mask)}

    def keys(self) -> list[bytes]:
        """What tells one row's inputs from another's."""
        return [row[:length].tobytes() for row, length in zip(self.inputs, self.lengths, strict=True)]

    def take(self, rows: np.ndarray, other: "Rows", width: int) -> "Rows":
        """These rows with those numbered `rows` replaced by all of `other`, both padded to `width` steps."""
        mine, others = self._padded(width), other._padded(width)
        for name, values in mine.items():
            if values is not None:
                values[rows] = others[name]
        return Rows(**mine)

    def _column(self, values: np.ndarray) -> pa.ListArray:
        """A list of steps a row: arrow's own, since `datasets` takes a second a million steps over Python's."""
        flat = values[np.arange(values.shape[1]) < self.lengths[:, None]]
        steps = pa.array(flat.ravel())
        if flat.ndim == 2:
            steps = pa.ListArray.from_arrays(np.arange(0, flat.size + 1, flat.shape[1], dtype=np.int32), steps)
        return pa.ListArray.from_arrays(np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int32), steps)

    def _padded(self, width: int) -> dict[str, Any]:
        def pad(values: np.ndarray) -> np.ndarray:
            return np.pad(values, [(0, 0), (0, width - values.shape[1])] + [(0, 0)] * (values.ndim - 2))

        targets = pad(self.targets) if self.targets.ndim == 2 else self.targets.copy()
        mask = None if self.mask is None else pad(self.mask)
        return {"inputs": pad(self.inputs), "targets": targets, "lengths": self.lengths.copy(), "mask": mask}


@dataclass(frozen=True, kw_only=True)
class Problem(ABC):
    """A problem; its fields are how hard it is.

    Attributes:
        shape: whether a row has one target or one a step.
        metric: the primary metric's name: "accuracy", "cross_entropy" or "mean_squared_error".
        length: steps of a training row, or what the problem's docstring says.
    """

    shape: ClassVar[Literal["many_to_one", "many_to_many_aligned"]]
    metric: ClassVar[str] = "accuracy"

    length: int

    @classmethod
    def options(cls) -> list[str]:
        """Names of the fields that a person may set."""
        return [field.name for field in fields(cls) if field.name != "shortest"]

    @property
    def hardness(self) -> dict[str, int]:
        """How hard it is, by option."""
        return {name: getattr(self, name) for name in self.options()}

    @property
    def blank(self) -> int | None:
        """The target that says that there is nothing to say; left out of accuracy and samples."""
        return None

    def __post_init__(self) -> None:
        at_least(self.shortest_possible, length=self.length)

    @property
    def shortest_possible(self) -> int:
        """The least `length` at which the problem can be stated."""
        return 2

    @property
    @abstractmethod
    def inputs(self) -> Tokens | Reals:
        """The kind of value at an input step."""

    @property
    @abstractmethod
    def targets(self) -> Tokens | Reals:
        """The kind of value that is asked for."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """The primary metric of the best answer that ignores the inputs."""

    @abstractmethod
    def draw(self, generator: Generator, count: int) -> Rows:
        """Draws rows."""

    @abstractmethod
    def show(self, inputs: np.ndarray) -> str:
        """A row's inputs as a person reads them."""

    @abstractmethod
    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        """Answers, one or one a step that counts, as a person reads them."""

    def twice_as_long(self) -> Self:
        """The same problem, twice as long and otherwise as hard."""
        return replace(self, length=2 * self.length)


def draw_unseen(problem: Problem, generator: Generator, count: int, seen: set[bytes], rounds: int = 50) -> Rows:
    """Draws rows whose inputs are not in `seen`, and adds them to it.

    Rows that stand in `seen` are drawn anew, `rounds` times; where a problem has so few rows that some are left then,
    they stay.
    """
    rows = problem.draw(generator, count)
    for _ in range(rounds):
        again = np.array([number for number, key in enumerate(rows.keys()) if key in seen], dtype=int)
        if not len(again):
            break
        fresh = problem.draw(generator, len(again))
        rows = rows.take(again, fresh, max(rows.inputs.shape[1], fresh.inputs.shape[1]))
    seen.update(rows.keys())
    return rows


def alphabet(count: int) -> list[str]:
    """Names of so many symbols: a, b, c, ..., or s0, s1, s2, ... where letters do not reach."""
    return [chr(ord("a") + number) if count <= 26 else f"s{number}" for number in range(count)]


def scattered(generator: Generator, count: int, steps: int, chosen: int) -> np.ndarray:
    """Rows of `chosen` different steps out of `steps`, uniformly and in order, [count, chosen]."""
    return np.sort(np.argsort(generator.random((count, steps)), axis=1)[:, :chosen], axis=1)


def distinct(generator: Generator, count: int, symbols: int, chosen: int) -> np.ndarray:
    """Rows of `chosen` different symbols out of `symbols`, uniformly and in random order, [count, chosen]."""
    return np.argsort(generator.random((count, symbols)), axis=1)[:, :chosen]
