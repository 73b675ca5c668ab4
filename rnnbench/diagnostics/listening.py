"""What the stack of any learner reads, and what the loss wants of its outputs: found by listening while it reads.

B rows, T time steps of a row up to the last that the loss hears of, E input size, O output size.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnbench.backbone import State
from rnnbench.data.batch import Batch
from rnnbench.errors import UserError
from rnnbench.learners.base import Learner


@dataclass(frozen=True)
class Row:
    """A row as a stack read it.

    Attributes:
        x_TE: what it read.
        y_TO: what it said.
        gradient_TO: of the row's share of the loss by that, what the outputs say to later steps of the stack apart.
    """

    x_TE: Tensor
    y_TO: Tensor
    gradient_TO: Tensor


def rows_read(learner: Learner, batch: Batch) -> list[Row]:
    """What the stack that reads first read of a batch, row by row, each up to the last output that the loss hears of.

    Of a learner that reads and then speaks it is the reader's stack; of one that only speaks, the speaker's, which
    reads the targets. Rows that the loss does not hear of are left out.

    Raises:
        UserError: there is no single step to look at, or what is read depends on what was said before.
    """
    stack = learner.stacks()[0]
    if stack.bidirectional:
        raise UserError("a bidirectional stack reads whole sequences; it has no single step to look at")
    with torch.enable_grad(), _listening(stack) as calls:
        loss = learner.loss(learner.outputs(batch, 0), batch) * batch.mask.sum()
        if not calls:
            raise UserError("this stack is fed what it says, step by step; it reads no sequence to look at")
        gradients = torch.autograd.grad(loss, [y_BTO for _, y_BTO in calls], materialize_grads=True)
    found = []
    for (x_BTE, y_BTO), gradient_BTO in zip(calls, gradients, strict=True):
        for x_TE, y_TO, gradient_TO in zip(x_BTE, y_BTO.detach(), gradient_BTO, strict=True):
            heard = (gradient_TO != 0).any(1).nonzero()
            if len(heard):
                end = int(heard[-1]) + 1
                found.append(Row(x_TE[:end], y_TO[:end], gradient_TO[:end]))
    return found


@contextlib.contextmanager
def _listening(stack: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Within it each sequence that a stack reads is kept beside what it says, cut from what led to it."""
    calls: list[tuple[Tensor, Tensor]] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...], result: tuple[Tensor, State]) -> tuple[Tensor, State]:
        y_BTO, state = result
        cut_BTO = y_BTO.detach().requires_grad_()
        calls.append((given[0].detach(), cut_BTO))
        return cut_BTO, state

    handle = stack.register_forward_hook(keep)
    try:
        yield calls
    finally:
        handle.remove()
