"""Associative recall: which value went with this key?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rnnbench import Tokens
from rnnbench.errors import at_least

from .problem import Problem, Rows, distinct, scattered

POWER = 0.01  # of the law by which queries grow rarer with their distance


@dataclass(frozen=True, kw_only=True)
class Recall(Problem):
    """Multi-query associative recall, MQAR (Arora et al. 2023, 2312.04927; as in HazyResearch/zoology).

    `pairs` different keys, each followed by a value of its own, then every key once more: there the answer is its
    value, and only those steps count. Keys and values are `symbols` different ones each. The queries stand at every
    other step of what is left of `length`, at distance d with probability proportional to d^(0.01 - 1); all other steps
    are blank.

        inputs   k2 v7 k5 v1 ·  ·  k5 ·  k2 ·     (length 10, pairs 2)
        answers                    v1    v7
    """

    shape = "many_to_many_aligned"

    length: int = 32
    symbols: int = 16
    pairs: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, pairs=self.pairs)
        if self.pairs > self.symbols:
            raise ValueError(f"{self.pairs} pairs need as many symbols, got {self.symbols}")

    @property
    def shortest_possible(self) -> int:
        return 4 * self.pairs

    @property
    def inputs(self) -> Tokens:
        return Tokens(1 + 2 * self.symbols)

    @property
    def targets(self) -> Tokens:
        return Tokens(self.symbols)

    @property
    def chance(self) -> float:
        return 1 / self.symbols

    def draw(self, generator: Generator, count: int) -> Rows:
        keys_NP = distinct(generator, count, self.symbols, self.pairs)
        values_NP = distinct(generator, count, self.symbols, self.pairs)
        key_places_NP = np.broadcast_to(np.arange(0, 2 * self.pairs, 2), keys_NP.shape)
        context = 2 * self.pairs
        query_places_NP = context + 2 * self._gaps(generator, count, (self.length - context) // 2)
        return self._rows(keys_NP, values_NP, key_places_NP, query_places_NP, np.zeros((count, self.length), np.uint16))

    def _gaps(self, generator: Generator, count: int, space: int) -> np.ndarray:
        """Different gaps a row, [count, pairs], drawn one after the other by the power law: the Gumbel trick."""
        weight = np.arange(1, space + 1) ** (POWER - 1)
        return np.argsort(-(np.log(weight) + generator.gumbel(size=(count, space))), axis=1)[:, : self.pairs]

    def _rows(
        self, keys_NP: np.ndarray, values_NP: np.ndarray, key_places_NP: np.ndarray, query_places_NP: np.ndarray,
        inputs_NT: np.ndarray,
    ) -> Rows:  # fmt: skip
        """Puts keys, values and queries into `inputs_NT`, which holds what stands between them."""
        keys = (1 + keys_NP).astype(np.uint16)
        np.put_along_axis(inputs_NT, key_places_NP, keys, axis=1)
        np.put_along_axis(inputs_NT, key_places_NP + 1, (1 + self.symbols + values_NP).astype(np.uint16), axis=1)
        np.put_along_axis(inputs_NT, query_places_NP, keys, axis=1)
        targets_NT = np.zeros(inputs_NT.shape, np.int64)
        np.put_along_axis(targets_NT, query_places_NP, values_NP, axis=1)
        mask_NT = np.zeros(inputs_NT.shape, bool)
        np.put_along_axis(mask_NT, query_places_NP, True, axis=1)
        return Rows(inputs_NT, targets_NT, np.full(len(inputs_NT), inputs_NT.shape[1]), mask_NT)

    def show(self, inputs: np.ndarray) -> str:
        return " ".join(self._name(int(number)) for number in inputs)

    def say(self, answers: Sequence[int] | np.ndarray) -> str:
        return " ".join(f"v{answer}" for answer in answers)

    def _name(self, number: int) -> str:
        kind, which = divmod(number - 1, self.symbols)
        return "·" if number == 0 else f"{'kvn'[kind]}{which}"


@dataclass(frozen=True, kw_only=True)
class NoisyRecall(Recall):
    """Recall among noise (after the noisy in-context recall of Poli et al. 2024, 2403.17844).

    As `Recall`, but nothing is blank and nothing stands close together: in the first half of the row the pairs stand at
    random places, in the second half the queries do, and all other steps are noise of `symbols` symbols of its own.

        inputs   n3 k2 v7 n0 k5 v1 n1 k5 n3 k2     (length 10, pairs 2)
        answers                       v1    v7
    """

    @property
    def inputs(self) -> Tokens:
        return Tokens(1 + 3 * self.symbols)

    def draw(self, generator: Generator, count: int) -> Rows:
        half = self.length // 2
        noise_NT = generator.integers(1 + 2 * self.symbols, 1 + 3 * self.symbols, (count, self.length), np.uint16)
        keys_NP = distinct(generator, count, self.symbols, self.pairs)
        values_NP = distinct(generator, count, self.symbols, self.pairs)
        # A pair is two steps wide: choose among the steps that are left when each pair is shrunk to one.
        key_places_NP = scattered(generator, count, half - self.pairs, self.pairs) + np.arange(self.pairs)
        query_places_NP = half + distinct(generator, count, self.length - half, self.pairs)
        return self._rows(keys_NP, values_NP, key_places_NP, query_places_NP, noise_NT)
