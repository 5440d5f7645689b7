"""A task, and the only steps it may take.

Rule 1: every legal step is a row of STEPS; no other file assigns TaskEntry.state.
Rule 2: this file knows no worker, pipe, clock or policy.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from spreadjobs.core.events import TaskSpec
from spreadjobs.core.ready import Shape
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.order import order_key


class TaskState(IntEnum):
    """Where a task is. Ints, since they are keys of the hot table."""

    READY = 0
    SENT = 1
    RUNNING = 2
    DELAYED = 3
    DONE = 4
    FAILED = 5
    TIMEOUT = 6
    LOST = 7
    NOT_RUN = 8


class TaskStep(IntEnum):
    """What may happen to a task."""

    PLACE = 0
    BEGIN = 1
    RETURN = 2
    DELAY = 3
    RELEASE = 4
    SUCCEED = 5
    FAIL = 6
    EXPIRE = 7
    LOSE = 8
    ABANDON = 9


_S = TaskState
_T = TaskStep

STEPS: Final[dict[tuple[TaskState, TaskStep], TaskState]] = {
    (_S.READY, _T.PLACE): _S.SENT,
    (_S.READY, _T.FAIL): _S.FAILED,  # it could not be sealed, or can never be placed
    (_S.READY, _T.ABANDON): _S.NOT_RUN,
    (_S.SENT, _T.BEGIN): _S.RUNNING,
    (_S.SENT, _T.SUCCEED): _S.DONE,  # its answer is the first that we hear of its beginning
    (_S.SENT, _T.RETURN): _S.READY,
    (_S.SENT, _T.ABANDON): _S.NOT_RUN,
    (_S.RUNNING, _T.RETURN): _S.READY,  # it was stopped for a neighbour's sake
    (_S.RUNNING, _T.SUCCEED): _S.DONE,
    (_S.RUNNING, _T.FAIL): _S.FAILED,
    (_S.RUNNING, _T.EXPIRE): _S.TIMEOUT,
    (_S.RUNNING, _T.LOSE): _S.LOST,
    (_S.RUNNING, _T.DELAY): _S.DELAYED,
    (_S.RUNNING, _T.ABANDON): _S.NOT_RUN,
    (_S.DELAYED, _T.RELEASE): _S.READY,
    (_S.DELAYED, _T.ABANDON): _S.NOT_RUN,
}

FINAL: Final = (_S.DONE, _S.FAILED, _S.TIMEOUT, _S.LOST, _S.NOT_RUN)


class TaskEntry:
    """An open task, as the machine knows it; forgotten when its state is final."""

    __slots__ = ("attempt", "began", "errors", "id", "key", "losses", "shape", "spec", "state", "worker")

    def __init__(self, id: int, spec: TaskSpec, shape: Shape) -> None:
        self.id = id
        self.spec = spec
        self.shape = shape
        #: Its place among those that are ready.
        self.key = order_key(spec.priority, id)
        self.state = TaskState.READY
        #: How many attempts have been sent, the present one included.
        self.attempt = 0
        self.errors = 0
        self.losses = 0
        #: The worker that has it in hand.
        self.worker: int | None = None
        #: When the present attempt began, once a look has told.
        self.began = 0.0

    def step(self, step: TaskStep) -> None:
        """Take a step, or raise and change nothing.

        Raises InternalError where the table has no such row.
        """
        after = STEPS.get((self.state, step))
        if after is None:
            raise InternalError(f"task {self.id} is {self.state.name} and cannot {step.name}")
        self.state = after
