"""What is looked at of a run: the stack that reads first, as it reads stretches of its task.

B rows, T time steps, N steps of all stretches, O output size, E embedding size.
"""

import heapq
from collections.abc import Iterable, Iterator

import datasets
import torch
from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.diagnostics.listening import Row, rows_read
from rnnbench.diagnostics.seen import Network
from rnnbench.diagnostics.subjects import SIGNAL_ROWS, Look
from rnnbench.errors import UserError
from rnnbench.learners.base import Learner

BATCHES = 20  # that are read at most to find rows that are long enough


def of_learner(label: str, learner: Learner, split: datasets.Dataset, look: Look) -> Network:
    """A learner's stack that reads stretches of a split; L_T is the loss, as far as it hears of their last output.

    Stretches are read from the initial state, and are as long as the look asks, or as the split's rows are. The memory
    horizon is measured with their steps in random order.

    Raises:
        UserError: what the stack reads is too short, or there is no single step to look at.
    """
    learner = learner.double().eval().requires_grad_(False)
    x_BTE, gradient_BO = _stretches(_rows(learner, split, look.rows), look)
    pool_NE = x_BTE.flatten(0, 1)
    generator = torch.Generator().manual_seed(look.seed)
    drawn = torch.randint(len(pool_NE), (SIGNAL_ROWS, 2 * (x_BTE.shape[1] - 1)), generator=generator)
    return Network(label, learner.stacks()[0], x_BTE, lambda _: gradient_BO, pool_NE[drawn])


def _rows(learner: Learner, split: datasets.Dataset, rows: int) -> Iterator[Row]:
    """What the stack reads of a split, the batches with the longest rows first."""
    batches = learner.evaluation_batches(split, rows)
    for batch in heapq.nlargest(BATCHES, batches, key=lambda batch: int(batch.lengths.max())):
        yield from rows_read(learner, _double(batch))


def _double(batch: Batch) -> Batch:
    inputs, targets = (part.double() if part.is_floating_point() else part for part in (batch.inputs, batch.targets))
    return Batch(inputs, targets, batch.mask, batch.lengths, batch.references)


def _stretches(rows: Iterable[Row], look: Look) -> tuple[Tensor, Tensor]:
    """The longest stretches, one length: inputs [B, T, E], and the gradient of the loss by the last output [B, O]."""
    found: list[tuple[Tensor, Tensor]] = []
    enough = 0
    for row in rows:
        cut = _cut(row, look.steps + 1)
        found += cut
        enough += sum(len(x_TE) > look.steps for x_TE, _ in cut)
        if enough >= look.rows:
            break
    longest = sorted(found, key=lambda pair: -len(pair[0]))[: look.rows]
    steps = len(longest[-1][0]) if longest else 0
    if steps < 3:
        raise UserError("what this run's stack reads at once is too short to look through time: less than 3 steps")
    return torch.stack([x_TE[-steps:] for x_TE, _ in longest]), torch.stack([gradient_O for _, gradient_O in longest])


def _cut(row: Row, steps: int) -> list[tuple[Tensor, Tensor]]:
    """A row's steps cut into stretches from its end on, the first part of it where it is shorter."""
    ends = range(len(row.x_TE), min(steps, len(row.x_TE)) - 1, -steps)
    return [
        (row.x_TE[max(0, end - steps) : end], row.gradient_TO[end - 1])
        for end in ends
        if row.gradient_TO[end - 1].any()
    ]
