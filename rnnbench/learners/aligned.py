"""Aligned many to many: an output at every step of rows that are each a sequence of their own, as in polyphonic music.

B rows, T time steps, L drawn steps, V outputs a step.
"""

import datasets
import torch
from torch import Tensor

from rnnbench.backbone import State
from rnnbench.data.batch import Batch
from rnnbench.data.columns import Ragged, flags, sequences
from rnnbench.data.rows import Rows
from rnnbench.errors import UserError
from rnnbench.learners.base import Sampling
from rnnbench.learners.sequence import SequenceLearner
from rnnbench.task import Prediction, Spec

OPENING = 24  # steps of a held-out row that are shown to the network to go on from


class AlignedLearner(SequenceLearner):
    """Reads a step, says what the task wants of it, and remembers until the end of the row.

    Gradients reach back to the first step of the row.
    """

    def forward(
        self, inputs: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs [B, T, V] and the last state. `state` None begins anew."""
        y_BTO, state = self.hidden(inputs, state, lengths_B)
        return self.head(self.dropout(y_BTO)), state

    def examples(self, split: datasets.Dataset) -> Batch:
        batch = super().examples(split)
        return batch if self.task.spec.start is None else opening(batch, OPENING)

    @torch.inference_mode()
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        self.eval()
        spec = self.task.spec
        outputs, state = self(batch.inputs, None, batch.lengths)
        if spec.start is None:
            return Prediction(outputs)
        generator = torch.Generator(outputs.device).manual_seed(sampling.seed)
        last_BV, drawn = outputs[:, -1], []
        for _ in range(sampling.length):
            value_B = spec.targets.draw(last_BV, sampling.temperature, generator)
            drawn.append(value_B)
            y_BO, state = self.stack.step(self.embedding(value_B), state)
            last_BV = self.head(y_BO)
        return Prediction(outputs, torch.stack(drawn, 1) if drawn else batch.inputs[:, :0])

    def _rows(self, split: datasets.Dataset, batch_size: int, seed: int | None) -> Rows:
        spec, names = self.task.spec, split.column_names
        mask = flags(split, "mask") if "mask" in names else None
        if spec.start is None or "targets" in names:
            return Rows(*aligned(split, spec), batch_size, mask=mask, seed=seed)
        targets = sequences(split, "inputs", spec.inputs)
        return Rows(targets.shifted(spec.start), targets, batch_size, mask=mask, seed=seed)


def aligned(split: datasets.Dataset, spec: Spec) -> tuple[Ragged, Ragged]:
    """Inputs and targets of a split, as many of both in each row.

    Raises:
        UserError: they are not.
    """
    inputs, targets = sequences(split, "inputs", spec.inputs), sequences(split, "targets", spec.targets)
    if not torch.equal(targets.lengths_R, inputs.lengths_R):
        row = int((targets.lengths_R != inputs.lengths_R).nonzero()[0])
        steps = f"{inputs.lengths_R[row]} inputs and {targets.lengths_R[row]} targets"
        raise UserError(f"the task's data has {steps} in row {row}; aligned rows have as many of both")
    return inputs, targets


def opening(batch: Batch, steps: int) -> Batch:
    """The first steps of each row, as many of all."""
    length = min(steps, int(batch.lengths.min()))
    return Batch.whole(batch.inputs[:, :length], batch.targets[:, :length])
