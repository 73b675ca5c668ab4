"""A hash of what a data set holds, independent of where it came from and of how it lies in memory."""

import hashlib
from typing import Any

import datasets
import numpy as np
import pyarrow as pa


def content_hash(dataset: datasets.Dataset) -> str:
    """SHA-256 over names, types and values of the columns. Row order counts; files and chunks do not."""
    digest = hashlib.sha256()
    # Not `dataset.data`: that ignores a selection or a shuffle.
    table: Any = dataset.with_format("arrow")[:]
    for name in sorted(table.column_names):
        chunks = table.column(name).chunks
        _update(digest, name, pa.concat_arrays(chunks) if chunks else pa.array([], table.schema.field(name).type))
    return digest.hexdigest()


def _update(digest: Any, name: str, column: pa.Array) -> None:
    digest.update(f"{name}:{column.type}:{len(column)}:".encode())
    if column.null_count == 0 and (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        digest.update(np.ascontiguousarray(column.value_lengths().to_numpy(zero_copy_only=False)))
        _update(digest, f"{name}[]", column.flatten())
    elif column.null_count == 0 and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        digest.update(np.ascontiguousarray(column.to_numpy(zero_copy_only=False)))
    else:
        for value in column.to_pylist():
            digest.update(f"{value!r},".encode())
