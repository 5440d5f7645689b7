"""Ctrl-C in the middle of a run: once, it stops in good order; twice, at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

from spreadjobs.engine.run import Run


class Interrupt:
    """While this is entered, the first SIGINT asks the run to stop, and the next one raises KeyboardInterrupt.

    The first one raises too while the user's iterable has the word, since only that can end it. Where we are not in
    the main thread, or the program has a handler of its own, nothing is changed.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._installed = False
        #: Whether there was one.
        self.came = False

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._installed = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if self._installed:
                signal.signal(signal.SIGINT, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.came or self._run.is_pulling:
            self.came = True
            raise KeyboardInterrupt
        self.came = True
        self._run.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
