"""What has happened: the only things that the machine is ever told.

Rule: every event carries its time, ``at``, in seconds of a monotonic clock.
They are not frozen, for a frozen dataclass costs twice as much to make; nobody changes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from spreadjobs.records import Needs, Placement


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """All that the machine knows of a task; tasks of equal settings share one."""

    needs: Needs
    placement: Placement
    priority: int
    timeout: float
    attempts: int
    losses: int
    grace: float
    idempotent: bool


class Outcome(NamedTuple):
    """How one attempt ended, as its worker tells it."""

    task: int
    attempt: int
    ok: bool


@dataclass(slots=True)
class SlotsOffered:
    """A host has come, with these slots; slot numbers are unique in a run."""

    at: float
    host: str
    slots: Sequence[int]


@dataclass(slots=True)
class TasksSubmitted:
    """Tasks have come, with numbers higher than all that came earlier, and rising in each of the two sequences.

    Those in ``rejected`` cannot be sent (they could not be sealed), and end as failed without an attempt.
    """

    at: float
    tasks: Sequence[tuple[int, TaskSpec]]
    rejected: Sequence[int] = ()


@dataclass(slots=True)
class InputEnded:
    """No further task will come."""

    at: float


@dataclass(slots=True)
class WorkerAccepted:
    """A worker has answered the first frame: it is one of ours, and prepares."""

    at: float
    worker: int


@dataclass(slots=True)
class WorkerReady:
    """A worker is prepared and waits for tasks; ahead: it notes what it runs, so it may have several in hand."""

    at: float
    worker: int
    ahead: bool = False


@dataclass(slots=True)
class WorkerSeen:
    """The answer to LookAtWorker: which task runs there now and since when (None, None: none does), and whether
    bytes have moved to it since the last look."""

    at: float
    worker: int
    task: int | None
    began: float | None
    moving: bool


@dataclass(slots=True)
class TasksFinished:
    """A worker has answered for some of the tasks that it had in hand."""

    at: float
    worker: int
    outcomes: Sequence[Outcome]


@dataclass(slots=True)
class TasksRecalled:
    """The answer to RecallTasks: these the worker had not begun, and will not."""

    at: float
    worker: int
    tasks: Sequence[int]


@dataclass(slots=True)
class WorkerWrote:
    """A worker's tasks write to its descriptors: whose text it is can only be told while it has one task in hand."""

    at: float
    worker: int


@dataclass(slots=True)
class WorkerPrinted:
    """A worker whose input is closed has printed something."""

    at: float
    worker: int


@dataclass(slots=True)
class WorkerFaulted:
    """A worker has broken the protocol, or said that it cannot prepare; permanent: trying again cannot help."""

    at: float
    worker: int
    permanent: bool


@dataclass(slots=True)
class WorkerEnded:
    """A worker's process is gone, or could not be started (permanent: and never can be).

    status: its exit status, negative for a signal; None where there never was a process, or it was given up.
    running: the task that had begun and not ended, None where none had.
    """

    at: float
    worker: int
    status: int | None
    running: int | None = None
    permanent: bool = False


@dataclass(slots=True)
class TimePassed:
    """It is now ``at``."""

    at: float


@dataclass(slots=True)
class StopRequested:
    """Whoever owns the run wants it to end: nothing new, and what runs is killed."""

    at: float


Event: TypeAlias = (
    SlotsOffered
    | TasksSubmitted
    | InputEnded
    | WorkerAccepted
    | WorkerReady
    | WorkerSeen
    | TasksFinished
    | TasksRecalled
    | WorkerWrote
    | WorkerPrinted
    | WorkerFaulted
    | WorkerEnded
    | TimePassed
    | StopRequested
)
