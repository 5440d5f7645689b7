"""Dispatch: ready tasks meet idle workers.

    READY index          scheduling             idle index
    shapes in order  ->  which host?  ->  its worker that waits longest

Rule: a pass costs the same for each task that it places, however many tasks and workers wait. A shape that cannot
start costs one look, and none of a later shape's tasks takes what it waits for.
"""

from __future__ import annotations

from spreadjobs.core.actions import SendTasks
from spreadjobs.core.host import HostEntry
from spreadjobs.core.ready import Shape
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskStep
from spreadjobs.core.worker import WorkerStep
from spreadjobs.scheduling.placement import choose_host

# Looked up once: in an enum that costs as much as a call does.
_PLACE, _SEND = TaskStep.PLACE, WorkerStep.SEND


def dispatch(run: RunState, at: float) -> None:
    """Send each task that can start now to a worker."""
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
            _send(run, shape, host, at)
    if ahead:
        ready.bring_back(ahead)


def _send(run: RunState, shape: Shape, host: HostEntry, at: float) -> None:
    task = run.tasks[run.ready.take(shape)]
    worker = run.ledger.claim(host, shape.cpus)
    task.step(_PLACE)
    task.attempt += 1
    task.worker = worker.id
    worker.step(_SEND)
    worker.hand[task.id] = task
    worker.moved = at
    run.deadlines.set(worker.key, at + min(task.spec.timeout, run.rules.lease))
    run.tally.attempts += 1
    run.out.append(SendTasks(worker.id, ((task.id, task.attempt),)))
