import datasets
import numpy as np

from rnnbench.data.content import content_hash

ROWS = [[1, 2, 3], [4], [5, 6]]


def test_equal_content_has_one_hash_however_it_lies():
    plain = datasets.Dataset.from_dict({"inputs": ROWS, "name": ["a", "b", "c"]})
    chunked = datasets.concatenate_datasets([plain.select(range(1)), plain.select(range(1, 3))])
    selected = datasets.Dataset.from_dict({"name": ["x", "a", "b", "c"], "inputs": [[9], *ROWS]}).select([1, 2, 3])
    assert len({content_hash(data) for data in (plain, chunked, selected)}) == 1


def test_any_change_of_content_changes_the_hash():
    variants = [
        {"inputs": ROWS},
        {"inputs": [[1, 2, 3], [4], [5, 7]]},
        {"inputs": [[1, 2], [3, 4], [5, 6]]},
        {"inputs": [[4], [1, 2, 3], [5, 6]]},
        {"targets": ROWS},
        {"inputs": [np.array(row, np.float32) for row in ROWS]},
        {"inputs": [[1, 2, 3], [4], [5, None]]},
        {"inputs": ["123", "4", "56"]},
    ]
    hashes = {content_hash(datasets.Dataset.from_dict(variant)) for variant in variants}
    assert len(hashes) == len(variants)
