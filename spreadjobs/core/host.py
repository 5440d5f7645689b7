"""A host, and the only steps it may take.

Rule: every legal step is a row of HOST_STEPS; no other file assigns HostEntry.state.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from spreadjobs.errors import InternalError


class HostState(IntEnum):
    """Where a host is: none of its workers has answered yet; one has; it has no slot left."""

    CONNECTING = 0
    UP = 1
    DOWN = 2


class HostStep(IntEnum):
    """What may happen to a host."""

    ANSWER = 0
    FALL = 1


_S = HostState
_T = HostStep

HOST_STEPS: Final[dict[tuple[HostState, HostStep], HostState]] = {
    (_S.CONNECTING, _T.ANSWER): _S.UP,
    (_S.CONNECTING, _T.FALL): _S.DOWN,
    (_S.UP, _T.FALL): _S.DOWN,
}


class HostEntry:
    """A host, as the machine knows it."""

    __slots__ = ("live", "name", "offered", "slots", "state", "used")

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = HostState.CONNECTING
        #: How many slots it came with, and how many of them are not finished: its capacity in cpus.
        self.offered = 0
        self.slots = 0
        #: How many cpus tasks fill.
        self.used = 0
        #: How many of its workers are live, those included that start after a rest.
        self.live = 0

    def step(self, step: HostStep) -> None:
        """Take a step, or raise and change nothing.

        Raises InternalError where the table has no such row.
        """
        after = HOST_STEPS.get((self.state, step))
        if after is None:
            raise InternalError(f"host {self.name} is {self.state.name} and cannot {step.name}")
        self.state = after
