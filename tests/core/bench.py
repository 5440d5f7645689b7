"""Builders, and a test bench: the real machine, told one event at a time, with its invariants checked after each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from spreadjobs.core.actions import Action, Ending, Resolve, Retry, SendTasks, StartWorker
from spreadjobs.core.events import (
    Event,
    InputEnded,
    Outcome,
    SlotsOffered,
    TasksFinished,
    TaskSpec,
    TasksRecalled,
    TasksSubmitted,
    TimePassed,
    WorkerAccepted,
    WorkerEnded,
    WorkerReady,
    WorkerSeen,
)
from spreadjobs.core.invariants import check
from spreadjobs.core.machine import Machine
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from spreadjobs.records import Needs, Placement
from tests.core.shadow import Shadow


def spec(
    timeout: float = math.inf,
    attempts: int = 1,
    losses: int = 2,
    grace: float = 0.0,
    *,
    cpus: int = 1,
    hosts: tuple[str, ...] = (),
    priority: int = 0,
    idempotent: bool = True,
) -> TaskSpec:
    """What is asked for a task: the defaults, but for what is said."""
    return TaskSpec(Needs(cpus), Placement(hosts), priority, timeout, attempts, losses, grace, idempotent)


PLAIN = spec()


class Bench:
    """A machine on a test bench.

    Every call is an event: it gives the actions that came of it, which are noted in ``trace`` with their time too.
    check: after every how-manieth event the invariants are checked.
    """

    def __init__(self, rules: Rules | None = None, jitter: Callable[[], float] = lambda: 1.0, check: int = 1) -> None:
        self.machine = Machine(rules or Rules(), jitter)
        self.told = 0
        self._check = check
        self.shadow = Shadow()
        self.trace: list[tuple[float, Action]] = []

    def tell(self, event: Event) -> list[Action]:
        """Something has happened."""
        actions = self.machine.handle(event)
        self.trace += [(event.at, action) for action in actions]
        self.shadow.follow(event, actions)
        self.told += 1
        if self.told % self._check == 0:
            check(self.machine)
        return actions

    def offer(self, at: float, host: str = "ant", slots: Sequence[int] = (0,)) -> list[Action]:
        """A host has come."""
        return self.tell(SlotsOffered(at, host, slots))

    def submit(self, at: float, *numbers: int, like: TaskSpec = PLAIN) -> list[Action]:
        """Tasks of one kind have come."""
        return self.tell(TasksSubmitted(at, [(number, like) for number in numbers]))

    def end_input(self, at: float) -> list[Action]:
        """No further task comes."""
        return self.tell(InputEnded(at))

    def ready(self, at: float, *workers: int, ahead: bool = False) -> list[Action]:
        """Workers have accepted and are prepared."""
        actions = []
        for worker in workers:
            actions += self.tell(WorkerAccepted(at, worker))
            actions += self.tell(WorkerReady(at, worker, ahead))
        return actions

    def answer(self, at: float, worker: int, task: int, attempt: int = 1, ok: bool = True) -> list[Action]:
        """A worker has answered a task."""
        return self.tell(TasksFinished(at, worker, [Outcome(task, attempt, ok)]))

    def answer_all(self, at: float, worker: int, *tasks: int, attempt: int = 1, ok: bool = True) -> list[Action]:
        """A worker has answered several tasks."""
        return self.tell(TasksFinished(at, worker, [Outcome(task, attempt, ok) for task in tasks]))

    def recalled(self, at: float, worker: int, *tasks: int) -> list[Action]:
        """These a worker had not begun, and will not."""
        return self.tell(TasksRecalled(at, worker, tasks))

    def see(
        self, at: float, worker: int, task: int | None = None, began: float | None = None, moving: bool = False
    ) -> list[Action]:
        """A look has found this."""
        return self.tell(WorkerSeen(at, worker, task, began, moving))

    def end(
        self, at: float, worker: int, status: int | None = -9, running: int | None = None, permanent: bool = False
    ) -> list[Action]:
        """A worker's process is gone; killed, if nothing else is said."""
        return self.tell(WorkerEnded(at, worker, status, running, permanent))

    def wait(self, at: float) -> list[Action]:
        """Nothing happens until then, but what the machine itself wants to be woken for: all that comes of it."""
        actions = []
        while (wake_at := self.machine.wake_at()) is not None and wake_at < at:
            actions += self.tell(TimePassed(wake_at))
        return actions + self.tell(TimePassed(at))


def staffed(*workers: int, rules: Rules | None = None, host: str = "ant", ahead: bool = False) -> Bench:
    """A bench on which a host came with a slot for each of these workers (0, 1, ...), and all are idle, at 0.0."""
    bench = Bench(rules)
    assert bench.offer(0.0, host, workers) == [StartWorker(worker, worker) for worker in workers]
    assert bench.ready(0.0, *workers, ahead=ahead) == []
    return bench


def sent(worker: int, task: int, attempt: int = 1) -> SendTasks:
    """One task is sent to a worker."""
    return SendTasks(worker, ((task, attempt),))


def sent_all(worker: int, tasks: Iterable[int], attempt: int = 1) -> SendTasks:
    """Several tasks are sent to a worker."""
    return SendTasks(worker, tuple((task, attempt) for task in tasks))


def done(worker: int, *tasks: int, attempt: int = 1) -> Resolve:
    """Tasks are done."""
    return Resolve(tuple(Ending(task, attempt, TaskState.DONE, worker) for task in tasks))


def returned(worker: int, *tasks: int, attempt: int = 1) -> Retry:
    """Tasks are ready again, and are not charged."""
    return Retry(tuple(Ending(task, attempt, TaskState.READY, worker) for task in tasks))
