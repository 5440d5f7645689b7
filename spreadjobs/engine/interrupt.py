"""Ctrl-C in the middle of a run: once, it stops in good order; twice, at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

from spreadjobs.engine.run import Run


class Interrupt:
    """While this is entered, the first SIGINT asks the run to stop, and the next one raises KeyboardInterrupt.

    The first one raises too while the user's iterable has the word, since only that can end it. It raises once, and
    never while there is no run yet or when it has ended: nothing may cut short what begins and ends it. Where we are
    not in the main thread, or the program has a handler of its own, nothing is changed.
    """

    def __init__(self) -> None:
        self._run: Run | None = None
        self._installed = False
        self._raised = False
        #: Whether there was one.
        self.came = False

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._installed = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if self._installed:
                signal.signal(signal.SIGINT, self._handle)
        return self

    def hand_over(self, run: Run) -> None:
        """There is a run now; if it was interrupted before it began, it is to stop at once."""
        self._run = run
        if self.came:
            run.stop()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.came = self.came, True
        if self._run is None or self._run.how is not None or self._raised:
            return
        if again or self._run.is_pulling:
            self._raised = True
            raise KeyboardInterrupt
        self._run.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
