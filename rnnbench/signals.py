"""Turns the signals that end a program into an exception, so that every `finally` on the way out runs."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from rnnbench.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGINT and SIGTERM raise `Stopped` in the main thread; elsewhere they stay what they were."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)
