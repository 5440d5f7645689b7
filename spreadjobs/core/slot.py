"""A slot: one place for a worker on a host.

Rule: only the ledger assigns SlotEntry.state, since its counts follow it.
"""

from __future__ import annotations

from enum import IntEnum

from spreadjobs.core.deadlines import Key, Timer
from spreadjobs.core.host import HostEntry


class SlotState(IntEnum):
    """Whether a slot has a worker, could have one now, has one after a rest, or never again."""

    VACANT = 0
    RESTING = 1
    FILLED = 2
    FINISHED = 3


class SlotEntry:
    """A slot, as the machine knows it."""

    __slots__ = ("deaths", "host", "id", "key", "state")

    def __init__(self, id: int, host: HostEntry) -> None:
        self.id = id
        self.host = host
        self.state = SlotState.VACANT
        #: Its timer's.
        self.key: Key = (Timer.SLOT, id)
        #: How many of its workers in a row ended before any task had begun in their lives.
        self.deaths = 0
