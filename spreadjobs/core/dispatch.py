"""Dispatch: ready tasks meet workers.

    READY index          scheduling             idle index
    shapes in order  ->  which host?  ->  its worker that waits longest  ->  as many as fill its window

Rule: a pass costs the same for each task that it places, however many tasks and workers wait. A shape that cannot
start costs one look, and none of a later shape's tasks takes what it waits for.
"""

from __future__ import annotations

from typing import Final

from spreadjobs.core.actions import RecallTasks, SendTasks
from spreadjobs.core.deadlines import Key, Timer
from spreadjobs.core.ready import Shape
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskStep
from spreadjobs.core.worker import WorkerEntry, WorkerStep
from spreadjobs.scheduling.placement import choose_host
from spreadjobs.scheduling.windows import share, time_left

# Looked up once: in an enum that costs as much as a call does.
_PLACE, _SEND = TaskStep.PLACE, WorkerStep.SEND

RECALL: Final[Key] = (Timer.RECALL, 0)
#: Seconds that a worker is idle before what others have not begun is recalled for it.
PATIENCE: Final = 0.001


def dispatch(run: RunState, at: float) -> None:
    """Send tasks to each idle worker that can start one now."""
    ready = run.ready
    hosts = run.ledger.idle.open
    ahead: list[Shape] = []
    while hosts:
        shape = ready.first()
        if shape is None:
            break
        host = choose_host(shape, hosts, ahead)
        if host is None:
            ready.set_aside(shape)
            ahead.append(shape)
        else:
            worker = run.ledger.claim(host, shape.cpus)
            worker.step(_SEND)
            worker.heard = at
            if worker.shape is not shape:
                run.windows += worker.take_up(shape)
            _fill(run, worker, shape, at)
            run.watch(worker, at)
    if ahead:
        ready.bring_back(ahead)


def top_up(run: RunState, worker: WorkerEntry, at: float) -> None:
    """Send more to a worker that is busy and has answered, if what it does is also what goes first now."""
    shape = worker.shape
    if shape is not None and shape.ahead and 2 * len(worker.hand) <= worker.window and run.ready.first() is shape:
        _fill(run, worker, shape, at)


def balance(run: RunState, at: float) -> None:
    """Where some are idle and others have more in hand than they can begin: take that back, after a while.

    What is ready does not matter: it has just met whoever can start it. Where nobody who is idle could start what
    the others have, nothing is recalled, and no time set: the next event looks again.
    """
    is_time, run.is_recall_due = run.is_recall_due, False
    if is_time:
        worker = most_loaded(run, at)
        if worker is None:
            return
        take_back(run, worker)
    if run.loaded and run.ledger.idle.open and run.deadlines.get(RECALL) is None:
        run.deadlines.set(RECALL, at + PATIENCE)


def take_back(run: RunState, worker: WorkerEntry) -> None:
    """Recall what a worker has in hand and not begun."""
    del run.loaded[worker.id]
    worker.recalled = True
    run.out.append(RecallTasks(worker.id))


def most_loaded(run: RunState, at: float) -> WorkerEntry | None:
    """Of the workers that hold what somebody idle could start, the one that will be busy longest, as far as we know."""
    shapes = dict.fromkeys(worker.shape for worker in run.loaded.values())
    hosts = run.ledger.idle.open
    wanted = [shape for shape in shapes if shape is not None and choose_host(shape, hosts, ()) is not None]
    workers = [worker for worker in run.loaded.values() if worker.shape in wanted]
    return max(workers, key=lambda worker: time_left(worker.pace, len(worker.hand), at - worker.heard), default=None)


def _fill(run: RunState, worker: WorkerEntry, shape: Shape, at: float) -> None:
    """Send tasks of the shape that goes first, as many as there is room for in the worker's window."""
    hand, tasks, number_of_worker = worker.hand, run.tasks, worker.id
    room = worker.window - len(hand) if shape.ahead else 1
    if room > 1:
        room = min(room, share(shape.ready(), run.ledger.live))
    sent = []
    for number in run.ready.take(shape, room):
        task = hand[number] = tasks[number]
        task.step(_PLACE)
        task.attempt += 1
        task.worker = number_of_worker
        sent.append((number, task.attempt))
    worker.moved = at
    if len(hand) > 1:
        run.weigh(worker)
    run.tally.attempts += len(sent)
    run.out.append(SendTasks(number_of_worker, tuple(sent)))
