"""What a training or evaluation step is handed."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass  # not frozen: Lightning's precision plugins rebuild batches field by field
class Batch:
    """Rows of equal length, padded at the end where they are not.

    B rows, T time steps.

    Attributes:
        inputs_BT: token ids (int64), or vectors with one more dimension (float32).
        targets_BT: what each step should say, of the kind in the task's `Spec.targets`.
        mask_BT: True where a target counts. Loss and metrics see nothing else.
        lengths_B: valid steps of each row (int64); the rest is padding.
    """

    inputs_BT: Tensor
    targets_BT: Tensor
    mask_BT: Tensor
    lengths_B: Tensor

    @classmethod
    def whole(cls, inputs_BT: Tensor, targets_BT: Tensor) -> "Batch":
        """A batch without padding, in which every target counts."""
        mask_BT = torch.ones(inputs_BT.shape[:2], dtype=torch.bool, device=inputs_BT.device)
        return cls(inputs_BT, targets_BT, mask_BT, mask_BT.sum(1))

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))
