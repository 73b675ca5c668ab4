"""Signals while something is being done that should come to its end."""

import os
import signal

import pytest

from rnnbench.errors import Stopped
from rnnbench.signals import deferred, poll, stoppable


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_a_scheduler_that_repeats_itself_waits_and_is_told_once():
    reached = []
    with pytest.raises(Stopped) as stopped, stoppable(), deferred():
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1):
            send(number)
        reached.append("work after the signals")
        poll()
        reached.append("work after the poll")
    assert reached == ["work after the signals"]
    assert stopped.value.signal_number == signal.SIGTERM


def test_a_second_control_c_waits_no_longer():
    reached = []
    with pytest.raises(Stopped), stoppable(), deferred():
        send(signal.SIGINT)
        reached.append("after the first")
        send(signal.SIGINT)
        reached.append("after the second")
    assert reached == ["after the first"]
