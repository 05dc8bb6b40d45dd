"""Signals: at once outside of steps, deferred within, and never swallowed."""

import signal

import pytest

from model.interrupt import Interrupt

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_at_once_where_nothing_is_deferred(number):
    interrupt = Interrupt()
    with interrupt.handled(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert interrupt.requested


@BOTH
def test_deferred_to_the_end_of_the_block(number):
    interrupt, requested = Interrupt(), []

    def work() -> None:
        with interrupt.deferred():
            signal.raise_signal(number)
            requested.append(interrupt.requested)
        pytest.fail("went on")

    with interrupt.handled(), pytest.raises(KeyboardInterrupt):
        work()
    assert requested == [True]


@BOTH
def test_a_second_signal_does_not_wait(number):
    interrupt = Interrupt()

    def work() -> None:
        signal.raise_signal(number)
        assert interrupt.requested
        signal.raise_signal(number)
        pytest.fail("went on")

    with interrupt.handled(), pytest.raises(KeyboardInterrupt), interrupt.deferred():
        work()


def test_the_handlers_before_come_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt().handled():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
