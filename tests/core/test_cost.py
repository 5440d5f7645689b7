from __future__ import annotations

from collections import deque
from statistics import median
from time import perf_counter

import pytest

from spreadjobs.core.actions import SendTasks
from spreadjobs.core.events import InputEnded, Outcome, SlotsOffered, TasksFinished, TasksSubmitted, WorkerReady
from spreadjobs.core.machine import Machine
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import PLAIN


def lockstep(workers: int, tasks: int = 20_000) -> float:
    """Seconds per task: a worker answers one task and is sent the next, while so many workers are there."""
    machine = Machine(Rules(), lambda: 1.0)
    machine.handle(SlotsOffered(0.0, "ant", range(workers)))
    for worker in range(workers):
        machine.handle(WorkerReady(0.0, worker))
    submitted = TasksSubmitted(1.0, [(number, PLAIN) for number in range(tasks)])
    start = perf_counter()
    sent = deque(machine.handle(submitted))
    while sent:
        action = sent.popleft()
        if isinstance(action, SendTasks):
            outcomes = [Outcome(task, attempt, True) for task, attempt in action.tasks]
            sent += machine.handle(TasksFinished(2.0, action.worker, outcomes))
    return (perf_counter() - start) / tasks


@pytest.mark.speed
def test_a_task_costs_the_same_however_many_workers_wait() -> None:
    """Under 32 µs each, and with 10,000 workers at most 8 times as much as with 10: four times what we ask of ourselves
    (``benchmarks/core_handle.py`` has the figures)."""
    few, many = (median(lockstep(workers) for _ in range(3)) for workers in (10, 10_000))
    assert few < 32e-6
    assert many < 32e-6
    assert many < 8 * few


def windows(workers: int, tasks: int = 50_000) -> float:
    """Seconds per task: 64 are submitted whenever more are wanted, and a worker answers in one event all that it was
    sent in one action. Tasks take 2 µs."""
    machine = Machine(Rules(), lambda: 1.0)
    handle = machine.handle
    handle(SlotsOffered(0.0, "ant", range(workers)))
    for worker in range(workers):
        handle(WorkerReady(0.0, worker, ahead=True))
    store = deque([(number, PLAIN) for number in range(first, first + 64)] for first in range(0, tasks, 64))
    tasks = 64 * len(store)
    sent = deque(handle(TasksSubmitted(1.0, store.popleft())))
    at, spent = 1.0, 0.0
    while sent:
        action = sent.popleft()
        if isinstance(action, SendTasks):
            at += 2e-6 * len(action.tasks)
            answered = TasksFinished(
                at, action.worker, [Outcome(task, attempt, True) for task, attempt in action.tasks]
            )
            start = perf_counter()
            sent += handle(answered)
            while store and machine.wanted() > 0:
                sent += handle(TasksSubmitted(at, store.popleft()))
            machine.wake_at()
            spent += perf_counter() - start
    handle(InputEnded(at))
    assert machine.snapshot().tasks[TaskState.DONE] == tasks
    return spent / tasks


@pytest.mark.speed
@pytest.mark.parametrize("workers", [2, 10, 100])
def test_with_windows_a_task_costs_a_few_microseconds(workers: int) -> None:
    """Under 12 µs from its submission to its end, whoever else is busy on this machine; we ask for 3 of ourselves."""
    assert median(windows(workers) for _ in range(5)) < 12e-6
