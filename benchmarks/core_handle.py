"""What does a task cost in the machine alone, and does it matter how many workers wait?

Lock-step: a worker answers one task, and is sent the next; an event in, two actions out. With windows: a worker
answers in one event all that it was sent in one action. There is no process and no byte: workers are numbers. All of
the machine's work is counted, from the submission to the end of the last task, and so is what it costs to make the
events.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from time import perf_counter
from typing import Final

from benchmarks.kit.question import Cannot, Contender, Part, Question, Setting, Table, Unit, at_most
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


#: Seconds that pass with each task.
PACE: Final = 1e-5


def rules(**settings: object) -> Rules:
    """The defaults, with those of the settings that there are."""
    make: Callable[..., Rules] = Rules
    there = {rule.name for rule in fields(Rules)}
    return make(**{name: value for name, value in settings.items() if name in there})


def staffed(workers: int, hosts: int, has_windows: bool) -> Machine:
    """A machine with so many idle workers, spread over so many hosts."""
    machine = Machine(rules() if has_windows else rules(window=1), lambda: 1.0)
    for host in range(hosts):
        machine.handle(SlotsOffered(0.0, f"host{host}", range(host, workers, hosts)))
    for worker in range(workers):
        machine.handle(WorkerAccepted(0.5, worker))
        machine.handle(WorkerReady(0.5, worker, ahead=has_windows))
    return machine


def seconds_per_task(
    workers: int, hosts: int = 1, timeout: float = math.inf, tasks: int = TASKS, has_windows: bool = False
) -> float:
    """The mean over a run of so many tasks. Raises Cannot where windows are asked for, and the machine has none."""
    machine = staffed(workers, hosts, has_windows)
    handle, wake_at = machine.handle, machine.wake_at
    spec = TaskSpec(NO_NEEDS, ANYWHERE, 0, timeout, 1, 2, 0.0, True)
    submitted = [(number, spec) for number in range(tasks)]
    at, sends = 1.0, 0
    gc.collect()
    start = perf_counter()
    sent = deque(action for action in handle(TasksSubmitted(at, submitted)) if isinstance(action, SendTasks))
    handle(InputEnded(at))
    while sent:
        action = sent.popleft()
        sends += 1
        at += PACE * len(action.tasks)
        outcomes = [Outcome(task, attempt, True) for task, attempt in action.tasks]
        for following in handle(TasksFinished(at, action.worker, outcomes)):
            if type(following) is SendTasks:
                sent.append(following)
        wake_at()
    spent = perf_counter() - start
    if machine.snapshot().attempts != tasks:
        raise RuntimeError("not every task was run: the figure means nothing")
    if has_windows and sends == tasks:
        raise Cannot("the machine sends one task at a time")
    return spent / tasks


def measure(workers: int, hosts: int, timeout: float, tasks: int, has_windows: bool) -> dict[str, float]:
    """One run."""
    return {"seconds": seconds_per_task(workers, hosts, timeout, tasks, has_windows)}


def describe(workers: int, hosts: int, timeout: float) -> str:
    """What a case is called."""
    words = [f"{workers:,} idle workers"]
    words += [f"{hosts} hosts"] if hosts > 1 else []
    words += [f"timeouts of {timeout:g} s"] if timeout < math.inf else []
    return ", ".join(words)


def parts(setting: Setting) -> Sequence[Part]:
    """Lock-step with each crew; and two workers with windows."""
    tasks = setting.count(TASKS, 20_000)
    unit = Unit("µs per task", 1e6)
    lockstep = [Contender(describe(*case), partial(measure, *case, tasks, False)) for case in CASES]
    windows = Contender("2 workers", partial(measure, 2, 1, math.inf, tasks, True))
    limits = {it.who: at_most(8e-6, unit) for it in lockstep}
    return [
        Part(lockstep, [Table(f"{tasks:,} tasks in lock-step", unit, asks=limits)]),
        Part([windows], [Table(f"{tasks:,} tasks, with windows", unit, asks={windows.who: at_most(3e-6, unit)})]),
    ]


QUESTION: Final = Question("what does a task cost in the machine alone?", parts)
