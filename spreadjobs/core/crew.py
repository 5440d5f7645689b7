"""What becomes of workers: they start, answer, become ready, are closed or killed, and end.

Rule: whoever makes a worker idle, or no longer so, live, or no longer so, tells the ledger in the same breath.
"""

from __future__ import annotations

import math
from typing import Final

from spreadjobs.core.actions import Cause, CloseWorker, KillWorker, RunEnd, StartWorker
from spreadjobs.core.events import WorkerEnded, WorkerFaulted
from spreadjobs.core.host import HostState, HostStep
from spreadjobs.core.slot import SlotEntry, SlotState
from spreadjobs.core.state import RunState
from spreadjobs.core.worker import WorkerEntry, WorkerState, WorkerStep

#: Ends of a run for which a worker's tail is not waited for.
HARD_ENDS: Final = (RunEnd.STOPPED, RunEnd.DEADLINE)


class Crew:
    """The steps of workers, and what each asks to be done."""

    __slots__ = ("_run",)

    def __init__(self, run: RunState) -> None:
        self._run = run

    def start(self, slot: SlotEntry, at: float) -> None:
        """Start a worker in a vacant slot."""
        run = self._run
        run.ledger.fill(slot)
        worker = run.workers[run.next_worker] = WorkerEntry(run.next_worker, slot)
        run.next_worker += 1
        run.deadlines.set(worker.key, at + run.rules.connect)
        run.out.append(StartWorker(worker.id, slot.id))

    def accept(self, worker: WorkerEntry) -> None:
        """A worker is one of ours, and prepares: that may take as long as it likes."""
        if worker.state not in (WorkerState.SHUTDOWN, WorkerState.DYING):
            worker.step(WorkerStep.ACCEPT)
            self._hear(worker)

    def make_ready(self, worker: WorkerEntry, at: float, ahead: bool) -> None:
        """A worker is prepared. Where no task was or will be submitted, that was all that it had to do."""
        run = self._run
        if worker.state in (WorkerState.SHUTDOWN, WorkerState.DYING):
            return
        worker.step(WorkerStep.MAKE_READY)
        worker.most = run.rules.window if ahead else 1
        run.windows += worker.window
        self._hear(worker)
        run.answered = True
        run.ledger.idle.add(worker)
        if run.is_plain:
            self._close(worker, at, self._patience())

    def free(self, worker: WorkerEntry) -> None:
        """A worker has answered all that it had in hand."""
        worker.step(WorkerStep.FREE)
        self._run.deadlines.clear(worker.key)
        self._run.ledger.free(worker)

    def kill(self, worker: WorkerEntry, ladder: float, cause: Cause) -> None:
        """Kill a worker within so many seconds."""
        run = self._run
        self._leave(worker, WorkerStep.KILL)
        worker.cause = cause
        worker.ladder = ladder
        run.deadlines.clear(worker.key)
        run.out.append(KillWorker(worker.id, ladder, cause))

    def fault(self, event: WorkerFaulted, worker: WorkerEntry) -> None:
        """A worker does what none of ours would do."""
        if worker.state is not WorkerState.DYING:
            worker.permanent = event.permanent
            self.kill(worker, 0.0, Cause.FAULT)

    def hear_tail(self, worker: WorkerEntry, at: float) -> None:
        """A worker has printed: one whose input is closed may be silent for another while."""
        if worker.state is WorkerState.SHUTDOWN and self._run.how not in HARD_ENDS:
            self._run.deadlines.set(worker.key, at + worker.quiet)

    def bury(self, event: WorkerEnded, worker: WorkerEntry) -> bool:
        """A worker's process is gone. Whether it left because it wanted to."""
        run = self._run
        left = worker.state is WorkerState.SHUTDOWN or (worker.state is WorkerState.IDLE and event.status == 0)
        worker.ran = worker.ran or event.running in worker.hand
        worker.permanent = worker.permanent or event.permanent
        self._leave(worker, WorkerStep.LEAVE if left else WorkerStep.DIE)
        run.deadlines.clear(worker.key)
        run.ledger.bury(worker)
        del run.workers[worker.id]
        return left

    def close_idle(self, at: float) -> None:
        """No task will come: whoever is idle may go."""
        for worker in self._run.workers.values():
            if worker.state is WorkerState.IDLE:
                self._close(worker, at, self._patience())

    def wind_up(self, at: float) -> None:
        """Every task has ended: close whoever is there, also those that are not ready yet."""
        for worker in self._run.workers.values():
            if worker.is_live:
                self._close(worker, at, self._patience())

    def disband(self, at: float, hard: bool) -> None:
        """The run is stopped: close whoever is idle, kill the others; hard: those too that were closed already."""
        rules = self._run.rules
        for worker in self._run.workers.values():
            if worker.state is WorkerState.IDLE:
                self._close(worker, at, min(rules.grace, rules.stop_grace))
            elif worker.is_live or (hard and worker.state is WorkerState.SHUTDOWN):
                self.kill(worker, rules.stop_grace, Cause.STOP)
            elif hard and worker.ladder > rules.stop_grace:
                worker.ladder = rules.stop_grace
                self._run.out.append(KillWorker(worker.id, rules.stop_grace, Cause.STOP))

    def finish_empty_slots(self) -> None:
        """Nobody will be started any more."""
        run = self._run
        for slot in run.ledger.slots.values():
            if slot.state in (SlotState.VACANT, SlotState.RESTING):
                run.deadlines.clear(slot.key)
                run.ledger.finish(slot)

    def _close(self, worker: WorkerEntry, at: float, quiet: float) -> None:
        run = self._run
        connect = run.deadlines.get(worker.key) if worker.state is WorkerState.EXEC else None
        self._leave(worker, WorkerStep.CLOSE)
        worker.closed = True
        worker.quiet = quiet
        run.deadlines.set(worker.key, at + quiet if connect is None else min(at + quiet, connect))
        run.out.append(CloseWorker(worker.id))

    def _patience(self) -> float:
        """How long a worker that is closed because all is done may be silent."""
        rules = self._run.rules
        return math.inf if rules.unlimited_tail else rules.grace

    def _hear(self, worker: WorkerEntry) -> None:
        """A worker has spoken for the first time."""
        self._run.deadlines.clear(worker.key)
        host = worker.slot.host
        if host.state is HostState.CONNECTING:
            host.step(HostStep.ANSWER)

    def _leave(self, worker: WorkerEntry, step: WorkerStep) -> None:
        """Take a step out of the live states, or between others."""
        run, before = self._run, worker.state
        worker.step(step)
        if before in (WorkerState.IDLE, WorkerState.BUSY):
            run.windows -= worker.window
            run.loaded.pop(worker.id, None)
        if before is WorkerState.IDLE:
            run.ledger.idle.drop(worker)
        if before <= WorkerState.BUSY:
            run.ledger.retire(worker)
