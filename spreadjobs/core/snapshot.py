"""How a run stands: numbers to show, taken without walking over the tasks."""

from __future__ import annotations

from dataclasses import dataclass

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.host import HostState
from spreadjobs.core.state import RunState
from spreadjobs.core.task import FINAL, TaskState
from spreadjobs.core.worker import WorkerState


@dataclass(frozen=True, slots=True)
class HostLine:
    """How a host stands. slots: those not finished. used: cpus that tasks fill. live: workers that work, or will."""

    name: str
    state: HostState
    slots: int
    used: int
    live: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a run stands.

    tasks: how many are, or ended, in each state. workers: how many of those that are there are in each state.
    attempts: sent so far. retries: attempts that another follows. stale: answers that nobody waited for.
    how: why the run was stopped, or how it ended; None while it goes on. over: whether it has ended.
    """

    tasks: dict[TaskState, int]
    workers: dict[WorkerState, int]
    hosts: tuple[HostLine, ...]
    attempts: int
    retries: int
    stale: int
    how: RunEnd | None
    over: bool


def take_snapshot(run: RunState) -> Snapshot:
    """A run's state in numbers; the cost grows with the number of workers, not with that of tasks."""
    workers = dict.fromkeys(WorkerState, 0)
    running = 0
    in_hand = 0
    for worker in run.workers.values():
        workers[worker.state] += 1
        in_hand += len(worker.hand)
        running += sum(task.state is TaskState.RUNNING for task in worker.hand.values())
    ready = len(run.ready)
    tasks = {state: run.tally.ended[state] for state in FINAL}
    tasks[TaskState.READY] = ready
    tasks[TaskState.SENT] = in_hand - running
    tasks[TaskState.RUNNING] = running
    tasks[TaskState.DELAYED] = len(run.tasks) - ready - in_hand
    return Snapshot(
        tasks={state: tasks[state] for state in TaskState},
        workers=workers,
        hosts=tuple(HostLine(h.name, h.state, h.slots, h.used, h.live) for h in run.ledger.hosts.values()),
        attempts=run.tally.attempts,
        retries=run.tally.retries,
        stale=run.tally.stale,
        how=run.how,
        over=run.over,
    )
