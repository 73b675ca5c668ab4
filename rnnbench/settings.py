"""Where things are on this machine: from the config or command line, else from the environment, else the default."""

import os
from pathlib import Path


def outputs_dir(given: str | None = None) -> Path:
    """Where runs are written: `given`, else RNNBENCH_OUTPUTS, else ``./outputs``."""
    return Path(given or os.environ.get("RNNBENCH_OUTPUTS") or "outputs").expanduser()


def data_dir(given: str | None = None) -> Path | None:
    """The person's folder of data sets: `given`, else RNNBENCH_DATA, else none."""
    folder = given or os.environ.get("RNNBENCH_DATA")
    return Path(folder).expanduser() if folder else None
