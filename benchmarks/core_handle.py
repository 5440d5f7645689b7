"""What does one task cost in the machine alone, and does it matter how many workers wait?

Lock-step: every step is one event (a worker has answered one task) and its two actions (the task has ended, the
worker is sent another). No process, no bytes: workers are numbers.

    python benchmarks/core_handle.py
"""

from __future__ import annotations

import gc
import math
import sys
from statistics import median
from time import perf_counter

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

SPEC = TaskSpec(NO_NEEDS, ANYWHERE, 0, math.inf, 1, 2, 0.0, True)


def crew(workers: int, hosts: int) -> Machine:
    """A machine with so many idle workers on so many hosts."""
    machine = Machine(Rules(), lambda: 1.0)
    for host in range(hosts):
        machine.handle(SlotsOffered(0.0, f"host{host}", range(host, workers, hosts)))
    for worker in range(workers):
        machine.handle(WorkerAccepted(0.5, worker))
        machine.handle(WorkerReady(0.5, worker))
    return machine


def seconds_per_task(workers: int, tasks: int = 100_000, hosts: int = 1, timeout: float = math.inf) -> float:
    """The mean over a whole run, from the submission of the tasks to the end of the last."""
    machine = crew(workers, hosts)
    spec = TaskSpec(NO_NEEDS, ANYWHERE, 0, timeout, 1, 2, 0.0, True)
    handle = machine.handle
    at = 1.0
    ended = 0
    gc.collect()
    began = perf_counter()
    busy = [a for a in handle(TasksSubmitted(at, [(n, spec) for n in range(tasks)])) if isinstance(a, SendTasks)]
    handle(InputEnded(at))
    for sent in busy:  # which grows
        task, attempt = sent.tasks[0]
        at += 0.0001
        actions = handle(TasksFinished(at, sent.worker, (Outcome(task, attempt, True),)))
        ended += 1
        machine.wake_at()
        if ended <= tasks - workers:
            busy.append(actions[1])  # type: ignore[arg-type]  # what follows a Resolve in lock-step
    spent = perf_counter() - began
    assert ended == tasks
    return spent / tasks


def main() -> None:
    """Print a table: microseconds per task."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{'idle workers':>12} {'hosts':>6} {'timeout':>8}   µs/task (median of {rounds})")
    for workers, hosts, timeout in [
        (10, 1, math.inf),
        (1000, 1, math.inf),
        (10000, 1, math.inf),
        (10000, 100, math.inf),
        (10, 1, 60.0),
        (10000, 1, 60.0),
    ]:
        spent = median(seconds_per_task(workers, hosts=hosts, timeout=timeout) for _ in range(rounds))
        print(f"{workers:>12} {hosts:>6} {timeout:>8}   {spent * 1e6:.2f}")


if __name__ == "__main__":
    main()
