"""The watch over workers that were told something: what follows when one does not do it in time.

    EXEC       not accepted within the connect time        -> killed, and its slot with it
    BUSY       the earliest time at which something may be wrong -> look: what runs there, and since when?
                   it has begun, and its time is up        -> TIMEOUT, killed
                   it has begun                            -> look again when its time is up
                   nothing has begun, and nothing moves    -> killed after the lease, its tasks uncharged
                   nothing has begun                       -> look again
    SHUTDOWN   silent for the grace                        -> killed

Rule: a task's time runs from its beginning, of which we learn by looking. So as long as none has begun we look at
least every timeout, and at most every PAUSE: a late beginning is known before the limit, or PAUSE after it.
"""

from __future__ import annotations

from typing import Final

from spreadjobs.core.actions import Cause, LookAtWorker
from spreadjobs.core.crew import Crew
from spreadjobs.core.events import WorkerSeen
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState, TaskStep
from spreadjobs.core.tasks import Tasks
from spreadjobs.core.worker import WorkerEntry, WorkerState

#: Seconds between two looks, at least.
PAUSE: Final = 0.05


class Watch:
    """The deadlines of workers."""

    __slots__ = ("_crew", "_run", "_tasks")

    def __init__(self, run: RunState, crew: Crew, tasks: Tasks) -> None:
        self._run = run
        self._crew = crew
        self._tasks = tasks

    def ring(self, number: int, at: float) -> None:
        """A worker's time is up."""
        run = self._run
        worker = run.workers[number]
        if worker.state is WorkerState.EXEC:
            worker.permanent = True
            self._crew.kill(worker, 0.0, Cause.CONNECT)
        elif worker.state is WorkerState.SHUTDOWN:
            self._crew.kill(worker, run.rules.stop_grace, Cause.SILENT)
        else:
            run.out.append(LookAtWorker(number))
            run.deadlines.set(worker.key, at + max(PAUSE, min(worker.head.spec.timeout, run.rules.lease)))

    def see(self, event: WorkerSeen, worker: WorkerEntry) -> None:
        """What a look has found."""
        if worker.state is not WorkerState.BUSY:
            return
        if event.moving:
            worker.moved = event.at
        task = None if event.task is None else worker.hand.get(event.task)
        if task is not None and event.began is not None and task.state is TaskState.SENT:
            task.step(TaskStep.BEGIN)
            task.began = event.began
            worker.ran = True
        head = task or worker.head
        if head.state is TaskState.SENT:
            self._wait_for_beginning(worker, head, event.at)
        else:
            self._wait_for_end(worker, head, event.at, runs=task is not None)

    def _wait_for_beginning(self, worker: WorkerEntry, head: TaskEntry, at: float) -> None:
        run = self._run
        left = max(worker.moved, worker.heard) + run.rules.lease - at
        if left <= 0:
            self._crew.kill(worker, 0.0, Cause.FROZEN)
        else:
            run.deadlines.set(worker.key, at + max(PAUSE, min(head.spec.timeout, left)))

    def _wait_for_end(self, worker: WorkerEntry, head: TaskEntry, at: float, runs: bool) -> None:
        """A task that began and does not run any more has ended, and its answer is on its way: that has the lease."""
        run = self._run
        limit = head.began + head.spec.timeout
        if at >= (limit if runs else limit + run.rules.lease):
            self._tasks.expire(head, worker)
            self._crew.kill(worker, head.spec.grace, Cause.TIMEOUT)
        else:
            run.deadlines.set(worker.key, limit if runs else max(limit, at + PAUSE))
