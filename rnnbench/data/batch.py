"""What a training or evaluation step is handed."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass  # not frozen: Lightning's precision plugins rebuild batches field by field
class Batch:
    """Rows of equal length, padded at the end where they are not.

    B rows, T time steps.

    Attributes:
        inputs: token ids [B, T] (int64), or vectors with one more dimension (float32).
        targets: what each step should say, [B, T], or each row, [B], of the kind in the task's `Spec.targets`; vectors
            have one more dimension.
        mask: True where a target counts, [B, T] or [B]. Loss and metrics see nothing else.
        lengths: valid steps of each row of the inputs, [B] (int64); the rest is padding.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor
    lengths: Tensor

    @classmethod
    def whole(cls, inputs: Tensor, targets: Tensor) -> "Batch":
        """A batch without padding, in which every step has a target that counts."""
        mask = torch.ones(inputs.shape[:2], dtype=torch.bool, device=inputs.device)
        return cls(inputs, targets, mask, mask.sum(1))

    @property
    def valid(self) -> Tensor:
        """True at the steps that are no padding, [B, T]."""
        return torch.arange(self.inputs.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))
