"""All that a machine knows: what its parts share, and nothing that they do."""

from __future__ import annotations

from collections.abc import Callable

from spreadjobs.core.actions import Action, RunEnd
from spreadjobs.core.deadlines import Deadlines
from spreadjobs.core.ledger import Ledger
from spreadjobs.core.ready import ReadyIndex
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskEntry, TaskState
from spreadjobs.core.worker import WorkerEntry, WorkerState
from spreadjobs.errors import InternalError


class Tally:
    """What is left of tasks that have ended: numbers."""

    __slots__ = ("attempts", "ended", "retries", "stale")

    def __init__(self) -> None:
        #: Tasks that ended in each state, indexed by it.
        self.ended = [0] * len(TaskState)
        #: Attempts sent; attempts that ended and were followed, or will be, by another.
        self.attempts = 0
        self.retries = 0
        #: Answers that nobody waited for.
        self.stale = 0


class RunState:
    """The state of a run."""

    __slots__ = (
        *("jitter", "rules"),
        *("deadlines", "ledger", "loaded", "next_worker", "out", "ready", "tally", "tasks", "windows", "workers"),
        *("answered", "closing", "failed", "highest", "how", "input_ended", "is_recall_due"),
        *("over", "relieved", "stranded", "submitted"),
    )

    def __init__(self, rules: Rules, jitter: Callable[[], float]) -> None:
        self.rules = rules
        self.jitter = jitter
        #: The open tasks, and the workers whose process is there, by number.
        self.tasks: dict[int, TaskEntry] = {}
        self.workers: dict[int, WorkerEntry] = {}
        self.next_worker = 0
        #: The sum of the windows of those that are ready.
        self.windows = 0
        #: The busy workers from which something can be recalled.
        self.loaded: dict[int, WorkerEntry] = {}
        #: The worker that the event at hand leaves with less in hand than it had.
        self.relieved: WorkerEntry | None = None
        #: Whether somebody has been idle for as long as we wait before we recall what others have.
        self.is_recall_due = False
        self.ledger = Ledger()
        self.ready = ReadyIndex()
        self.deadlines = Deadlines()
        self.tally = Tally()
        #: What the event at hand asks to be done.
        self.out: list[Action] = []
        #: Whether any task was ever submitted, and the highest number of one.
        self.submitted = False
        self.highest = -1
        self.input_ended = False
        #: Whether a task has failed for good.
        self.failed = False
        #: Whether a task was ended since no worker that could run it was left.
        self.stranded = False
        #: Whether any worker was ever ready.
        self.answered = False
        #: Whether no worker is started and no task is sent any more; why, where the run was stopped.
        self.closing = False
        self.how: RunEnd | None = None
        #: Whether EndRun was said.
        self.over = False

    @property
    def is_plain(self) -> bool:
        """Whether workers have nothing to do but to prepare and to print their tails."""
        return self.input_ended and not self.submitted

    def weigh(self, worker: WorkerEntry) -> None:
        """What a worker has in hand has changed."""
        if len(worker.hand) > 1 and not worker.recalled and worker.state is WorkerState.BUSY:
            self.loaded[worker.id] = worker
        else:
            self.loaded.pop(worker.id, None)

    def watch(self, worker: WorkerEntry, at: float) -> None:
        """A worker has come to another task: let it be looked at when something may be wrong."""
        timeout, lease = worker.head.spec.timeout, self.rules.lease
        self.deadlines.set(worker.key, at + (timeout if timeout < lease else lease))

    def worker(self, number: int) -> WorkerEntry | None:
        """A worker, None where it is gone or dead.

        Raises InternalError where there never was one of this number.
        """
        worker = self.workers.get(number)
        if worker is None and not 0 <= number < self.next_worker:
            raise InternalError(f"there never was a worker {number}")
        return worker
