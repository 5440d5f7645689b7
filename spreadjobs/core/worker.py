"""A worker, and the only steps it may take.

Rule 1: every legal step is a row of WORKER_STEPS; no other file assigns WorkerEntry.state.
Rule 2: a state says what the worker itself does; that its input is closed, or that it is being killed, is a state too.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final

from spreadjobs.core.actions import Cause
from spreadjobs.core.deadlines import Key, Timer
from spreadjobs.core.slot import SlotEntry
from spreadjobs.core.task import TaskEntry
from spreadjobs.errors import InternalError


class WorkerState(IntEnum):
    """Where a worker is; the first four are *live*: it works, or will."""

    EXEC = 0
    PREPARE = 1
    IDLE = 2
    BUSY = 3
    SHUTDOWN = 4
    DYING = 5
    GONE = 6
    DEAD = 7


class WorkerStep(IntEnum):
    """What may happen to a worker."""

    ACCEPT = 0
    MAKE_READY = 1
    SEND = 2
    FREE = 3
    CLOSE = 4
    KILL = 5
    LEAVE = 6
    DIE = 7


_S = WorkerState
_T = WorkerStep

WORKER_STEPS: Final[dict[tuple[WorkerState, WorkerStep], WorkerState]] = {
    (_S.EXEC, _T.ACCEPT): _S.PREPARE,
    (_S.EXEC, _T.MAKE_READY): _S.IDLE,  # plain commands and foreign dialects do not accept
    (_S.EXEC, _T.CLOSE): _S.SHUTDOWN,
    (_S.EXEC, _T.KILL): _S.DYING,
    (_S.EXEC, _T.DIE): _S.DEAD,
    (_S.PREPARE, _T.MAKE_READY): _S.IDLE,
    (_S.PREPARE, _T.CLOSE): _S.SHUTDOWN,
    (_S.PREPARE, _T.KILL): _S.DYING,
    (_S.PREPARE, _T.DIE): _S.DEAD,
    (_S.IDLE, _T.SEND): _S.BUSY,
    (_S.IDLE, _T.CLOSE): _S.SHUTDOWN,
    (_S.IDLE, _T.KILL): _S.DYING,
    (_S.IDLE, _T.LEAVE): _S.GONE,
    (_S.IDLE, _T.DIE): _S.DEAD,
    (_S.BUSY, _T.FREE): _S.IDLE,
    (_S.BUSY, _T.KILL): _S.DYING,
    (_S.BUSY, _T.DIE): _S.DEAD,
    (_S.SHUTDOWN, _T.KILL): _S.DYING,
    (_S.SHUTDOWN, _T.LEAVE): _S.GONE,
    (_S.DYING, _T.DIE): _S.DEAD,
}


class WorkerEntry:
    """A worker whose process is there, as the machine knows it; forgotten when it is GONE or DEAD."""

    __slots__ = (
        *("id", "key", "slot", "state"),
        *("cpus", "hand", "moved", "ran"),
        *("cause", "closed", "ladder", "permanent", "quiet"),
    )

    def __init__(self, id: int, slot: SlotEntry) -> None:
        self.id = id
        self.slot = slot
        self.state = WorkerState.EXEC
        #: Its timer's.
        self.key: Key = (Timer.WORKER, id)
        #: The tasks that it was sent and has not answered, in the order in which they were sent.
        self.hand: dict[int, TaskEntry] = {}
        #: How many cpus of its host it fills, until a task is answered or the worker has ended.
        self.cpus = 0
        #: Whether any task has begun in its life.
        self.ran = False
        #: When it was last sent a task, or bytes last moved to it.
        self.moved = 0.0
        #: Whether its input was closed, and how long it may be silent since.
        self.closed = False
        self.quiet = math.inf
        #: Why it is killed, and in how many seconds.
        self.cause: Cause | None = None
        self.ladder = math.inf
        #: Whether another worker in its slot could not do better.
        self.permanent = False

    @property
    def is_live(self) -> bool:
        """Whether it works, or will."""
        return self.state <= WorkerState.BUSY

    def step(self, step: WorkerStep) -> None:
        """Take a step, or raise and change nothing.

        Raises InternalError where the table has no such row.
        """
        after = WORKER_STEPS.get((self.state, step))
        if after is None:
            raise InternalError(f"worker {self.id} is {self.state.name} and cannot {step.name}")
        self.state = after
