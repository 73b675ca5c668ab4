"""The learners: one LightningModule for each way that inputs and outputs relate in time. Imported when chosen."""

import importlib
from typing import TYPE_CHECKING

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.learners.base import Learner

# The learner of each shape of task, as module and class.
LEARNERS = {"many_to_many_aligned": ("rnnbench.learners.aligned", "AlignedLearner")}


def learner_for(shape: str) -> "type[Learner]":
    """The learner of a task's shape.

    Raises:
        UserError: this version has none for it.
    """
    if shape not in LEARNERS:
        raise UserError(f"no learner for tasks of shape '{shape}' in this version; there are: {', '.join(LEARNERS)}")
    module, name = LEARNERS[shape]
    return getattr(importlib.import_module(module), name)
