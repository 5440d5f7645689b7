"""What does a task cost in the machine alone, and does it matter how many workers wait?

Lock-step: a worker answers one task, and is sent the next; an event in, two actions out. There is no process and no
byte: workers are numbers. All of the machine's work is counted, from the submission to the end of the last task, and
so is what it costs to make the events.

    python benchmarks/core_handle.py [rounds]
"""

from __future__ import annotations

import gc
import math
import sys
from collections import deque
from statistics import median
from time import perf_counter
from typing import Final

from spreadjobs.core.actions import SendTasks
from spreadjobs.core.events import (
    InputEnded,
    Outcome,
    SlotsOffered,
    TasksFinished,
    TaskSpec,
    TasksSubmitted,
    WorkerAccepted,
    WorkerReady,
)
from spreadjobs.core.machine import Machine
from spreadjobs.core.rules import Rules
from spreadjobs.records import ANYWHERE, NO_NEEDS

TASKS: Final = 100_000

#: Idle workers, hosts, and the timeout of each task.
CASES: Final = [
    (10, 1, math.inf),
    (1_000, 1, math.inf),
    (10_000, 1, math.inf),
    (10_000, 100, math.inf),
    (10, 1, 60.0),
    (10_000, 1, 60.0),
]


def staffed(workers: int, hosts: int) -> Machine:
    """A machine with so many idle workers, spread over so many hosts."""
    machine = Machine(Rules(), lambda: 1.0)
    for host in range(hosts):
        machine.handle(SlotsOffered(0.0, f"host{host}", range(host, workers, hosts)))
    for worker in range(workers):
        machine.handle(WorkerAccepted(0.5, worker))
        machine.handle(WorkerReady(0.5, worker))
    return machine


def seconds_per_task(workers: int, hosts: int = 1, timeout: float = math.inf, tasks: int = TASKS) -> float:
    """The mean over a run of so many tasks."""
    machine = staffed(workers, hosts)
    handle, wake_at = machine.handle, machine.wake_at
    spec = TaskSpec(NO_NEEDS, ANYWHERE, 0, timeout, 1, 2, 0.0, True)
    submitted = [(number, spec) for number in range(tasks)]
    at = 1.0
    gc.collect()
    start = perf_counter()
    sent = deque(action for action in handle(TasksSubmitted(at, submitted)) if isinstance(action, SendTasks))
    handle(InputEnded(at))
    while sent:
        action = sent.popleft()
        task, attempt = action.tasks[0]
        at += 1e-5
        for following in handle(TasksFinished(at, action.worker, (Outcome(task, attempt, True),))):
            if type(following) is SendTasks:
                sent.append(following)
        wake_at()
    spent = perf_counter() - start
    if machine.snapshot().attempts != tasks:
        raise SystemExit("not every task was run: the figure means nothing")
    return spent / tasks


def main() -> None:
    """Print a line for each case: microseconds per task, the median of the rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{TASKS:,} tasks in lock-step, median of {rounds}\n")
    print("idle workers   hosts   timeout   µs per task")
    for workers, hosts, timeout in CASES:
        spent = median(seconds_per_task(workers, hosts, timeout) for _ in range(rounds))
        print(f"{workers:>12,} {hosts:>7} {timeout:>9} {spent * 1e6:>13.2f}")


if __name__ == "__main__":
    main()
