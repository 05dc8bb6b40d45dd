"""SIGINT and SIGTERM: at once where nothing is lost by it, else when work reaches a safe point."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTICE = b"\nstopping after this step; once more stops at once\n"


class Interrupt:
    """Both signals raise KeyboardInterrupt while `handled`; within `deferred` the first one waits.

    requested: whether a signal has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._deferred = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Answer both signals until the block ends; elsewhere than in the main thread, neither."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._arrive) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within the block a first signal only sets `requested`; at its end it interrupts."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self.requested:
            raise KeyboardInterrupt

    def _arrive(self, _number: int, _frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if again or not self._deferred:
            raise KeyboardInterrupt
        os.write(2, _NOTICE)  # print() must not be entered twice
