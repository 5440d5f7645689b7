from __future__ import annotations

from collections.abc import Callable

import pytest

from spreadjobs.core.deadlines import Timer
from spreadjobs.core.invariants import check
from spreadjobs.core.slot import SlotState
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskState
from spreadjobs.core.worker import WorkerState
from spreadjobs.errors import InternalError
from tests.core.bench import Bench, spec, staffed


def scene() -> Bench:
    """Worker 0 runs task 0, worker 1 was sent task 1, worker 2 is idle, slot 3 rests; 2 waits, and 3 pauses."""
    bench = staffed(0, 1, 2, 3)
    bench.submit(1.0, 0, 1, like=spec(timeout=9.0, attempts=2))
    bench.submit(1.0, 2, 3, like=spec(attempts=2))
    bench.answer(1.05, 2, 2, ok=False)
    bench.see(1.05, 0, task=0, began=1.0)
    bench.end(1.06, 3)
    bench.submit(1.07, 4, like=spec(cpus=4))
    return bench


def forget_idle(run: RunState) -> None:
    """The idle index loses a worker."""
    run.ledger.idle.drop(run.workers[2])


def lose_hand(run: RunState) -> None:
    """A task is in nobody's hand."""
    run.workers[1].hand.clear()


def twice(run: RunState) -> None:
    """A task is in two hands."""
    run.workers[0].hand[1] = run.tasks[1]


def ghost(run: RunState) -> None:
    """A task that has ended is still somewhere."""
    del run.tasks[1]


def wrong_state(run: RunState) -> None:
    """A task in a hand says that it waits."""
    run.tasks[1].state = TaskState.READY


def wrong_pause(run: RunState) -> None:
    """A task in a pause says that it has ended."""
    run.tasks[2].state = TaskState.DONE


def unforgotten(run: RunState) -> None:
    """A dead worker is kept."""
    run.workers[2].state = WorkerState.DEAD


def crowd(run: RunState) -> None:
    """Two workers are in one slot."""
    run.workers[2].slot = run.workers[1].slot


def late(run: RunState) -> None:
    """A timer is armed behind the heap's back."""
    run.deadlines._due[Timer.WORKER, 0] = 0.5


def quiet(run: RunState) -> None:
    """A worker waits without a deadline."""
    run.deadlines.clear((Timer.WORKER, 1))


def unpaused(run: RunState) -> None:
    """A task pauses for ever."""
    run.deadlines.clear((Timer.TASK, 2))


def unrested(run: RunState) -> None:
    """A slot rests for ever."""
    run.deadlines.clear((Timer.SLOT, 3))


def overfull(run: RunState) -> None:
    """More cpus are taken than there are."""
    run.ledger.hosts["ant"].used = 9


def miscount(run: RunState) -> None:
    """The counts of slots and of live workers are wrong."""
    run.ledger.standing = 7
    run.ledger.live = 7


def unvacant(run: RunState) -> None:
    """A slot says that nobody is in it."""
    run.ledger.slots[0].state = SlotState.VACANT


def unmet(run: RunState) -> None:
    """A task that could start now is ready."""
    run.ready.push(run.tasks[2].shape, run.tasks[2].key)


def hopeless(run: RunState) -> None:
    """A task waits for a host that nobody will come to."""
    run.ledger.hosts["ant"].live = 0


def over(run: RunState) -> None:
    """The run says that it is over."""
    run.over = True


def closing(run: RunState) -> None:
    """The run says that it winds up, with tasks open and a slot that rests."""
    run.closing = True


def misshapen(run: RunState) -> None:
    """A shape counts a task that it has not."""
    shape = run.tasks[4].shape
    shape._early.append((0, 77))


DEFECTS: list[tuple[Callable[[RunState], None], str]] = [
    (lose_hand, r"task 1 \(attempt=1, .*, state=<TaskState.SENT: 1>, worker=1\) is not in exactly one place"),
    (lose_hand, r"worker 1 \(state=<WorkerState.BUSY: 3>.*\) has the wrong things in hand"),
    (twice, "task 1 .* is not in exactly one place"),
    (twice, "worker 0 .* fills 2 cpus"),
    (ghost, r"tasks \[1\] are somewhere, and have ended"),
    (wrong_state, "task 1 .* is in the wrong place"),
    (wrong_pause, "task 2 .* is in the wrong place"),
    (misshapen, r"tasks \[77\] are somewhere"),
    (unforgotten, "worker 2 .* is not forgotten"),
    (forget_idle, "worker 2 .* is misfiled"),
    (crowd, "two workers are in one slot"),
    (crowd, "slot 2 is FILLED"),
    (unvacant, "slot 0 is VACANT; slot 0 is wrongly vacant"),
    (unvacant, "worker 0 .* is in a slot that is not filled"),
    (miscount, "7 slots are counted, 4 are there; 7 workers are counted live, 4 are on the hosts"),
    (overfull, "host ant: 9 cpus are taken, 2 by workers"),
    (overfull, "host ant is wrongly open or shut"),
    (late, "the wake-up at .* is late for worker 0"),
    (quiet, "worker 1 .* waits without a deadline"),
    (unpaused, "task 2 .* waits without a deadline"),
    (unrested, "slot 3 waits without a deadline"),
    (unmet, "a task is ready, a worker is idle, and they do not meet"),
    (hopeless, r"tasks that need Needs\(cpus=4\) on .* wait, and no worker comes"),
    (over, "the end is said too early, or not yet; the run is over, and a timer is set"),
    (closing, "5 tasks are open; the run is over, and slots without a worker are not finished"),
]


@pytest.mark.parametrize(("break_it", "story"), DEFECTS, ids=[story for _, story in DEFECTS])
def test_what_is_broken_is_found_and_told(break_it: Callable[[RunState], None], story: str) -> None:
    """Each rule is checked: where it is broken by hand, the story says so, with what is known of those concerned."""
    bench = scene()
    check(bench.machine)
    break_it(bench.machine.state)
    with pytest.raises(InternalError, match=story):
        check(bench.machine)
