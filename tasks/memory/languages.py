"""Regular languages: is this string of zeros and ones in the language?"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.random import Generator

from rnnbench import Tokens

from .problem import Problem, Rows

LONGEST = 500  # twice as long, the numbers of strings still fit into a float64


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton over {0, 1} that starts in state 0.

    Attributes:
        on_zero, on_one: the state that follows each state.
        accepting: the states in which a string is in the language.
    """

    on_zero: tuple[int, ...]
    on_one: tuple[int, ...]
    accepting: tuple[int, ...]


PARITY = Automaton((0, 1), (1, 0), (1,))

# Tomita (1982); in words in `Tomita`.
TOMITA = {
    1: Automaton((1, 1), (0, 1), (0,)),
    2: Automaton((2, 0, 2), (1, 2, 2), (0,)),
    3: Automaton((0, 2, 3, 2, 4), (1, 0, 4, 3, 4), (0, 1, 3)),
    4: Automaton((1, 2, 3, 3), (0, 0, 0, 3), (0, 1, 2)),
    5: Automaton((1, 0, 3, 2), (2, 3, 0, 1), (0,)),
    6: Automaton((1, 2, 0), (2, 0, 1), (0,)),
    7: Automaton((0, 2, 2, 4, 4), (1, 1, 3, 3, 4), (0, 1, 2, 3)),
}


@dataclass(frozen=True, kw_only=True)
class Language(Problem):
    """Membership in a regular language. A row is a string of `shortest` to `length` symbols.

    Half of the rows are in the language. Their lengths are uniform over those at which there are such strings, and all
    strings of a length are as likely: walks through the automaton, drawn by how many strings lead on from each state.
    """

    shape = "many_to_one"
    words: ClassVar[tuple[str, str]] = ("no", "yes")

    length: int = 40
    shortest: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length > 2 * LONGEST:
            raise ValueError(f"length must be at most {LONGEST}, got {self.length}")

    @property
    @abstractmethod
    def automaton(self) -> Automaton:
        """What decides."""

    @property
    def inputs(self) -> Tokens:
        return Tokens(2)

    @property
    def targets(self) -> Tokens:
        return Tokens(2)

    @property
    def chance(self) -> float:
        return 0.5

    def twice_as_long(self) -> Self:
        """Strings longer than any of training, up to twice as long."""
        return replace(self, length=2 * self.length, shortest=self.length + 1)

    def draw(self, generator: Generator, count: int) -> Rows:
        ways = self._ways()
        targets_N = generator.integers(0, 2, count)
        lengths_N = np.zeros(count, np.int64)
        for label in (0, 1):
            possible = [n for n in range(self.shortest, self.length + 1) if ways[n, 0, label] > 0]
            lengths_N[targets_N == label] = generator.choice(possible, (targets_N == label).sum())
        follow = np.array([self.automaton.on_zero, self.automaton.on_one])
        inputs_NT = np.zeros((count, self.length), np.uint16)
        states_N = np.zeros(count, np.int64)
        for step in range(self.length):
            left_N = np.maximum(lengths_N - step, 1)
            zeros_N = ways[left_N - 1, follow[0, states_N], targets_N]
            ones_N = ways[left_N - 1, follow[1, states_N], targets_N]
            symbol_N = (generator.random(count) * (zeros_N + ones_N) >= zeros_N) & (step < lengths_N)
            inputs_NT[:, step] = symbol_N
            states_N = np.where(step < lengths_N, follow[symbol_N.astype(int), states_N], states_N)
        return Rows(inputs_NT, targets_N, lengths_N)

    def _ways(self) -> np.ndarray:
        """How many strings of each length lead from each state to acceptance (1) or not (0), [T + 1, states, 2]."""
        automaton = self.automaton
        ways = np.zeros((self.length + 1, len(automaton.on_zero), 2))
        ways[0, :, 0], ways[0, list(automaton.accepting), 0], ways[0, list(automaton.accepting), 1] = 1, 0, 1
        for n in range(self.length):
            ways[n + 1] = ways[n, automaton.on_zero] + ways[n, automaton.on_one]
        return ways

    def show(self, inputs: np.ndarray) -> str:
        return "".join(str(symbol) for symbol in inputs)

    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        return " ".join(self.words[answer] for answer in answers)


@dataclass(frozen=True, kw_only=True)
class Parity(Language):
    """Parity: is the number of ones odd?

    0 1 1 0 1       answer  odd
    """  # fmt: skip

    words = ("even", "odd")

    @property
    def automaton(self) -> Automaton:
        return PARITY


@dataclass(frozen=True, kw_only=True)
class Tomita(Language):
    """The seven languages of Tomita (1982), by `grammar`.

    1: 1*. 2: (10)*. 3: no odd run of ones and, anywhere after it, an odd run of zeros. 4: no 000. 5: even numbers of
    zeros and of ones. 6: the numbers of zeros and ones are equal modulo 3. 7: 0*1*0*1*.

        grammar 5       0 1 1 0       answer  yes
    """

    grammar: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.grammar not in TOMITA:
            raise ValueError(f"grammar must be from 1 to 7, got {self.grammar}")

    @property
    def automaton(self) -> Automaton:
        return TOMITA[self.grammar]
