"""Windows: how many tasks a worker has in hand, so that it never waits for the next, and seldom holds what another
could do."""

from __future__ import annotations

from typing import Final

#: What a worker should have in hand, in seconds of work: two round trips and a few milliseconds.
WORK: Final = 0.010
#: The largest window.
MOST: Final = 512
#: How much the newest answers count for the pace; those that were slower than it count more.
FASTER, SLOWER = 0.25, 0.5


def next_pace(pace: float, seconds: float, count: int) -> float:
    """The pace of a worker (seconds per task, 0 where none is known) after ``count`` answers took ``seconds``."""
    newest = seconds / count
    if not pace:
        return newest
    return pace + (newest - pace) * (FASTER if newest < pace else SLOWER)


def next_window(window: int, pace: float) -> int:
    """The window of a worker of this pace, at most twice what it was: one where tasks are long."""
    if 2 * window * pace <= WORK:
        return min(2 * window, MOST)
    return max(1, min(int(WORK / pace), MOST))


def time_left(pace: float, count: int, silent: float) -> float:
    """How long a worker of this pace, that has so many in hand and has not answered for a while, will be busy.

    One that is silent for longer than it should be has met a long task, and will be so for as long again.
    """
    return max(pace * count, silent)


def share(ready: int, live: int) -> int:
    """How many of the last ``ready`` tasks one of ``live`` workers may take at a time, so that all end together."""
    return max(1, ready // (2 * live))
