"""Contiguous streams: one long sequence cut into parallel rows that are read on, chunk by chunk.

The state at the end of a chunk is the state at the start of the next, so that a recurrent network sees an unbroken
text while gradients reach back at most one chunk (truncated back-propagation through time).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.errors import UserError


class Streams(Batches):
    """Reads N steps as `batch_size` rows of ceil(N / batch_size) steps, `chunk` at a time, each step exactly once.

    The rows that end early are padded and masked; nothing is dropped. The order is fixed, so that every backbone and
    every seed sees the same batches.

    Args:
        inputs_N: int64 tokens, or vectors with one more dimension.
        targets_N: what each step should say.
        batch_size: parallel rows. 1 reads the sequence unbroken, as evaluation does.
        chunk: steps a batch.

    Raises:
        UserError: fewer steps than rows.
    """

    def __init__(self, inputs_N: Tensor, targets_N: Tensor, batch_size: int, chunk: int) -> None:
        super().__init__()
        if len(inputs_N) < batch_size:
            raise UserError(
                f"{len(inputs_N)} steps of data are too few for trainer.batch_size={batch_size}; use more data, or a "
                "smaller batch"
            )
        self.rows = -(-len(inputs_N) // batch_size)
        self.chunk = chunk
        self.inputs_BN = _fold(inputs_N, batch_size, self.rows)
        self.targets_BN = _fold(targets_N, batch_size, self.rows)
        self.mask_BN = _fold(torch.ones(len(inputs_N), dtype=torch.bool), batch_size, self.rows)

    def __len__(self) -> int:
        return -(-self.rows // self.chunk)

    def plan(self, epoch: int) -> Sequence[int]:  # noqa: ARG002 - the same in every epoch
        """Where each chunk begins."""
        return range(0, self.rows, self.chunk)

    def batch(self, part: int) -> Batch:
        """The chunk that begins at step `part`."""
        chunk = slice(part, part + self.chunk)
        mask_BT = self.mask_BN[:, chunk]
        return Batch(self.inputs_BN[:, chunk], self.targets_BN[:, chunk], mask_BT, mask_BT.sum(1))


def _fold(values_N: Tensor, batch_size: int, rows: int) -> Tensor:
    padding = values_N.new_zeros(batch_size * rows - len(values_N), *values_N.shape[1:])
    return torch.cat([values_N, padding]).unflatten(0, (batch_size, rows))
