from __future__ import annotations

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.events import StopRequested, WorkerAccepted
from spreadjobs.core.host import HostState
from spreadjobs.core.rules import Rules
from spreadjobs.core.snapshot import HostLine, Snapshot
from spreadjobs.core.task import TaskState
from spreadjobs.core.worker import WorkerState
from tests.core.bench import Bench, spec, staffed


def test_a_snapshot_counts_everything_once() -> None:
    """Tasks and workers by state, hosts line by line, and what has been so far."""
    bench = staffed(0, 1, 2, rules=Rules(lease=1.0, backoff=9.0))
    bench.offer(0.0, "bee", [3])
    bench.tell(WorkerAccepted(0.1, 3))
    bench.submit(1.0, *range(7), like=spec(attempts=2, timeout=50.0))
    bench.answer(1.5, 0, 0, ok=False)
    bench.answer(1.6, 1, 1)
    bench.answer(1.6, 1, 1)
    bench.see(2.0, 2, task=2, began=1.0)
    snapshot = bench.machine.snapshot()
    assert snapshot == Snapshot(
        tasks=dict(zip(TaskState, [2, 2, 1, 1, 1, 0, 0, 0, 0])),
        workers=dict(zip(WorkerState, [0, 1, 0, 3, 0, 0, 0, 0])),
        hosts=(HostLine("ant", HostState.UP, 3, 3, 3), HostLine("bee", HostState.UP, 1, 0, 1)),
        attempts=5,
        retries=1,
        stale=1,
        how=None,
        over=False,
    )


def test_as_many_tasks_are_wanted_as_fill_each_slot_while_the_run_goes_on() -> None:
    """Those that are sent do not count; slots do, whose workers are still to come."""
    bench = Bench()
    bench.offer(0.0, slots=[0, 1, 2])
    bench.ready(0.0, 0)
    assert bench.machine.wanted() == 3
    bench.submit(1.0, 0, 1, 2)
    assert bench.machine.wanted() == 1
    bench.tell(StopRequested(2.0))
    assert bench.machine.wanted() == 0


def test_as_many_tasks_are_wanted_as_fill_each_window_once_more() -> None:
    """A window that has grown counts until its worker is gone; that of a worker without a page does not grow."""
    bench = Bench()
    bench.offer(0.0, slots=[0, 1])
    bench.ready(0.0, 0, ahead=True)
    bench.ready(0.0, 1)
    bench.submit(1.0, 0, 1)
    bench.answer(1.0, 0, 0)
    bench.answer(1.0, 1, 1)
    assert bench.machine.wanted() == 2 + 1
    bench.end(2.0, 0, status=0)
    assert bench.machine.wanted() == 2


def test_a_snapshot_of_the_end_says_how_it_came() -> None:
    """And stays."""
    bench = staffed(0)
    bench.end_input(1.0)
    assert bench.machine.snapshot().how is None
    bench.end(2.0, 0, status=0)
    snapshot = bench.machine.snapshot()
    assert (snapshot.how, snapshot.over) == (RunEnd.COMPLETE, True)
