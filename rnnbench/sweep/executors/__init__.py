"""Where the trials of a sweep run. Each kind of place is one module, imported when chosen."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.config import Config
    from rnnbench.sweep.executors.base import Executor
    from rnnbench.trial import Preparation

# The executor of each name, as module and class.
EXECUTORS = {
    "local": ("rnnbench.sweep.executors.local", "LocalExecutor"),
    "ray": ("rnnbench.sweep.executors.ray", "RayExecutor"),
    "slurm": ("rnnbench.sweep.executors.slurm", "SlurmExecutor"),
}


def executor_for(config: "Config", trials: int, preparation: "Preparation") -> "Executor":
    """The executor that a sweep asks for, ready to take jobs.

    Args:
        config: of the sweep's first trial; `config.sweep` says what is asked for.
        trials: how many there are at most to run: no more slots than these are needed.
        preparation: has read the data of the trials that are planned; workers of this machine share it.

    Raises:
        UserError: it can not be used here.
    """
    module, name = EXECUTORS[config.sweep.executor]
    return getattr(importlib.import_module(module), name)(config, trials, preparation)
