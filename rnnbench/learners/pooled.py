"""Many to one: one output for a whole sequence, as in classifying a sentence; a sequence of one step is one to one.

B rows, T time steps, O the stack's output size, V outputs a row.
"""

from collections.abc import Callable
from typing import Any, Literal

import datasets
import torch
from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.data.columns import sequences, singles
from rnnbench.data.rows import Rows
from rnnbench.learners.base import Sampling
from rnnbench.learners.sequence import SequenceLearner
from rnnbench.stack import Stack
from rnnbench.task import Prediction, Task

TRACED = 200  # steps of the longest row that a bidirectional stack reads again and again, once for each beginning of it


class PooledLearner(SequenceLearner):
    """Reads a row to its end, then says what the task wants of it.

    Args:
        task: the task.
        make_stack: builds the stack for an input size.
        pooling: what the head reads: the stack's last output (of the backward direction that at the first step, where
            it has read everything), or over all steps the mean or the largest of each number.
        options: those of every learner of sequences.
    """

    def __init__(
        self,
        task: Task,
        make_stack: Callable[[int], Stack],
        *,
        pooling: Literal["last", "mean", "max"] = "last",
        **options: Any,
    ) -> None:
        super().__init__(task, make_stack, **options)
        self.pooling = pooling

    def forward(self, inputs: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Outputs [B, V] for inputs [B, T] tokens or [B, T, I] vectors; `lengths_B` None says that none is padded."""
        whole = torch.full(inputs.shape[:1], inputs.shape[1], device=inputs.device)
        lengths_B = whole if lengths_B is None else lengths_B
        return self.outputs(Batch(inputs, inputs, inputs, lengths_B), 0)

    def gather(self, y: Tensor, batch: Batch) -> Tensor:
        """What the head reads of the stack's outputs [B, T, O]: [B, O]."""
        if self.pooling == "max":
            return y.masked_fill(~batch.valid[:, :, None], -torch.inf).amax(1)
        if self.pooling == "mean":
            return (y * batch.valid[:, :, None]).sum(1) / batch.lengths[:, None]
        last_BO = y[torch.arange(len(y), device=y.device), batch.lengths - 1]
        if not self.stack.bidirectional:
            return last_BO
        ahead = last_BO.shape[1] // 2
        return torch.cat([last_BO[:, :ahead], y[:, 0, ahead:]], 1)

    @torch.inference_mode()
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        self.eval()
        return Prediction(self.outputs(batch, 0), trace=self._trace(batch))

    def _trace(self, batch: Batch) -> Tensor | None:
        """What would be said had each row ended at each of its steps, [B, T, V]; after its end the last word stands."""
        steps = batch.inputs.shape[1]
        if self.stack.bidirectional:
            if steps > TRACED:
                return None
            ends = [batch.lengths.clamp(max=step) for step in range(1, steps + 1)]
            return torch.stack([self(batch.inputs[:, : int(end.max())], end) for end in ends], 1)
        y_BTO, _ = self.hidden(batch.inputs, None, batch.lengths)
        if self.pooling == "max":
            y_BTO = y_BTO.cummax(1).values
        elif self.pooling == "mean":
            y_BTO = y_BTO.cumsum(1) / torch.arange(1, steps + 1, device=y_BTO.device)[:, None]
        last_BT = torch.arange(steps, device=y_BTO.device).minimum(batch.lengths[:, None] - 1)
        return self.head(y_BTO.gather(1, last_BT[:, :, None].expand_as(y_BTO)))

    def _rows(self, split: datasets.Dataset, batch_size: int, seed: int | None) -> Rows:
        spec = self.task.spec
        inputs = sequences(split, "inputs", spec.inputs)
        return Rows(inputs, singles(split, "targets", spec.targets), batch_size, seed=seed)
