"""Turns the signals that end a program into an exception, so that every `finally` on the way out runs."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from rnnbench.errors import Stopped

# SIGUSR1 is what a cluster's scheduler sends ahead of taking a machine back.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within it the signals raise `Stopped` in the main thread; elsewhere they stay what they were."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    catch()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def catch() -> None:
    """Takes the signals; a second time where somebody else took them within `stoppable`."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _stop)


@contextlib.contextmanager
def withheld() -> Iterator[None]:
    """Within it the signals wait. So they do for a process started within it, until that one calls `admit`.

    A process that is forked takes over what its parent does at a signal; withheld, none strikes it before it says what
    it does itself.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def admit() -> None:
    """Lets in the signals that were withheld when this process was started."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


_deferring = False
_waiting: Stopped | None = None


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Within it a signal waits for `poll`, or for the end. A second Control-C waits no longer.

    Schedulers repeat SIGTERM without meaning more by it: SLURM sends it to a job and to its steps.
    """
    global _deferring, _waiting
    _deferring, _waiting = True, None
    try:
        yield
    finally:
        _deferring = False
    poll()


def poll() -> None:
    """A place at which it is good to stop: raises the `Stopped` of a signal that waits for one."""
    if _waiting is not None:
        raise _waiting


def _stop(number: int, _: FrameType | None) -> None:
    global _waiting
    if _deferring and (_waiting is None or number != signal.SIGINT):
        _waiting = _waiting or Stopped(number)
    else:
        raise Stopped(number)
