"""What is true after every event, whatever happens; for tests, which check it after each.

Rule: a check looks at everything, and believes no count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeAlias

from spreadjobs.core.deadlines import Key, Timer
from spreadjobs.core.dispatch import RECALL, most_loaded
from spreadjobs.core.host import HostEntry, HostState
from spreadjobs.core.machine import Machine
from spreadjobs.core.slot import SlotEntry, SlotState
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState
from spreadjobs.core.worker import WorkerEntry, WorkerState
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.admission import can_ever
from spreadjobs.scheduling.placement import choose_host

Entry: TypeAlias = TaskEntry | WorkerEntry | SlotEntry | HostEntry
#: A condition; where it does not hold: whose fault that is (None: the whole run's), and a sentence about it.
Finding: TypeAlias = tuple[bool, Entry | None, str]

#: What says nothing of an entry that its name does not, or is an entry itself.
UNTOLD: Final = ("hand", "host", "id", "key", "name", "shape", "slot", "spec")


def check(machine: Machine) -> None:
    """Look whether all is well.

    Raises InternalError with a sentence for each thing that is not, and all that is known of what it is about.
    """
    run = machine.state
    parts = (_tasks, _workers, _windows, _slots, _hosts, _timers, _progress)
    broken = [f"{_tell(about)} {what}" for part in parts for is_well, about, what in part(run) if not is_well]
    if broken:
        raise InternalError("; ".join(broken))


def _tasks(run: RunState) -> Iterator[Finding]:
    """Each open task is in exactly one place, and that is where its state says."""
    places: Counter[int] = Counter()
    for shape in run.ready.shapes.values():
        places.update(shape.numbers())
    for worker in run.workers.values():
        places.update(list(worker.hand))
    for number, task in run.tasks.items():
        yield places.pop(number, 0) == 1, task, "is not in exactly one place"
        yield _is_at_home(run, task), task, "is in the wrong place"
    yield not places, None, f"holds tasks {sorted(places)}, which have ended"


def _is_at_home(run: RunState, task: TaskEntry) -> bool:
    """Whether a task is where its state says."""
    if task.state in (TaskState.SENT, TaskState.RUNNING):
        return task.worker in run.workers and task.id in run.workers[task.worker].hand
    is_paused = task.id in task.shape.delayed
    return task.worker is None and task.state is (TaskState.DELAYED if is_paused else TaskState.READY)


def _workers(run: RunState) -> Iterator[Finding]:
    """A worker has what its state says in hand, fills the cpus of one such task, and is known to be idle if it is."""
    for worker in run.workers.values():
        state = worker.state
        is_dying = state is WorkerState.DYING
        yield state < WorkerState.GONE, worker, "is not forgotten"
        yield is_dying or bool(worker.hand) == (state is WorkerState.BUSY), worker, "has the wrong things in hand"
        is_filed = worker.id in run.ledger.idle.of(worker.slot.host)
        yield is_filed == (state is WorkerState.IDLE), worker, "is misfiled"
        filled = worker.head.shape.cpus if worker.hand else 0
        yield worker.cpus == filled or (is_dying and worker.cpus > filled), worker, f"has tasks for {filled} cpus"
        yield worker.slot.state is SlotState.FILLED, worker, "is in a slot that is not filled"
    slots = Counter(worker.slot.id for worker in run.workers.values())
    yield len(slots) == len(run.workers), None, "has two workers in one slot"


def _windows(run: RunState) -> Iterator[Finding]:
    """Who has several tasks in hand may, they are all of one shape, and whoever can spare some is known."""
    hopes = 0
    loaded: list[int] = []
    for worker in run.workers.values():
        tasks = worker.hand.values()
        shapes = list(dict.fromkeys(task.shape for task in tasks))
        is_busy = worker.state is WorkerState.BUSY
        hopes += worker.window if is_busy or worker.state is WorkerState.IDLE else 0
        loaded += [worker.id] if is_busy and len(tasks) > 1 and not worker.recalled else []
        yield 1 <= worker.window <= worker.most, worker, "has a window that it should not have"
        yield len(tasks) <= worker.most or worker.recalled, worker, f"has {len(tasks)} tasks in hand"
        yield not tasks or shapes == [worker.shape], worker, f"has tasks of {len(shapes)} shapes in hand"
        yield len(tasks) <= 1 or shapes[0].ahead, worker, f"has {len(tasks)} tasks in hand, and should have one"
    yield run.windows == hopes, None, f"has windows for {hopes} tasks, and counts {run.windows}"
    known = sorted(run.loaded)
    yield known == loaded, None, f"has workers {loaded} that can spare tasks, and knows {known}"
    yield run.relieved is None and not run.is_recall_due, None, "has left something undone"


def _slots(run: RunState) -> Iterator[Finding]:
    """Slots are counted rightly, and a filled one has a worker."""
    ledger = run.ledger
    filled = {worker.slot.id: worker for worker in run.workers.values()}
    for slot in ledger.slots.values():
        yield (slot.state is SlotState.FILLED) == (slot.id in filled), slot, "is wrongly filled"
        yield (slot.state is SlotState.VACANT) == (slot.id in ledger.vacant), slot, "is wrongly vacant"
    standing = sum(slot.state is not SlotState.FINISHED for slot in ledger.slots.values())
    yield ledger.standing == standing, None, f"has {standing} slots, and counts {ledger.standing}"
    live = sum(host.live for host in ledger.hosts.values())
    yield ledger.live == live, None, f"has {live} live workers, and counts {ledger.live}"


def _hosts(run: RunState) -> Iterator[Finding]:
    """What is taken of a host is what its workers have, and never more than it came with."""
    idle = run.ledger.idle
    slots: dict[HostEntry, list[SlotEntry]] = {host: [] for host in run.ledger.hosts.values()}
    workers: dict[HostEntry, list[WorkerEntry]] = {host: [] for host in run.ledger.hosts.values()}
    for slot in run.ledger.slots.values():
        if slot.state is not SlotState.FINISHED:
            slots[slot.host].append(slot)
    for worker in run.workers.values():
        workers[worker.slot.host].append(worker)
    for host in run.ledger.hosts.values():
        used = sum(worker.cpus for worker in workers[host])
        live = sum(worker.is_live for worker in workers[host])
        live += sum(slot.state is SlotState.RESTING for slot in slots[host])
        yield host.used == used <= host.offered, host, f"has workers that fill {used} cpus"
        yield host.slots == len(slots[host]) <= host.offered, host, f"has {len(slots[host])} slots"
        yield host.live == live, host, f"has {live} live workers"
        yield (host.state is HostState.DOWN) == (host.slots == 0 < host.offered), host, "is wrongly up or down"
        is_open = bool(idle.of(host)) and host.used < host.slots
        yield is_open == (host.name in idle.open), host, "is wrongly open or shut"


def _timers(run: RunState) -> Iterator[Finding]:
    """Nothing waits without a deadline or a wake-up, but what may take as long as it likes."""
    needed: list[tuple[Key, Entry]] = []
    needed += [(worker.key, worker) for worker in run.workers.values() if _has_limit(worker)]
    needed += [(slot.key, slot) for slot in run.ledger.slots.values() if slot.state is SlotState.RESTING]
    can_help = most_loaded(run, 0.0)
    needed += [(RECALL, can_help)] if can_help is not None else []
    needed += [((Timer.TASK, task.id), task) for task in run.tasks.values() if task.state is TaskState.DELAYED]
    wake_at = run.deadlines.wake_at()
    for key, entry in needed:
        when = run.deadlines.get(key)
        yield when is not None, entry, "waits without a deadline"
        yield when is None or (wake_at is not None and wake_at <= when), entry, f"is due before the wake-up, {wake_at}"


def _has_limit(worker: WorkerEntry) -> bool:
    """Whether a worker's present state must end by a time that the machine knows."""
    if worker.state is WorkerState.BUSY:
        running = [task for task in worker.hand.values() if task.state is TaskState.RUNNING]
        return not running or any(task.spec.timeout < math.inf for task in running)
    return worker.state is WorkerState.EXEC or (worker.state is WorkerState.SHUTDOWN and worker.quiet < math.inf)


def _progress(run: RunState) -> Iterator[Finding]:
    """Whatever can go on does, and what is over is over."""
    ledger = run.ledger
    shape = run.ready.first()
    can_start = shape is not None and choose_host(shape, ledger.idle.open, ()) is not None
    yield not can_start, None, "has a task that is ready and a worker that is idle, and they do not meet"
    dying = [worker.slot.host for worker in run.workers.values() if not worker.is_live]
    for waiting in run.ready.waiting():
        hosts = (host for host in ledger.hosts.values() if can_ever(waiting, host))
        comes = any(host.live or host in dying for host in hosts)
        yield comes, None, f"has tasks that wait for {waiting.needs} on {waiting.placement}, and no worker comes"
    yield not (run.closing and run.tasks), None, f"winds up, and {len(run.tasks)} tasks are open"
    yield not run.closing or len(run.workers) == ledger.standing, None, "winds up, and has slots without a worker"
    yield run.over == (run.closing and not run.workers), None, "says its end too early, or not yet"
    yield not run.over or run.deadlines.wake_at() is None, None, "is over, and a timer is set"


def _tell(entry: Entry | None) -> str:
    """All that is known of it."""
    if entry is None:
        return "the run"
    if isinstance(entry, HostEntry):
        name = f"host {entry.name}"
    else:
        name = f"{type(entry).__name__.removesuffix('Entry').lower()} {entry.id}"
    told = [field for field in entry.__slots__ if field not in UNTOLD]
    return f"{name} ({', '.join(f'{field}={getattr(entry, field)!r}' for field in told)})"
