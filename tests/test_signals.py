"""Signals end a program at a place that is good for it."""

import signal

import pytest

from rnnbench import signals
from rnnbench.errors import Stopped


@pytest.mark.parametrize("number", signals.SIGNALS)
def test_a_signal_raises_within_and_does_what_it_did_before_afterwards(number: signal.Signals):
    before = signal.getsignal(number)
    with signals.stoppable(), pytest.raises(Stopped, match=f"stopped by {number.name}") as stopped:
        signal.raise_signal(number)
    assert (stopped.value.signal_number, stopped.value.exit_code) == (number, 128 + number)
    assert signal.getsignal(number) == before


def test_it_waits_for_a_good_place():
    reached = []
    with signals.stoppable(), pytest.raises(Stopped, match="SIGUSR1"), signals.deferred():
        signals.poll()
        signal.raise_signal(signal.SIGUSR1)
        reached.append("after the signal")
        signals.poll()
        reached.append("after the poll")
    assert reached == ["after the signal"]


def test_it_waits_for_the_end_at_most():
    with signals.stoppable(), pytest.raises(Stopped, match="SIGTERM"):
        with signals.deferred():
            signal.raise_signal(signal.SIGTERM)
        pytest.fail("the end was passed")


@pytest.mark.parametrize("number", signals.SIGNALS)
def test_one_that_is_withheld_strikes_afterwards(number: signal.Signals):
    reached = []
    with signals.stoppable(), pytest.raises(Stopped, match=number.name):
        with signals.withheld():
            signal.raise_signal(number)
            reached.append("after the signal")
        reached.append("after the end")
    assert reached == ["after the signal"]


def test_the_second_one_waits_no_longer():
    with signals.stoppable(), pytest.raises(Stopped, match="SIGINT"), signals.deferred():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second was passed")


def test_one_that_came_in_an_earlier_time_is_forgotten():
    with signals.stoppable():
        with pytest.raises(Stopped), signals.deferred():
            signal.raise_signal(signal.SIGTERM)
        with signals.deferred():
            signals.poll()


def test_a_scheduler_that_repeats_itself_waits_and_is_told_once():
    reached = []
    with pytest.raises(Stopped) as stopped, signals.stoppable(), signals.deferred():
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1):
            signal.raise_signal(number)
        reached.append("work after the signals")
        signals.poll()
        reached.append("work after the poll")
    assert reached == ["work after the signals"]
    assert stopped.value.signal_number == signal.SIGTERM
