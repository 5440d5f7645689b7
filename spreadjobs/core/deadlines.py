"""Every time that the machine waits for, in one heap.

Rule: a timer may be looked at too early, never too late. Moving one to later is a store in a dict: the heap learns
of it when the old time comes. So a deadline that is moved for each task costs next to nothing.
"""

from __future__ import annotations

import math
from enum import IntEnum
from heapq import heappop, heappush
from typing import TypeAlias


class Timer(IntEnum):
    """What is waited for: the run's deadline; a worker, by its state; the end of a task's, or of a slot's, back-off;
    the time to recall what was sent ahead."""

    RUN = 0
    WORKER = 1
    TASK = 2
    SLOT = 3
    RECALL = 4


Key: TypeAlias = tuple[Timer, int]


class Deadlines:
    """Timers by key; times in seconds on the clock of the events."""

    __slots__ = ("_due", "_heap", "_known")

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        #: The earliest time that the heap has for a key.
        self._known: dict[Key, float] = {}

    def set(self, key: Key, when: float) -> None:
        """Let this timer fire then, and at no other time; infinity: never."""
        if when == math.inf:
            self._due.pop(key, None)
            return
        self._due[key] = when
        known = self._known.get(key)
        if known is None or when < known:
            self._known[key] = when
            heappush(self._heap, (when, key))

    def clear(self, key: Key) -> None:
        """Let this timer not fire."""
        self._due.pop(key, None)

    def pop(self, at: float) -> Key | None:
        """Take out the timer that was due first, at ``at`` or before; None where none was."""
        heap = self._heap
        while heap and heap[0][0] <= at:
            when, key = heappop(heap)
            if self._known.get(key) != when:
                continue  # it was moved to earlier, and that entry has been here before
            del self._known[key]
            due = self._due.get(key)
            if due is None:
                continue
            if due > when:
                self.set(key, due)
                continue
            del self._due[key]
            return key
        return None

    def wake_at(self) -> float | None:
        """When to look again: not after the first timer fires; None where none is set."""
        return self._heap[0][0] if self._due else None

    def get(self, key: Key) -> float | None:
        """When this timer fires, None where it is not set."""
        return self._due.get(key)
