"""The machine: the one door through which a run's state changes.

    event ──> what it means ───────> what is due ──> what follows from both ──> actions
              Tasks, Crew, Watch     Deadlines       dispatch, Staffing, the end

Rule 1: for the same events and the same jitter, ``handle`` gives the same actions.
Rule 2: what has happened comes before what is due: an answer that comes with the deadline has come, and nothing is
asked of a worker whose end is just being told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spreadjobs.core.actions import Action, EndRun, RunEnd
from spreadjobs.core.crew import HARD_ENDS, Crew
from spreadjobs.core.deadlines import Timer
from spreadjobs.core.dispatch import RECALL, balance, dispatch, take_back, top_up
from spreadjobs.core.events import (
    Event,
    InputEnded,
    SlotsOffered,
    StopRequested,
    TasksFinished,
    TasksRecalled,
    TasksSubmitted,
    TimePassed,
    WorkerAccepted,
    WorkerEnded,
    WorkerFaulted,
    WorkerPrinted,
    WorkerReady,
    WorkerSeen,
    WorkerWrote,
)
from spreadjobs.core.rules import Rules
from spreadjobs.core.snapshot import Snapshot, take_snapshot
from spreadjobs.core.staffing import Staffing
from spreadjobs.core.state import RunState
from spreadjobs.core.tasks import Tasks
from spreadjobs.core.watch import Watch
from spreadjobs.core.worker import WorkerState
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.admission import Asking, why_never


class Machine:
    """A run, without a world.

    rules: what holds for the whole run. jitter: gives the factor of each pause, around 1.
    """

    __slots__ = ("_crew", "_handlers", "_staffing", "_tasks", "_watch", "state")

    def __init__(self, rules: Rules, jitter: Callable[[], float]) -> None:
        #: For snapshots and invariants; nobody else looks at it, nobody at all changes it.
        self.state = RunState(rules, jitter)
        self._tasks = Tasks(self.state)
        self._crew = Crew(self.state)
        self._staffing = Staffing(self.state, self._crew, self._tasks)
        self._watch = Watch(self.state, self._crew, self._tasks)
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            SlotsOffered: self._slots_offered,
            TasksSubmitted: self._tasks.submit,
            InputEnded: self._input_ended,
            WorkerAccepted: self._worker_accepted,
            WorkerReady: self._worker_ready,
            WorkerSeen: self._worker_seen,
            TasksFinished: self._tasks_finished,
            TasksRecalled: self._tasks_recalled,
            WorkerWrote: self._worker_wrote,
            WorkerPrinted: self._worker_printed,
            WorkerFaulted: self._worker_faulted,
            WorkerEnded: self._worker_ended,
            TimePassed: self._time_passed,
            StopRequested: self._stop_requested,
        }
        if rules.deadline is not None:
            self.state.deadlines.set((Timer.RUN, 0), rules.deadline)

    def handle(self, event: Event) -> list[Action]:
        """Take in what has happened, and say what must be done now, in this order.

        Raises InternalError where it cannot have happened.
        """
        state = self.state
        out = state.out = []
        at = event.at
        self._handlers[type(event)](event)
        while (key := state.deadlines.pop(at)) is not None:
            self._fire(*key, at)
        self._follow(at)
        return out

    def wake_at(self) -> float | None:
        """When TimePassed is wanted at the latest, if nothing happens before; None: never."""
        return self.state.deadlines.wake_at()

    def wanted(self) -> int:
        """How many more tasks should be submitted, so that each worker's window can be filled once more."""
        state = self.state
        return 0 if state.closing else max(state.windows, len(state.ledger.slots)) - len(state.ready)

    def snapshot(self) -> Snapshot:
        """How the run stands."""
        return take_snapshot(self.state)

    def why_never(self, task: Asking) -> str | None:
        """Why such a task can run on none of the hosts that are there; None where it can."""
        return why_never(task, self.state.ledger.hosts.values())

    def _fire(self, timer: Timer, number: int, at: float) -> None:
        if timer is Timer.WORKER:
            self._watch.ring(number, at)
        elif timer is Timer.TASK:
            self._tasks.release(number)
        elif timer is Timer.SLOT:
            self._staffing.end_rest(number)
        elif timer is Timer.RECALL:
            self.state.is_recall_due = True
        else:
            self._stop(at, RunEnd.DEADLINE)

    def _follow(self, at: float) -> None:
        """Do what follows, whatever has happened."""
        state = self.state
        if state.failed and state.rules.stop_on_failure and state.how is None:
            self._stop(at, RunEnd.FAILED)
        if state.ledger.idle.open:
            dispatch(state, at)
        if state.relieved is not None:
            top_up(state, state.relieved, at)
            state.relieved = None
        if state.is_recall_due or (state.loaded and state.ledger.idle.open):
            balance(state, at)
        if state.input_ended and not state.tasks and state.submitted and not state.closing:
            state.closing = True
            self._crew.wind_up(at)
            self._crew.finish_empty_slots()
        if state.ledger.vacant:
            self._staffing.staff(at)
        if not state.ledger.standing and not state.over:
            self._end_where_nobody_is_left(at)

    def _stop(self, at: float, how: RunEnd) -> None:
        """The first reason wins; a later one can only make it harder."""
        state = self.state
        if state.how is None:
            state.how = how
            state.closing = True
            self._tasks.abandon_all()
            self._crew.finish_empty_slots()
        self._crew.disband(at, hard=how in HARD_ENDS)

    def _end_where_nobody_is_left(self, at: float) -> None:
        state = self.state
        if state.closing:
            self._end(state.how or (RunEnd.CREW_LOST if state.stranded else RunEnd.COMPLETE))
        elif not state.ledger.hosts:
            return  # none has come yet
        elif state.is_plain and (state.answered or not state.ledger.slots):
            self._end(RunEnd.COMPLETE)
        else:
            self._stop(at, RunEnd.CREW_LOST)
            self._end(RunEnd.CREW_LOST)

    def _end(self, how: RunEnd) -> None:
        state = self.state
        state.over = True
        state.closing = True
        state.how = how
        state.deadlines.clear((Timer.RUN, 0))
        state.deadlines.clear(RECALL)
        state.out.append(EndRun(how))

    def _slots_offered(self, event: SlotsOffered) -> None:
        if not self.state.closing:
            self.state.ledger.offer(event.host, event.slots)
            self._tasks.reconsider()

    def _input_ended(self, event: InputEnded) -> None:
        self.state.input_ended = True
        if self.state.is_plain:
            self._crew.close_idle(event.at)

    def _worker_accepted(self, event: WorkerAccepted) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None:
            self._crew.accept(worker)

    def _worker_ready(self, event: WorkerReady) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None:
            self._crew.make_ready(worker, event.at, event.ahead)

    def _worker_seen(self, event: WorkerSeen) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None:
            self._watch.see(event, worker)

    def _tasks_finished(self, event: TasksFinished) -> None:
        worker = self.state.worker(event.worker)
        if worker is None:
            self.state.tally.stale += len(event.outcomes)
            return
        if self._tasks.finish(event, worker) and worker.state is WorkerState.BUSY:
            if worker.hand:
                self.state.watch(worker, event.at)
                self.state.relieved = worker
            else:
                self._crew.free(worker)

    def _tasks_recalled(self, event: TasksRecalled) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None and worker.state is WorkerState.BUSY:
            self._tasks.recall(event, worker)
            if not worker.hand:
                self._crew.free(worker)

    def _worker_wrote(self, event: WorkerWrote) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None and worker.state in (WorkerState.IDLE, WorkerState.BUSY):
            self.state.windows += worker.narrow()
            if worker.id in self.state.loaded:
                take_back(self.state, worker)

    def _worker_printed(self, event: WorkerPrinted) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None:
            self._crew.hear_tail(worker, event.at)

    def _worker_faulted(self, event: WorkerFaulted) -> None:
        worker = self.state.worker(event.worker)
        if worker is not None:
            self._crew.fault(event, worker)

    def _worker_ended(self, event: WorkerEnded) -> None:
        worker = self.state.worker(event.worker)
        if worker is None:
            raise InternalError(f"worker {event.worker} has ended twice")
        left = self._crew.bury(event, worker)
        self._staffing.settle(worker, left, event.at)
        self._tasks.give_back(worker, event.running, event.at)

    def _time_passed(self, event: TimePassed) -> None:
        pass

    def _stop_requested(self, event: StopRequested) -> None:
        self._stop(event.at, RunEnd.STOPPED)
