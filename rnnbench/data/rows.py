"""Rows of unequal length: bucketed by length, padded, masked.

B rows, T time steps, R rows of a whole split.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.data.columns import Ragged

BUCKET = 50  # batches whose rows are sorted by length together


class Rows(Batches):
    """Hands out every row exactly once a pass, rows of similar length together; the last batch may be smaller.

    In training the order changes from epoch to epoch and follows from the seed; in evaluation rows go by length.

    Args:
        inputs: a sequence a row.
        targets: as long a sequence a row, or a tensor with one value a row.
        batch_size: rows a batch.
        mask: which steps have a target that counts, all rows end to end; None says all. Not for one value a row.
        seed: of the order; None for evaluation.
    """

    def __init__(
        self,
        inputs: Ragged,
        targets: Ragged | Tensor,
        batch_size: int,
        *,
        mask: Tensor | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.targets, self.batch_size, self.seed = inputs, targets, batch_size, seed
        self.mask = None if mask is None else Ragged(mask, inputs.starts_R, inputs.lengths_R)

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def plan(self, epoch: int) -> Sequence[Tensor]:
        """The rows of each batch."""
        lengths_R = self.inputs.lengths_R.numpy()
        if self.seed is None:
            return torch.from_numpy(np.argsort(lengths_R, kind="stable")).split(self.batch_size)
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(lengths_R))
        batches: list[Tensor] = []
        for start in range(0, len(order), BUCKET * self.batch_size):
            bucket = order[start : start + BUCKET * self.batch_size]
            bucket = bucket[np.argsort(lengths_R[bucket], kind="stable")]
            batches += torch.from_numpy(bucket).split(self.batch_size)
        return [batches[place] for place in generator.permutation(len(batches))]

    def batch(self, part: Tensor) -> Batch:
        """The batch of those rows."""
        lengths_B = self.inputs.lengths_R[part]
        inputs = self.inputs.padded(part)
        if isinstance(self.targets, Tensor):
            return Batch(inputs, self.targets[part], torch.ones(len(part), dtype=torch.bool), lengths_B)
        batch = Batch(inputs, self.targets.padded(part), inputs.new_empty(0), lengths_B)
        batch.mask = batch.valid if self.mask is None else self.mask.padded(part)
        return batch
