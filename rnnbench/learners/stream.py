"""Aligned many to many over one unbroken sequence, as in language modelling.

B rows, T time steps, N steps of a whole split.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import datasets
import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from rnnbench.backbone import State
from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.data.columns import sequences
from rnnbench.data.streams import Streams
from rnnbench.errors import at_least
from rnnbench.learners.aligned import OPENING, AlignedLearner, aligned
from rnnbench.learners.base import EXAMPLES
from rnnbench.stack import Stack
from rnnbench.task import Task

EVALUATION_CHUNK = 512  # steps; bounds memory only, since the state is carried from chunk to chunk


class StreamLearner(AlignedLearner):
    """Reads the rows of a split laid end to end.

    Training reads `trainer.batch_size` parallel rows, `bptt` steps at a time, and carries the state from chunk to chunk
    without its gradient (truncated back-propagation through time, Williams & Peng 1990). Evaluation reads a single row,
    the state carried through, every step scored once.

    Args:
        task: the task.
        make_stack: builds the stack for an input size.
        bptt: steps of a training chunk. None takes the whole stream as one chunk (full back-propagation through time):
            one update an epoch, from gradients that reach back to the stream's first step, with all steps in memory.
            It is for streams of some thousand steps a row.
        bptt_deviation: standard deviation of a chunk's steps around `bptt`, whose lengths then differ and are drawn
            from the seed and the epoch; the learning rate of an update goes with the steps of its chunk (1708.02182 §5;
            5 for bptt=70 in AWD-LSTM). None makes all chunks equally long.
        options: those of every learner of sequences.
    """

    def __init__(
        self,
        task: Task,
        make_stack: Callable[[int], Stack],
        *,
        bptt: int | None = 32,
        bptt_deviation: float | None = None,
        **options: Any,
    ) -> None:
        if bptt is not None:
            at_least(1, bptt=bptt)
        if bptt_deviation is not None:
            _check_deviation(bptt_deviation, bptt)
        super().__init__(task, make_stack, **options)
        self.bptt, self.bptt_deviation = bptt, bptt_deviation
        self._rate_factor = 1.0

    def carried(self, batch_index: int) -> State | None:
        return None if batch_index == 0 else self._states[self.training]

    def memory(self) -> list[Any]:
        return pytree.tree_leaves(self._states.get(True))

    def remember(self, memory: list[Any]) -> None:
        if memory:  # leaves only, since what nests them may be a class of the backbone's own
            nesting = pytree.tree_structure(self.stack.initial_state(1))
            self._states[True] = pytree.tree_unflatten(memory, nesting)

    def training_batches(self, split: datasets.Dataset, batch_size: int, seed: int) -> Batches:
        inputs_N, targets_N = self._stream(split)
        chunk = self.bptt or len(inputs_N)
        return Streams(inputs_N, targets_N, batch_size, chunk, deviation=self.bptt_deviation, seed=seed)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        if self.bptt_deviation is not None:
            assert self.bptt is not None
            self._rate_factor = batch.inputs.shape[1] / self.bptt

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        with _scaled_rates(optimizer, self._rate_factor):
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)

    def evaluation_batches(self, split: datasets.Dataset, batch_size: int) -> Batches:
        return Streams(*self._stream(split), 1, EVALUATION_CHUNK)

    def examples(self, split: datasets.Dataset) -> Batch:
        inputs_N, targets_N = self._stream(split)
        length = min(OPENING, len(inputs_N))
        starts = np.linspace(0, len(inputs_N) - length, EXAMPLES).astype(int)
        rows = [slice(start, start + length) for start in starts]
        return Batch.whole(torch.stack([inputs_N[row] for row in rows]), torch.stack([targets_N[row] for row in rows]))

    def _stream(self, split: datasets.Dataset) -> tuple[Tensor, Tensor]:
        """Inputs and targets of all rows laid end to end, [N] tokens or [N, V] vectors."""
        spec = self.task.spec
        if spec.start is None or "targets" in split.column_names:
            inputs, targets = aligned(split, spec)
            return inputs.values, targets.values
        values = sequences(split, "inputs", spec.inputs).values
        return torch.cat([torch.full_like(values[:1], spec.start), values[:-1]]), values


def _check_deviation(deviation: float, bptt: int | None) -> None:
    if bptt is None or bptt < 8:  # a chunk may become an eighth as long
        steps = "null" if bptt is None else bptt
        raise ValueError(f"bptt_deviation needs chunks of at least 8 steps, got bptt={steps}")
    if not 0 < deviation <= bptt / 4:
        raise ValueError(f"bptt_deviation must be above 0 and at most a quarter of bptt={bptt}, got {deviation}")


@contextmanager
def _scaled_rates(optimizer: Any, factor: float) -> Iterator[None]:
    """Multiplies the learning rates, which are as before afterwards."""
    rates = [group["lr"] for group in optimizer.param_groups]
    try:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        yield
    finally:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
