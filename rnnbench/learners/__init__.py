"""The learners: one LightningModule for each way that inputs and outputs relate in time. Imported when chosen."""

import importlib
from typing import TYPE_CHECKING

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.learners.base import Learner
    from rnnbench.task import Task

# The learner of each shape of task, as module and class.
LEARNERS = {
    "one_to_one": ("pooled", "PooledLearner"),
    "many_to_one": ("pooled", "PooledLearner"),
    "many_to_many_aligned": ("aligned", "AlignedLearner"),
}
STREAM = ("stream", "StreamLearner")  # of aligned tasks whose rows are one unbroken sequence


def learner_for(task: "Task") -> "type[Learner]":
    """The learner of a task, by its shape.

    Raises:
        UserError: this version has none for it.
    """
    if task.shape not in LEARNERS:
        there = ", ".join(LEARNERS)
        raise UserError(f"no learner for tasks of shape '{task.shape}' in this version; there are: {there}")
    if task.stream and task.shape != "many_to_many_aligned":
        raise UserError(f"a task of shape '{task.shape}' is no stream; leave out `stream`")
    module, name = STREAM if task.stream else LEARNERS[task.shape]
    return getattr(importlib.import_module(f"rnnbench.learners.{module}"), name)
