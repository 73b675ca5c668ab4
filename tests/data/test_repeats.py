import datasets
import numpy as np

from rnnbench.data.repeats import repeats


def split(*rows: object) -> datasets.Dataset:
    return datasets.Dataset.from_dict({"inputs": list(rows), "targets": list(range(len(rows)))})


def test_rows_of_tokens_are_compared_whole():
    splits = {"train": split([1, 2], [3]), "validation": split([1], [3]), "test": split([3], [3], [1], [2, 1])}
    assert repeats(splits) == {"validation_in_train": 1, "test_in_train": 2, "test_in_validation": 3}


def test_rows_of_vectors_and_further_splits_and_selections():
    one, other = np.arange(6.0).reshape(3, 2), np.ones((1, 2))
    train = split(one, other).select([1])
    splits = {"train": train, "validation": split(one), "test": split(other, one), "longer": split(other)}
    assert repeats(splits) == {
        "validation_in_train": 0, "test_in_train": 1, "longer_in_train": 1, "test_in_validation": 1,
    }  # fmt: skip
