from __future__ import annotations

from collections.abc import Callable

import pytest

from spreadjobs.core.deadlines import Timer
from spreadjobs.core.host import HostState
from spreadjobs.core.invariants import check
from spreadjobs.core.slot import SlotState
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState
from spreadjobs.core.worker import WorkerState
from spreadjobs.errors import InternalError
from tests.core.bench import Bench, spec, staffed


def scene() -> Bench:
    """Worker 0 runs task 0, 1 was sent task 1, 2 is idle, and slot 3 rests; task 2 pauses, and 3 waits for cpus."""
    bench = staffed(0, 1, 2, 3)
    bench.submit(1.0, 0, 1, 2, like=spec(timeout=9.0, attempts=2))
    bench.answer(1.1, 2, 2, ok=False)
    bench.see(1.1, 0, task=0, began=1.0)
    bench.end(1.15, 3)
    bench.submit(1.15, 3, like=spec(cpus=4))
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


def swap(run: RunState) -> None:
    """A worker has what needs more than it was given."""
    hand = run.workers[0].hand
    hand.clear()
    hand[3] = run.tasks[3]


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


def misjudge(run: RunState) -> None:
    """A host with workers is down."""
    run.ledger.hosts["ant"].state = HostState.DOWN


def shrink(run: RunState) -> None:
    """A host has more slots than it says."""
    run.ledger.hosts["ant"].slots = 3


def misshapen(run: RunState) -> None:
    """A shape counts a task that it has not."""
    run.tasks[3].shape._early.append((0, 77))


DEFECTS: list[tuple[Callable[[RunState], None], str]] = [
    (lose_hand, r"task 1 \(attempt=1, .*, state=<TaskState.SENT: 1>, worker=1\) is not in exactly one place"),
    (lose_hand, r"worker 1 \(state=<WorkerState.BUSY: 3>, .*\) has the wrong things in hand"),
    (twice, "task 1 .* is not in exactly one place"),
    (twice, "worker 0 .* has 2 tasks in hand;"),
    (swap, "worker 0 .* has tasks for 4 cpus"),
    (swap, "worker 0 .* has tasks of 1 shapes in hand"),
    (ghost, r"the run holds tasks \[1\], which have ended"),
    (wrong_state, "task 1 .* is in the wrong place"),
    (wrong_pause, "task 2 .* is in the wrong place"),
    (misshapen, r"the run holds tasks \[77\], which have ended"),
    (unforgotten, "worker 2 .* is not forgotten"),
    (forget_idle, "worker 2 .* is misfiled"),
    (crowd, "the run has two workers in one slot"),
    (crowd, r"slot 2 \(deaths=0, state=<SlotState.FILLED: 2>\) is wrongly filled"),
    (unvacant, "slot 0 .* is wrongly vacant"),
    (unvacant, "worker 0 .* is in a slot that is not filled"),
    (miscount, "the run has 4 slots, and counts 7; the run has 4 live workers, and counts 7"),
    (overfull, r"host ant \(.*used=9\) has workers that fill 2 cpus"),
    (overfull, "host ant .* is wrongly open or shut"),
    (misjudge, "host ant .* is wrongly up or down"),
    (shrink, "host ant .* has 4 slots"),
    (late, "worker 0 .* is due before the wake-up"),
    (quiet, "worker 1 .* waits without a deadline"),
    (unpaused, "task 2 .* waits without a deadline"),
    (unrested, "slot 3 .* waits without a deadline"),
    (unmet, "the run has a task that is ready and a worker that is idle, and they do not meet"),
    (hopeless, r"the run has tasks that wait for Needs\(cpus=4\) on .*, and no worker comes"),
    (hopeless, "host ant .* has 4 live workers"),
    (over, "the run says its end too early, or not yet; the run is over, and a timer is set"),
    (closing, "the run winds up, and 4 tasks are open; the run winds up, and has slots without a worker"),
]


@pytest.mark.parametrize(("break_it", "story"), DEFECTS, ids=[story for _, story in DEFECTS])
def test_what_is_broken_is_found_and_told(break_it: Callable[[RunState], None], story: str) -> None:
    """Each rule is checked: where it is broken by hand, the story says so, with what is known of those concerned."""
    bench = scene()
    check(bench.machine)
    break_it(bench.machine.state)
    with pytest.raises(InternalError, match=story):
        check(bench.machine)


def windows() -> Bench:
    """Worker 1 has several tasks in hand, 0 has one, 2 is idle and waits for what 1 can spare, 3 for other tasks."""
    bench = staffed(0, 1, 2, ahead=True)
    bench.offer(0.0, "bee", [3])
    bench.ready(0.0, 3)
    bench.submit(1.0, *range(30), like=spec(hosts=("ant",)))
    for worker in (0, 1):
        bench.answer(1.001, worker, worker)
    bench.answer_all(1.001, 2, 2)
    bench.answer_all(1.002, 2, *list(bench.machine.state.workers[2].hand))
    while bench.machine.state.ready.first() is not None:
        for worker in (0, 1, 2):
            bench.answer_all(1.002, worker, *list(bench.machine.state.workers[worker].hand)[:1])
    bench.answer_all(1.003, 2, *list(bench.machine.state.workers[2].hand))
    return bench


def overlook(run: RunState) -> None:
    """It is forgotten who can spare tasks."""
    run.loaded.clear()


def never(run: RunState) -> None:
    """Nothing will be recalled."""
    run.deadlines.clear((Timer.RECALL, 0))


def pile_up(run: RunState) -> None:
    """A worker has more in hand than any may have."""
    hand = run.workers[1].hand
    hand.update((number, next(iter(hand.values()))) for number in range(600))


def mix(run: RunState) -> None:
    """A worker has tasks of two shapes."""
    shape = run.ready.shape_of(spec(cpus=2), run.ledger.hosts.values())
    hand = run.workers[1].hand
    hand[99] = TaskEntry(99, spec(cpus=2), shape)


def deny(run: RunState) -> None:
    """A worker that cannot say what it runs has several tasks."""
    run.workers[1].most = 1


def forbid(run: RunState) -> None:
    """A worker has several tasks of which each must not be run again."""
    shape = run.workers[1].shape
    assert shape is not None
    shape.ahead = False


def widen(run: RunState) -> None:
    """A window is larger than it was."""
    run.workers[3].window += 1


def forget(run: RunState) -> None:
    """What an event asks for is not done."""
    run.is_recall_due = True


MORE_DEFECTS: list[tuple[Callable[[RunState], None], str]] = [
    (overlook, r"the run has workers \[1\] that can spare tasks, and knows \[\]"),
    (never, "worker 1 .* waits without a deadline"),
    (pile_up, "worker 1 .* has 600 tasks in hand"),
    (mix, "worker 1 .* has tasks of 2 shapes in hand"),
    (deny, r"worker 1 .* has a window that it should not have; worker 1 .* has \d tasks in hand"),
    (forbid, r"worker 1 .* has \d tasks in hand, and should have one"),
    (widen, r"worker 3 .* has a window that it should not have; the run has windows for (\d+) tasks, and counts"),
    (forget, "the run has left something undone"),
]


@pytest.mark.parametrize(("break_it", "story"), MORE_DEFECTS, ids=[story for _, story in MORE_DEFECTS])
def test_what_is_wrong_with_windows_is_found_and_told(break_it: Callable[[RunState], None], story: str) -> None:
    """The same for what workers hold ahead."""
    bench = windows()
    check(bench.machine)
    break_it(bench.machine.state)
    with pytest.raises(InternalError, match=story):
        check(bench.machine)
