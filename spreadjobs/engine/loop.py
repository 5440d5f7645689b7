"""One loop, one thread: descriptors, timers, and a door for other threads.

Rule: ``post`` is the only method that another thread, or a signal handler, may call.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import time
from collections import deque
from collections.abc import Callable
from typing import Final

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

#: No wait is longer than this many seconds: the system's own calls know no more than some weeks.
PATIENCE: Final = 86400.0

Callback = Callable[[], None]


class Timer:
    """A call that is due at a time, and can be taken back."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callback) -> None:
        self.when = when
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Take it back; nothing happens if it has been called."""
        self.callback = None


class Loop:
    """Waits for descriptors and times, and calls what was asked for. To be closed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._wake_out, self._wake_in = os.pipe()
        try:
            self._selector = selectors.DefaultSelector()
        except BaseException:
            os.close(self._wake_out)
            os.close(self._wake_in)
            raise
        self._timers: list[tuple[float, int, Timer]] = []
        self._serial = itertools.count()
        self._posted: deque[Callback] = deque()
        self._is_closed = False
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        self.watch(self._wake_out, READ, self._awake)

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Call back whenever the descriptor is ready for any of the events."""
        self._selector.register(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """No further calls for this descriptor; to be said before it is closed."""
        self._selector.unregister(fd)

    def call_at(self, when: float, callback: Callback) -> Timer:
        """Call back at a time of the loop's clock."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, (when, next(self._serial), timer))
        return timer

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """Call back in so many seconds."""
        return self.call_at(self.clock() + delay, callback)

    def post(self, callback: Callback) -> None:
        """Call back in the loop's thread, soon. Safe from any thread and from a signal handler."""
        self._posted.append(callback)
        if self._is_closed:
            return
        try:
            os.write(self._wake_in, b"\0")
        except BlockingIOError:  # the pipe is full of reasons to wake up
            pass

    def turn(self, until: float | None = None) -> None:
        """Wait for the next thing to happen, no longer than ``until``, and call back."""
        for key, _ in self._selector.select(self._patience(until)):
            if self._selector.get_map().get(key.fd) is key:  # an earlier call of this turn may have closed it
                key.data()
        now = self.clock()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()

    def _patience(self, until: float | None) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        times = [self._timers[0][0]] if self._timers else []
        if until is not None:
            times.append(until)
        return min(max(0.0, min(times) - self.clock()), PATIENCE) if times else None

    def _awake(self) -> None:
        try:
            while os.read(self._wake_out, 4096):
                pass
        except BlockingIOError:
            pass
        for _ in range(len(self._posted)):
            self._posted.popleft()()

    def close(self) -> None:
        """Let go of the descriptors."""
        self._is_closed = True
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)
