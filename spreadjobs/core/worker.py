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
from spreadjobs.core.ready import Shape
from spreadjobs.core.slot import SlotEntry
from spreadjobs.core.task import TaskEntry
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.windows import next_pace, next_window


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
        *("_learnt", "heard", "most", "pace", "recalled", "shape", "window"),
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
        #: What these all are, and how many it may have; how many it ever may, and the seconds that it takes for each.
        self.shape: Shape | None = None
        self.window = 1
        self.most = 1
        self.pace = 0.0
        # Window and pace for other shapes that it has had.
        self._learnt: dict[Shape, tuple[int, float]] = {}
        #: When it last answered, or began to be busy.
        self.heard = 0.0
        #: Whether tasks were recalled from it since: it is sent no more until it answers.
        self.recalled = False
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
    def head(self) -> TaskEntry:
        """What a busy worker was sent first, of what it has in hand."""
        return next(iter(self.hand.values()))

    @property
    def is_live(self) -> bool:
        """Whether it works, or will."""
        return self.state <= WorkerState.BUSY

    def take_up(self, shape: Shape) -> int:
        """It is idle, and turns to tasks of another shape: by how much its window is larger than it was."""
        before = self.window
        if self.shape is not None:
            self._learnt[self.shape] = before, self.pace
        self.window, self.pace = self._learnt.get(shape, (1, 0.0))
        self.shape = shape
        return self.window - before

    def narrow(self) -> int:
        """It may have one task in hand from now on: by how much its window is larger than it was."""
        before = self.window
        self.most = self.window = 1
        self._learnt.clear()
        return 1 - before

    def hear(self, at: float, count: int) -> int:
        """It has answered so many tasks since we heard of it last: by how much its window is larger than it was."""
        before = self.window
        self.recalled = False
        self.pace = next_pace(self.pace, at - self.heard, count)
        self.heard = at
        self.window = min(next_window(before, self.pace), self.most)
        return self.window - before

    def step(self, step: WorkerStep) -> None:
        """Take a step, or raise and change nothing.

        Raises InternalError where the table has no such row.
        """
        after = WORKER_STEPS.get((self.state, step))
        if after is None:
            raise InternalError(f"worker {self.id} is {self.state.name} and cannot {step.name}")
        self.state = after
