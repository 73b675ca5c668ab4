"""Problems whose answer is what was seen, later."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rnnbench import Tokens
from rnnbench.errors import at_least

from .problem import Problem, Rows, alphabet, scattered

BLANK = "·"
ASK = "?"


@dataclass(frozen=True, kw_only=True)
class _Copying(Problem):
    """Inputs are `symbols` symbols, a blank, and a mark that asks for an answer."""

    shape = "many_to_many_aligned"

    symbols: int = 8
    items: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(2, symbols=self.symbols)
        at_least(1, items=self.items)

    @property
    def inputs(self) -> Tokens:
        return Tokens(self.symbols + 2)

    def show(self, inputs: np.ndarray) -> str:
        names = [*alphabet(self.symbols), BLANK, ASK]
        return "".join(names[number] for number in inputs)

    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        names = [*alphabet(self.symbols), BLANK]
        return "".join(names[answer] for answer in answers)


@dataclass(frozen=True, kw_only=True)
class Copy(_Copying):
    """The copy memory problem (Hochreiter & Schmidhuber 1997; this form Arjovsky et al. 2016, 1511.06464).

    `items` random symbols, `length` - 1 blanks, a mark, and `items` blanks; the answers are blanks up to the mark and
    then the symbols in their order. Every step counts. Who remembers nothing answers with blanks and then guesses:
    items ln(symbols) / (length + 2 items) nats a step.

        inputs   a c ·  ·  ·  ?  ·  ·       (length 4, items 2)
        answers  · · ·  ·  ·  ·  a  c
    """

    metric = "cross_entropy"

    length: int = 100

    @property
    def blank(self) -> int:
        return self.symbols

    @property
    def targets(self) -> Tokens:
        return Tokens(self.symbols + 1)

    @property
    def chance(self) -> float:
        return self.items * math.log(self.symbols) / (self.length + 2 * self.items)

    def draw(self, generator: Generator, count: int) -> Rows:
        blank, steps = self.blank, self.length + 2 * self.items
        symbols_NK = generator.integers(0, self.symbols, (count, self.items))
        inputs_NT = np.full((count, steps), blank, np.uint16)
        inputs_NT[:, : self.items] = symbols_NK
        inputs_NT[:, self.items + self.length - 1] = blank + 1
        targets_NT = np.full((count, steps), blank, np.int64)
        targets_NT[:, -self.items :] = symbols_NK
        return Rows(inputs_NT, targets_NT, np.full(count, steps))


@dataclass(frozen=True, kw_only=True)
class SelectiveCopy(_Copying):
    """Selective copying (Jing et al. 2019, 1706.02761; Gu & Dao 2023, 2312.00752 §4.1.1).

    `items` random symbols stand at random places among `length` steps, the others blank; at the `items` marks after
    them the answers are the symbols in their order. Only those steps count.

        inputs   ·  a  ·  ·  c  ?  ?        (length 5, items 2)
        answers                 a  c
    """

    length: int = 16
    items: int = 4

    @property
    def shortest_possible(self) -> int:
        return self.items

    @property
    def targets(self) -> Tokens:
        return Tokens(self.symbols)

    @property
    def chance(self) -> float:
        return 1 / self.symbols

    def draw(self, generator: Generator, count: int) -> Rows:
        steps = self.length + self.items
        symbols_NK = generator.integers(0, self.symbols, (count, self.items))
        places_NK = scattered(generator, count, self.length, self.items)
        inputs_NT = np.full((count, steps), self.symbols, np.uint16)
        np.put_along_axis(inputs_NT, places_NK, symbols_NK.astype(np.uint16), axis=1)
        inputs_NT[:, self.length :] = self.symbols + 1
        targets_NT = np.zeros((count, steps), np.int64)
        targets_NT[:, self.length :] = symbols_NK
        mask_NT = np.zeros((count, steps), bool)
        mask_NT[:, self.length :] = True
        return Rows(inputs_NT, targets_NT, np.full(count, steps), mask_NT)
