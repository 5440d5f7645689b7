from __future__ import annotations

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.events import StopRequested, WorkerAccepted
from spreadjobs.core.host import HostState
from spreadjobs.core.rules import Rules
from spreadjobs.core.snapshot import HostLine, Snapshot
from spreadjobs.core.task import TaskState
from spreadjobs.core.worker import WorkerState
from tests.core.bench import spec, staffed


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


def test_more_tasks_are_wanted_while_few_are_ready_and_the_run_goes_on() -> None:
    """Those that are sent do not count."""
    bench = staffed(0)
    bench.submit(1.0, 0, 1, 2)
    assert [bench.machine.wants_tasks(level) for level in (1, 2, 3)] == [False, False, True]
    bench.tell(StopRequested(2.0))
    assert not bench.machine.wants_tasks(3)


def test_a_snapshot_of_the_end_says_how_it_came() -> None:
    """And stays."""
    bench = staffed(0)
    bench.end_input(1.0)
    assert bench.machine.snapshot().how is None
    bench.end(2.0, 0, status=0)
    snapshot = bench.machine.snapshot()
    assert (snapshot.how, snapshot.over) == (RunEnd.COMPLETE, True)
