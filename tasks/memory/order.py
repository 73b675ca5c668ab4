"""Problems with one answer at the end: what was marked, and in which order it came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rnnbench import Reals, Tokens
from rnnbench.errors import at_least

from .problem import Problem, Rows, alphabet


@dataclass(frozen=True, kw_only=True)
class Adding(Problem):
    """The adding problem (Hochreiter & Schmidhuber 1997) in the form of Arjovsky et al. 2016 (1511.06464).

    Each of `length` steps brings a number from U[0, 1] and a mark, 1 at one step of each half and else 0. The answer is
    the sum of the two marked numbers. Who always says 1 has the sum's variance as mean squared error: 2/12 = 1/6.

        numbers  0.5  0.9  0.3  0.1       marks  0  1  1  0       answer  0.9 + 0.3 = 1.2
    """

    shape = "many_to_one"
    metric = "mean_squared_error"

    length: int = 200

    @property
    def inputs(self) -> Reals:
        return Reals(2)

    @property
    def targets(self) -> Reals:
        return Reals(1)

    @property
    def chance(self) -> float:
        return 1 / 6

    def draw(self, generator: Generator, count: int) -> Rows:
        inputs_NTI = np.zeros((count, self.length, 2), np.float32)
        inputs_NTI[..., 0] = generator.random((count, self.length), np.float32)
        half, row = self.length // 2, np.arange(count)
        places = generator.integers(0, half, count), generator.integers(half, self.length, count)
        for place in places:
            inputs_NTI[row, place, 1] = 1
        targets_N = inputs_NTI[row, places[0], 0] + inputs_NTI[row, places[1], 0]
        return Rows(inputs_NTI, targets_N, np.full(count, self.length))

    def show(self, inputs: np.ndarray) -> str:
        marked = [f"{inputs[step, 0]:.3f} at step {step + 1}" for step in np.flatnonzero(inputs[:, 1] > 0.5)]
        return f"{len(inputs)} numbers, of them marked: {', '.join(marked)}"

    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        return " ".join(f"{answer:.3f}" for answer in np.ravel(answers))


@dataclass(frozen=True, kw_only=True)
class TemporalOrder(Problem):
    """Temporal order (Hochreiter & Schmidhuber 1997, experiment 6): in which order did X and Y come?

    A row begins with E, ends with B, and has between them random distractors and, far apart, `items` symbols each X or
    Y. It has from `length` to 1.1 `length` steps; the first of the `items` stands in steps 0.1 to 0.2 of `length`, the
    others in the first tenth after 1 / items, 2 / items, ... of it. With two items, length 100 and four symbols this is
    experiment 6a, with three 6b. Each of the 2^items orders is as likely.

        E b X d a Y c B       answer  XY
    """

    shape = "many_to_one"

    length: int = 100
    symbols: int = 4
    items: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, symbols=self.symbols)
        if not 2 <= self.items <= 4:
            raise ValueError(f"items must be 2, 3 or 4, got {self.items}")

    @property
    def shortest_possible(self) -> int:
        return 20

    @property
    def inputs(self) -> Tokens:
        return Tokens(self.symbols + 4)

    @property
    def targets(self) -> Tokens:
        return Tokens(2**self.items)

    @property
    def chance(self) -> float:
        return 1 / 2**self.items

    def draw(self, generator: Generator, count: int) -> Rows:
        tenth, row = self.length // 10, np.arange(count)
        lengths_N = generator.integers(self.length, self.length + tenth, count, endpoint=True)
        inputs_NT = generator.integers(0, self.symbols, (count, self.length + tenth)).astype(np.uint16)
        targets_N = np.zeros(count, np.int64)
        for item in range(self.items):
            start = tenth if item == 0 else self.length * item // self.items
            which_N = generator.integers(0, 2, count)
            places_N = generator.integers(start, start + tenth, count, endpoint=True)
            inputs_NT[row, places_N] = self.symbols + which_N
            targets_N = 2 * targets_N + which_N
        inputs_NT[:, 0] = self.symbols + 2
        inputs_NT[row, lengths_N - 1] = self.symbols + 3
        inputs_NT[np.arange(inputs_NT.shape[1]) >= lengths_N[:, None]] = 0
        return Rows(inputs_NT, targets_N, lengths_N)

    def show(self, inputs: np.ndarray) -> str:
        names = [*alphabet(self.symbols), "X", "Y", "E", "B"]
        return " ".join(names[number] for number in inputs)

    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        return " ".join(format(answer, f"0{self.items}b").replace("0", "X").replace("1", "Y") for answer in answers)
