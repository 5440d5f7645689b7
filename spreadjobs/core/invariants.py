"""What is true after every event, whatever happens; for tests, which check it after each.

Rule: a check looks at everything, and believes no count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from spreadjobs.core.deadlines import Key, Timer
from spreadjobs.core.host import HostState
from spreadjobs.core.machine import Machine
from spreadjobs.core.slot import SlotState
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState
from spreadjobs.core.worker import WorkerEntry, WorkerState
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.admission import can_ever
from spreadjobs.scheduling.placement import choose_host

#: A condition, and the sentence that holds where it does not.
Finding: TypeAlias = tuple[bool, str]


def check(machine: Machine) -> None:
    """Look whether all is well.

    Raises InternalError with a sentence for each thing that is not, and what is known of those concerned.
    """
    run = machine.state
    parts = (_tasks, _workers, _slots, _hosts, _timers, _progress)
    broken = [sentence for part in parts for is_well, sentence in part(run) if not is_well]
    if broken:
        raise InternalError("; ".join(broken))


def _tasks(run: RunState) -> Iterator[Finding]:
    """Each open task is in exactly one place, and that is where its state says."""
    places: Counter[int] = Counter()
    for shape in run.ready.shapes.values():
        places.update(shape.numbers())
        yield len(shape.delayed) + shape.ready() == len(list(shape.numbers())), f"the shape {shape.needs} miscounts"
    for worker in run.workers.values():
        places.update(list(worker.hand))
    for number, task in run.tasks.items():
        yield places.pop(number, 0) == 1, f"{_tell(task)} is not in exactly one place"
        yield _is_at_home(run, task), f"{_tell(task)} is in the wrong place"
    yield not places, f"tasks {sorted(places)} are somewhere, and have ended"


def _is_at_home(run: RunState, task: TaskEntry) -> bool:
    """Whether a task is where its state says."""
    if task.state in (TaskState.SENT, TaskState.RUNNING):
        worker = run.workers.get(-1 if task.worker is None else task.worker)
        return worker is not None and task.id in worker.hand
    if task.state is TaskState.DELAYED:
        return task.worker is None and task.id in task.shape.delayed
    return task.state is TaskState.READY and task.worker is None and task.id not in task.shape.delayed


def _workers(run: RunState) -> Iterator[Finding]:
    """A worker has what its state says in hand, and whoever is idle is known to be."""
    for worker in run.workers.values():
        state, host = worker.state, worker.slot.host
        yield state < WorkerState.GONE, f"{_tell(worker)} is not forgotten"
        may_have = (True,) if state is WorkerState.BUSY else (False, True) if state is WorkerState.DYING else (False,)
        yield bool(worker.hand) in may_have, f"{_tell(worker)} has the wrong things in hand"
        yield (state is WorkerState.IDLE) == (worker.id in run.ledger.idle.of(host)), f"{_tell(worker)} is misfiled"
        filled = sum(task.shape.cpus for task in worker.hand.values())
        exact = state is not WorkerState.DYING
        yield worker.cpus == filled or (worker.cpus > filled and not exact), f"{_tell(worker)} fills {filled} cpus"
        yield worker.slot.state is SlotState.FILLED, f"{_tell(worker)} is in a slot that is not filled"
    slots = Counter(worker.slot.id for worker in run.workers.values())
    yield all(count == 1 for count in slots.values()), "two workers are in one slot"


def _slots(run: RunState) -> Iterator[Finding]:
    """Slots are counted rightly, and a filled one has a worker."""
    ledger = run.ledger
    filled = {worker.slot.id: worker for worker in run.workers.values()}
    for slot in ledger.slots.values():
        yield (slot.state is SlotState.FILLED) == (slot.id in filled), f"slot {slot.id} is {slot.state.name}"
        yield (slot.state is SlotState.VACANT) == (slot.id in ledger.vacant), f"slot {slot.id} is wrongly vacant"
    standing = sum(slot.state is not SlotState.FINISHED for slot in ledger.slots.values())
    yield ledger.standing == standing, f"{ledger.standing} slots are counted, {standing} are there"
    live = sum(host.live for host in ledger.hosts.values())
    yield ledger.live == live, f"{ledger.live} workers are counted live, {live} are on the hosts"


def _hosts(run: RunState) -> Iterator[Finding]:
    """What is taken of a host is what its workers have, and never more than it came with."""
    for host in run.ledger.hosts.values():
        slots = [slot for slot in run.ledger.slots.values() if slot.host is host and slot.state < SlotState.FINISHED]
        workers = [worker for worker in run.workers.values() if worker.slot.host is host]
        used = sum(worker.cpus for worker in workers)
        live = sum(worker.is_live for worker in workers) + sum(slot.state is SlotState.RESTING for slot in slots)
        idle = run.ledger.idle
        name = f"host {host.name}"
        yield host.used == used <= host.offered, f"{name}: {host.used} cpus are taken, {used} by workers"
        yield host.slots == len(slots) <= host.offered, f"{name}: {host.slots} slots are counted, {len(slots)} there"
        yield host.live == live, f"{name}: {host.live} workers are counted live, {live} are"
        yield (host.state is HostState.DOWN) == (not slots and bool(host.offered)), f"{name} is {host.state.name}"
        is_open = bool(idle.of(host)) and host.used < host.slots
        yield is_open == (host.name in idle.open), f"{name} is wrongly open or shut"


def _timers(run: RunState) -> Iterator[Finding]:
    """Nothing waits without a deadline or a wake-up, but what may take as long as it likes."""
    needed: list[tuple[Key, str]] = []
    needed += [(worker.key, _tell(worker)) for worker in run.workers.values() if _has_limit(worker)]
    needed += [(slot.key, f"slot {slot.id}") for slot in run.ledger.slots.values() if slot.state is SlotState.RESTING]
    needed += [((Timer.TASK, task.id), _tell(task)) for task in run.tasks.values() if task.state is TaskState.DELAYED]
    wake_at = run.deadlines.wake_at()
    for key, name in needed:
        when = run.deadlines.get(key)
        yield when is not None, f"{name} waits without a deadline"
        yield when is None or (wake_at is not None and wake_at <= when), f"the wake-up at {wake_at} is late for {name}"


def _has_limit(worker: WorkerEntry) -> bool:
    """Whether a worker's present state must end by a time that the machine knows."""
    if worker.state is WorkerState.BUSY:
        return any(task.state is TaskState.SENT or task.spec.timeout < float("inf") for task in worker.hand.values())
    return worker.state is WorkerState.EXEC or (worker.state is WorkerState.SHUTDOWN and worker.quiet < float("inf"))


def _progress(run: RunState) -> Iterator[Finding]:
    """Whatever can go on does, and what is over is over."""
    ledger = run.ledger
    shape = run.ready.first()
    placeable = shape is not None and choose_host(shape, ledger.idle.open, ()) is not None
    yield not placeable, "a task is ready, a worker is idle, and they do not meet"
    for waiting in run.ready.waiting():
        hosts = [host for host in ledger.hosts.values() if can_ever(waiting, host)]
        dying = [worker.slot.host for worker in run.workers.values() if not worker.is_live]
        comes = any(host.live or host in dying for host in hosts)
        yield comes, f"tasks that need {waiting.needs} on {waiting.placement} wait, and no worker comes"
    if run.closing:
        yield not run.tasks, f"the run is over, and {len(run.tasks)} tasks are open"
        yield len(run.workers) == ledger.standing, "the run is over, and slots without a worker are not finished"
    yield run.over == (run.closing and not run.workers), "the end is said too early, or not yet"
    yield not run.over or run.deadlines.wake_at() is None, "the run is over, and a timer is set"


def _tell(entry: TaskEntry | WorkerEntry) -> str:
    """All that is known of a task or a worker."""
    names = [name for name in entry.__slots__ if name not in ("id", "key", "shape", "slot", "spec", "hand")]
    known = ", ".join(f"{name}={getattr(entry, name)!r}" for name in names)
    return f"{'task' if isinstance(entry, TaskEntry) else 'worker'} {entry.id} ({known})"
