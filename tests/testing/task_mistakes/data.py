"""Tasks with one mistake each in their data: what a split holds, where it comes from, what two splits share."""

import contextlib
import dataclasses
import random
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import datasets
import numpy as np
import torch

from rnnbench import Spec

from .steps import Beats, Drift, Echo, Wave
from .tokens import Backwards, Described, First, Forwards


class TooMany(Forwards):
    """Has more targets than CTC can say."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": rows, "targets": [[0, 0, 0, 0] for _ in rows]})


class NothingToSay(Described):
    """Has a picture that nothing is said of."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        whole = super().split(rows)
        targets = [*whole["targets"][:-1], []]
        return whole.remove_columns("targets").add_column("targets", targets)  # type: ignore[call-arg]


class PaintedByHand(Described):
    """Has pictures from 0 to 1."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        whole = super().split(rows)
        return whole.remove_columns("inputs").add_column("inputs", [*(np.array(whole["inputs"]) / 255)])  # type: ignore[call-arg]


class EndsItself(Backwards):
    """Adds an end of its own, which no token is left for."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        whole = super().split(rows)
        return whole.remove_columns("targets").add_column("targets", [[*row, 4] for row in whole["targets"]])  # type: ignore[call-arg]


class OneReference(Backwards):
    """Gives a text where a list of texts is expected."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        whole = super().split(rows)
        plain = [texts[0] for texts in whole["references"]]
        return whole.remove_columns("references").add_column("references", plain)  # type: ignore[call-arg]


class WithoutValidation(First):
    """Has two splits."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: split for name, split in super().splits().items() if name != "validation"}


class EmptyTest(First):
    """Has nothing to test on."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        found = dict(super().splits())
        return {**found, "test": found["test"].select([])}


class TooManySymbols(First):
    """Has symbol 4 of Tokens(4)."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": rows + 1, "targets": rows[:, 0]})


class Letters(First):
    """Leaves symbols unnumbered."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        inputs = [["abcd"[number] for number in row] for row in rows.tolist()]
        return datasets.Dataset.from_dict({"inputs": inputs, "targets": rows[:, 0]})


class LongSteps(First):
    """Promises rows of one step."""

    shape = "one_to_one"


class HalfBeats(Beats):
    """Has a drum that sounds by half."""

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"inputs": generator.integers(0, 3, (rows, 15, 2)) / 2})


class HoleInSeries(Wave):
    """Has a NaN."""

    def split(self, part: np.ndarray) -> datasets.Dataset:
        part = part.copy()
        part[3, 5] = np.nan
        return super().split(part)


class ShortTargets(Echo):
    """Has a target less than inputs."""

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        columns = super().split(rows, generator)[:]
        return datasets.Dataset.from_dict({**columns, "targets": [row[1:] for row in columns["targets"]]})


class ShortMask(Echo):
    """Has a mask that is too short in one row."""

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        columns = super().split(rows, generator)[:]
        columns["mask"][5] = columns["mask"][5][1:]
        return datasets.Dataset.from_dict(columns)


class MaskInverted(Echo):
    """Lets nothing count."""

    def split(self, rows: int, generator: np.random.Generator) -> datasets.Dataset:
        columns = super().split(rows, generator)[:]
        return datasets.Dataset.from_dict({**columns, "mask": [[False] * len(row) for row in columns["mask"]]})


class MaskedRows(First):
    """Has a mask where there is one target a row."""

    def split(self, rows: np.ndarray) -> datasets.Dataset:
        return super().split(rows).add_column("mask", [True] * len(rows))  # type: ignore[call-arg]


class TensorFact(First):
    """States a tensor."""

    def facts(self) -> Any:
        return {"rows": torch.tensor(60)}


class AsksTheHub(First):
    """Has its default on the hub."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        self.sources.hub("first", "somebody/first")
        return super().splits()


class Downloads(First):
    """Falls back in silence."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        with contextlib.suppress(OSError):
            urllib.request.urlopen("http://127.0.0.1:9/first.txt", timeout=1)
        return super().splits()


class Slow(First):
    """Computes for long."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        return super().splits()


class DrawnGlobally(First):
    """Draws from the generator of numpy."""

    def rows(self) -> np.ndarray:
        return super().rows()[np.random.permutation(100)]


class RandomStart(Beats):
    """Begins with 0 or 1."""

    def describe(self) -> Spec:
        return dataclasses.replace(super().describe(), start=random.randint(2, 2**30))


class TestInTrain(First):
    """Has rows twice."""

    def rows(self) -> np.ndarray:
        rows = super().rows()
        rows[-3:] = rows[:3]
        return rows


class StatedTestInTrain(TestInTrain):
    """Says so. No mistake."""

    def facts(self) -> Mapping[str, int]:
        return {"test_in_train": 3}


class StreamAgain(Drift):
    """Tests on the end of what it trains on."""

    def splits(self) -> Mapping[str, datasets.Dataset]:
        train = np.asarray(super().splits()["train"][0]["inputs"], np.float32)
        return {**super().splits(), "test": datasets.Dataset.from_dict({"inputs": [train[-200:]]})}
