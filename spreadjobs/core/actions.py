"""What must be done now: the only things that the machine ever asks for, in the imperative."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from spreadjobs.core.task import TaskState


class Cause(Enum):
    """Why a worker is killed."""

    TIMEOUT = "its task ran longer than its timeout"
    CONNECT = "it did not answer within the connect time"
    SILENT = "it was silent for the grace after its input was closed"
    FROZEN = "it did not begin a task that it was sent"
    FAULT = "it broke the protocol or could not prepare"
    STOP = "the run was stopped"


class RunEnd(Enum):
    """How a run ended."""

    COMPLETE = "every task has ended"
    FAILED = "a task failed for good"
    STOPPED = "it was asked to stop"
    DEADLINE = "its deadline passed"
    CREW_LOST = "no worker was left"


class Ending(NamedTuple):
    """One attempt and the state in which it ended; with worker None, a task that no worker had in hand."""

    task: int
    attempt: int
    state: TaskState
    worker: int | None


@dataclass(slots=True)
class StartWorker:
    """Start a process for this slot, under this number, never used before."""

    worker: int
    slot: int


@dataclass(slots=True)
class SendTasks:
    """Send these (task, attempt) pairs to a worker, in this order."""

    worker: int
    tasks: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class RecallTasks:
    """Take back what this worker has not begun, and answer with TasksRecalled."""

    worker: int


@dataclass(slots=True)
class Resolve:
    """These tasks have ended, for whoever submitted them: the state is final."""

    endings: tuple[Ending, ...]


@dataclass(slots=True)
class Retry:
    """These attempts have ended, and their tasks will have another. READY: uncharged; else charged to that budget."""

    endings: tuple[Ending, ...]


@dataclass(slots=True)
class LookAtWorker:
    """Answer with WorkerSeen: what runs on this worker?"""

    worker: int


@dataclass(slots=True)
class CloseWorker:
    """Close this worker's input once all that was written is out."""

    worker: int


@dataclass(slots=True)
class KillWorker:
    """Climb the kill ladder on this worker's whole process tree, in so many seconds; 0: kill at once.

    It may come again, with a shorter ladder, which then counts.
    """

    worker: int
    grace: float
    cause: Cause


@dataclass(slots=True)
class GiveUpSlot:
    """This slot gets no further worker; ``worker`` was the last."""

    slot: int
    worker: int


@dataclass(slots=True)
class EndRun:
    """Every task has ended and every worker is gone."""

    how: RunEnd


Action: TypeAlias = (
    StartWorker
    | SendTasks
    | RecallTasks
    | Resolve
    | Retry
    | LookAtWorker
    | CloseWorker
    | KillWorker
    | GiveUpSlot
    | EndRun
)
