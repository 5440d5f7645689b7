"""A run: the machine decides, this does.

    loop ──> worker's pipes ──> dialect ──> Listener methods of Run ──> event ──> Machine.handle
      ^                                                                                │
      └────────────── Crew, Worker, Source, Results <── _perform(action) <─────────────┘

Rule: events go to the machine through ``_tell`` and nowhere else, one after the other.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from spreadjobs.core import actions, events
from spreadjobs.core.actions import RunEnd
from spreadjobs.core.machine import Machine
from spreadjobs.core.rules import Rules
from spreadjobs.engine.crew import Crew
from spreadjobs.engine.delivery import Delivery, OnResult
from spreadjobs.engine.loop import Loop
from spreadjobs.engine.results import Results, Stream
from spreadjobs.engine.roll import Roll
from spreadjobs.engine.source import Batch, Source
from spreadjobs.engine.verdicts import Verdicts
from spreadjobs.engine.worker import Dialect, Worker, describe
from spreadjobs.protocol.messages import Answer
from spreadjobs.transports.base import Spot

#: Pulling from the user's iterable takes this long at a time, in seconds, and so many items between looks at the clock.
PULL_TIME: Final = 0.005
PULL_ITEMS: Final = 64
#: Back-off is stretched by a factor drawn from this range, so that what failed together is not retried together.
JITTER: Final = (0.8, 1.2)


class Run:
    """One submission of tasks to one crew, from the first start to the last end. To be closed."""

    def __init__(
        self,
        spots: Sequence[Spot],
        source: Source,
        rules: Rules,
        dialect: Callable[[Run], Callable[[Worker], Dialect]],
        on_result: OnResult | None = None,
    ) -> None:
        self.loop = Loop()
        self.source = source
        hosts = [spot.host for spot in spots]
        self._delivery = None if on_result is None else Delivery(on_result, self._wake, self.stop)
        self.results = Results(hosts) if self._delivery is None else Stream(hosts, self._delivery.deliver)
        self.roll = Roll(spots)
        jitter = random.Random()
        #: How it ended, None while it has not.
        self.how: RunEnd | None = None
        #: What the user's iterable raised.
        self.broken_input: BaseException | None = None
        self._spots = spots
        self._machine = Machine(rules, lambda: jitter.uniform(*JITTER))
        self._events: deque[events.Event] = deque()
        self._handling = False
        self._pulling = False
        try:
            self._crew = Crew(self.loop, spots, dialect(self), self)
        except BaseException:
            self.loop.close()
            raise
        self._verdicts = Verdicts(source, self.results, self.roll, self._crew.workers.get)

    # The life of a run.

    def go(self) -> RunEnd:
        """Work until all has ended, and every result is handed on; how it did."""
        if self._delivery is not None:
            self._delivery.start()
        first = self._pull(1)
        by_host: dict[str, list[int]] = {}
        for spot in self._spots:
            by_host.setdefault(spot.host, []).append(spot.slot)
        for host, slots in by_host.items():
            self._tell(events.SlotsOffered(self.loop.clock(), host, slots))
        self._submit(first)
        while self.how is None:
            self._refill()
            if self.how is None:
                self.loop.turn(0.0 if self._is_hungry() else self._machine.wake_at())
            self._pass_time()
        if self._delivery is not None:
            self._delivery.finish()
        return self.how

    def stop(self) -> None:
        """End it: nothing new, and what runs is killed. Safe in a signal handler and from other threads."""
        self.loop.post(lambda: self._tell(events.StopRequested(self.loop.clock())))

    def _wake(self) -> None:
        self.loop.post(lambda: None)

    @property
    def broken_output(self) -> BaseException | None:
        """What the user's function for results raised."""
        return None if self._delivery is None else self._delivery.error

    @property
    def is_pulling(self) -> bool:
        """Whether the user's iterable has the word just now."""
        return self._pulling

    def close(self) -> None:
        """Kill whatever is left, and let go of everything."""
        if self._delivery is not None:
            self._delivery.abandon()
        self._crew.close()
        self.loop.close()

    # Tasks come.

    def _pull(self, count: int) -> events.TasksSubmitted:
        batch = Batch()
        self._pulling = True
        clock, end = self.loop.clock, self.loop.clock() + PULL_TIME
        try:
            self.source.pull(count, batch, lambda: clock() > end)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.broken_input = error
            self.source.exhausted = True
        finally:
            self._pulling = False
            self.results.expect(len(batch.tasks) + len(batch.rejected), batch.names)
        return events.TasksSubmitted(self.loop.clock(), batch.tasks, batch.rejected)

    def _submit(self, batch: events.TasksSubmitted) -> None:
        if batch.tasks or batch.rejected:
            self._tell(batch)
        if self.broken_input is not None:
            self._tell(events.StopRequested(self.loop.clock()))
        elif self.source.exhausted:
            self._tell(events.InputEnded(self.loop.clock()))

    def _is_hungry(self) -> bool:
        is_behind = self._delivery is not None and self._delivery.is_behind
        return not self.source.exhausted and not is_behind and self._machine.wanted() > 0

    def _refill(self) -> None:
        end = self.loop.clock() + PULL_TIME
        while self.how is None and self._is_hungry() and self.loop.clock() < end:
            self._submit(self._pull(PULL_ITEMS))

    # Events go in, actions come out.

    def _tell(self, event: events.Event) -> None:
        self._events.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._events:
                for action in self._machine.handle(self._events.popleft()):
                    self._perform(action)
            self.results.flush()
        finally:
            self._handling = False

    def _pass_time(self) -> None:
        wake, now = self._machine.wake_at(), self.loop.clock()
        if wake is not None and wake <= now:
            self._tell(events.TimePassed(now))

    def _perform(self, action: actions.Action) -> None:
        DEEDS[type(action)](self, action)

    def _start_worker(self, action: actions.StartWorker) -> None:
        self.roll.started(action.slot)
        try:
            self._crew.start(action.worker, action.slot)
        except OSError as error:
            self.roll.troubled(action.slot, f"it could not be started: {error}")
            permanent = isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError)
            self._tell(events.WorkerEnded(self.loop.clock(), action.worker, None, permanent=permanent))

    def _send_tasks(self, action: actions.SendTasks) -> None:
        worker = self._crew.workers.get(action.worker)
        if worker is not None:
            worker.send(action.tasks)

    def _recall(self, action: actions.RecallTasks) -> None:
        worker = self._crew.workers.get(action.worker)
        if worker is not None:
            self._tell(events.TasksRecalled(self.loop.clock(), worker.number, worker.recall()))

    def _look(self, action: actions.LookAtWorker) -> None:
        worker = self._crew.workers.get(action.worker)
        if worker is None:
            return
        running = worker.running()
        task, began = (None, None) if running is None else (running.task, running.began)
        moving = worker.writer.written != worker.moved
        worker.moved = worker.writer.written
        self._tell(events.WorkerSeen(self.loop.clock(), worker.number, task, began, moving))

    def _close_worker(self, action: actions.CloseWorker) -> None:
        worker = self._crew.workers.get(action.worker)
        if worker is not None:
            worker.close_input()

    def _kill_worker(self, action: actions.KillWorker) -> None:
        self._crew.kill(action.worker, action.grace, action.cause)

    def _give_up_slot(self, action: actions.GiveUpSlot) -> None:
        self.roll.records[action.slot].given_up = True

    def _end_run(self, action: actions.EndRun) -> None:
        self.how = action.how

    def _resolve(self, action: actions.Resolve) -> None:
        self._verdicts.resolve(action.endings)

    def _retry(self, action: actions.Retry) -> None:
        self._verdicts.retry(action.endings)

    # What the workers tell (engine.listener).

    def accepted(self, worker: Worker) -> None:
        """It is one of ours, and prepares."""
        self._tell(events.WorkerAccepted(self.loop.clock(), worker.number))

    def ready(self, worker: Worker) -> None:
        """It waits for tasks."""
        self._tell(events.WorkerReady(self.loop.clock(), worker.number, ahead=worker.has_page))

    def answered(self, worker: Worker, answers: list[Answer]) -> None:
        """It has answered."""
        outcomes = self._verdicts.open(worker, answers)
        if worker.writes and worker.has_page:
            self._tell(events.WorkerWrote(self.loop.clock(), worker.number))
        self._tell(events.TasksFinished(self.loop.clock(), worker.number, outcomes))

    def printed(self, worker: Worker) -> None:
        """It prints its tail."""
        self._tell(events.WorkerPrinted(self.loop.clock(), worker.number))

    def faulted(self, worker: Worker, sentence: str, permanent: bool) -> None:
        """It broke the protocol, or cannot prepare."""
        worker.fault = worker.fault or sentence
        self._tell(events.WorkerFaulted(self.loop.clock(), worker.number, permanent))

    def ended(self, worker: Worker, status: int | None) -> None:
        """Its process is gone."""
        running = worker.running()
        reason = describe(worker, status)
        self._verdicts.about(worker, reason)
        self.roll.ended(worker, status, reason)
        task = None if running is None else running.task
        self._tell(events.WorkerEnded(self.loop.clock(), worker.number, status, task))


DEEDS: Final[dict[type[actions.Action], Callable[[Run, Any], None]]] = {
    actions.StartWorker: Run._start_worker,
    actions.SendTasks: Run._send_tasks,
    actions.RecallTasks: Run._recall,
    actions.Resolve: Run._resolve,
    actions.Retry: Run._retry,
    actions.LookAtWorker: Run._look,
    actions.CloseWorker: Run._close_worker,
    actions.KillWorker: Run._kill_worker,
    actions.GiveUpSlot: Run._give_up_slot,
    actions.EndRun: Run._end_run,
}
