"""Contiguous streams: one long sequence cut into parallel rows that are read on, chunk by chunk.

The state at the end of a chunk is the state at the start of the next, so that a recurrent network sees an unbroken
text while gradients reach back at most one chunk (truncated back-propagation through time).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.errors import UserError

HALVED = 0.05
"""Share of chunks of unequal length that are half as long (1708.02182 §5)."""


class Streams(Batches):
    """Reads N steps as `batch_size` rows of ceil(N / batch_size) steps, `chunk` at a time, each step exactly once.

    The rows that end early are padded and masked; nothing is dropped. The order is fixed, so that every backbone sees
    the same batches, and every seed too where chunks are equally long.

    With a `deviation` they are not (Merity et al. 2017, arXiv 1708.02182 §5), so that it is not always the same steps
    which see no further back: each length is drawn anew in each pass, from a normal distribution around `chunk`, or in
    one of twenty cases around half of it. All are then stretched by one factor, so that each pass has equally many.

    Args:
        inputs_N: int64 tokens, or vectors with one more dimension.
        targets_N: what each step should say.
        batch_size: parallel rows. 1 reads the sequence unbroken, as evaluation does.
        chunk: steps a batch.
        deviation: standard deviation of them, at most a quarter of `chunk`; None makes all equal.
        seed: of the lengths.

    Raises:
        UserError: fewer steps than rows.
    """

    def __init__(
        self,
        inputs_N: Tensor,
        targets_N: Tensor,
        batch_size: int,
        chunk: int,
        *,
        deviation: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if len(inputs_N) < batch_size:
            raise UserError(
                f"{len(inputs_N)} steps of data are too few for trainer.batch_size={batch_size}; use more data, or a "
                "smaller batch"
            )
        self.rows = -(-len(inputs_N) // batch_size)
        self.chunk, self.deviation, self.seed = chunk, deviation, seed
        self.inputs_BN = _fold(inputs_N, batch_size, self.rows)
        self.targets_BN = _fold(targets_N, batch_size, self.rows)
        self.mask_BN = _fold(torch.ones(len(inputs_N), dtype=torch.bool), batch_size, self.rows)

    def __len__(self) -> int:
        if self.deviation is None:
            return -(-self.rows // self.chunk)
        return max(1, round(self.rows / (self.chunk * (1 - HALVED / 2))))

    def plan(self, epoch: int) -> Sequence[tuple[int, int]]:
        """Where each chunk begins and ends."""
        if self.deviation is None:
            return list(pairwise([*range(0, self.rows, self.chunk), self.rows]))
        random = np.random.default_rng((self.seed, epoch))
        means = self.chunk * np.where(random.random(len(self)) < HALVED, 0.5, 1.0)
        ends = np.maximum(random.normal(means, self.deviation), self.chunk / 4).cumsum()
        return list(pairwise([0, *np.rint(ends * (self.rows / ends[-1])).astype(int).tolist()]))

    def first(self) -> Batch:
        """A chunk of the usual length, at the beginning."""
        return self.batch((0, self.chunk))

    def batch(self, part: tuple[int, int]) -> Batch:
        """The chunk between two steps."""
        chunk = slice(*part)
        mask_BT = self.mask_BN[:, chunk]
        return Batch(self.inputs_BN[:, chunk], self.targets_BN[:, chunk], mask_BT, mask_BT.sum(1))


def _fold(values_N: Tensor, batch_size: int, rows: int) -> Tensor:
    padding = values_N.new_zeros(batch_size * rows - len(values_N), *values_N.shape[1:])
    return torch.cat([values_N, padding]).unflatten(0, (batch_size, rows))
