"""What the command line does about the seconds that imports take."""

import contextlib
import gc
import importlib
from collections.abc import Iterator, Sequence


def import_wandb(overrides: Sequence[str]) -> None:
    """Imports Weights & Biases' client, before torch, unless a run is told to do without it.

    Opening the first run makes the client define hundreds of classes, each of which looks for its own source in every
    module that is loaded: a tenth of a second now, more than a second once torch is there.
    """
    if "logger.mode=disabled" not in overrides:
        importlib.import_module("wandb.apis.public")


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Within it much is imported, and nothing of it is garbage.

    Python's collector would look for some all the same, through half a million objects again and again: a quarter of
    the time. Nor does it look through them later, when it would also make each worker of a sweep copy them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
