from __future__ import annotations

from collections import deque
from statistics import median
from time import perf_counter

import pytest

from spreadjobs.core.actions import SendTasks
from spreadjobs.core.events import Outcome, SlotsOffered, TasksFinished, TasksSubmitted, WorkerReady
from spreadjobs.core.machine import Machine
from spreadjobs.core.rules import Rules
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
