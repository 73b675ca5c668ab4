"""How many examples of one split stand in another as well."""

import itertools
from collections.abc import Mapping
from typing import Any

import datasets
import numpy as np
import pyarrow as pa


def repeats(splits: Mapping[str, datasets.Dataset]) -> dict[str, int]:
    """Facts such as ``test_in_train``: rows of each later split whose inputs are those of a row of an earlier one.

    Each split is compared with train, and test with validation.
    """
    rows = {name: _rows(split) for name, split in splits.items()}
    pairs = [(name, "train") for name in rows if name != "train"] + [("test", "validation")]
    return {f"{later}_in_{earlier}": _shared(rows[later], rows[earlier]) for later, earlier in pairs}


def _shared(later: list[bytes], earlier: list[bytes]) -> int:
    known = set(earlier)
    return sum(row in known for row in later)


def _rows(split: datasets.Dataset) -> list[bytes]:
    table: Any = split.with_format("arrow")[:]
    array: Any = pa.concat_arrays(table.column("inputs").chunks)
    array = array.storage if isinstance(array, pa.ExtensionArray) else array
    borders = np.arange(len(array) + 1)
    while not pa.types.is_primitive(array.type):
        borders = np.append(0, np.cumsum(array.value_lengths()))[borders]
        array = array.flatten()
    values = np.ascontiguousarray(array.to_numpy(zero_copy_only=False))
    return [values[start:end].tobytes() for start, end in itertools.pairwise(borders)]
