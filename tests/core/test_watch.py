"""Timeouts, looks, and workers that freeze."""

from __future__ import annotations

from spreadjobs.core.actions import Cause, Ending, KillWorker, LookAtWorker, Resolve, Retry, StartWorker
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import Bench, sent, spec, staffed
from tests.core.simulator import Deed, Life, Sim, endings

LOOK = LookAtWorker(0)
FROZEN = KillWorker(0, 0.0, Cause.FROZEN)


def busy(timeout: float = float("inf"), lease: float = 30.0, grace: float = 0.0) -> Bench:
    """A worker that was sent a task at 1.0."""
    bench = staffed(0, rules=Rules(lease=lease))
    assert bench.submit(1.0, 0, like=spec(timeout, grace=grace)) == [sent(0, 0)]
    return bench


def timed_out(grace: float = 0.0) -> list[Resolve | KillWorker]:
    """What is done when the time of task 0 is up."""
    return [Resolve((Ending(0, 1, TaskState.TIMEOUT, 0),)), KillWorker(0, grace, Cause.TIMEOUT)]


def test_a_task_that_began_when_it_was_sent_is_killed_when_its_time_is_up() -> None:
    """First we look: its answer may be on its way. Its slot is at work again as soon as the worker is gone."""
    bench = busy(timeout=2.0, grace=0.5)
    bench.submit(1.0, 1)
    assert bench.wait(2.9) == []
    assert bench.wait(3.0) == [LOOK]
    assert bench.see(3.0, 0, task=0, began=1.0) == timed_out(0.5)
    assert bench.end(3.1, 0, running=0) == [StartWorker(1, 0)]
    assert bench.ready(3.2, 1) == [sent(1, 1)]


def test_a_timeout_runs_from_the_beginning_of_the_task() -> None:
    """The next look is when its time is up, not before."""
    bench = busy(timeout=2.0)
    assert bench.wait(3.0) == [LOOK]
    assert bench.see(3.0, 0, task=0, began=2.5) == []
    assert bench.wait(4.4) == []
    assert bench.wait(4.5) == [LOOK]
    assert bench.see(4.5, 0, task=0, began=2.5) == timed_out()


def test_a_task_without_a_timeout_is_looked_at_once() -> None:
    """Whether it has begun, after the lease; then it may take as long as it likes."""
    bench = busy(lease=30.0)
    assert bench.wait(31.0) == [LOOK]
    assert bench.see(31.0, 0, task=0, began=1.0) == []
    assert bench.machine.wake_at() is None
    assert bench.answer(1e6, 0, 0) == [Resolve((Ending(0, 1, TaskState.DONE, 0),))]


def test_a_task_that_is_answered_in_time_is_not_looked_at() -> None:
    """The deadline goes with it; the next task has its own."""
    bench = busy(timeout=2.0)
    bench.answer(2.0, 0, 0)
    assert bench.wait(2.5) == []
    bench.submit(2.5, 1, like=spec(timeout=2.0))
    assert bench.wait(4.4) == []
    assert bench.wait(4.5) == [LOOK]


def test_a_worker_that_begins_nothing_for_the_lease_is_frozen() -> None:
    """It is killed, its task goes back uncharged, and its slot does not rest: the death is ours."""
    bench = busy(lease=30.0)
    assert bench.wait(31.0) == [LOOK]
    assert bench.see(31.0, 0) == [FROZEN]
    assert bench.end(31.0, 0) == [Retry((Ending(0, 1, TaskState.READY, 0),)), StartWorker(1, 0)]
    assert bench.ready(31.5, 1) == [sent(1, 0, 2)]


def test_a_worker_to_which_bytes_still_move_is_not_frozen() -> None:
    """The lease counts from the last movement."""
    bench = busy(lease=30.0)
    assert bench.wait(31.0) == [LOOK]
    assert bench.see(31.0, 0, moving=True) == []
    assert bench.wait(60.9) == []
    assert bench.wait(61.0) == [LOOK]
    assert bench.see(61.0, 0) == [FROZEN]


def test_while_nothing_has_begun_we_look_every_timeout() -> None:
    """So that a late beginning is known before its time is up."""
    bench = busy(timeout=10.0, lease=30.0)
    assert bench.wait(10.9) == []
    assert bench.wait(11.0) == [LOOK]
    assert bench.see(11.0, 0) == []
    assert bench.wait(21.0) == [LOOK]
    assert bench.see(21.0, 0) == []
    assert bench.wait(31.0) == [LOOK]
    assert bench.see(31.0, 0) == [FROZEN]


def test_a_tiny_timeout_does_not_keep_us_looking() -> None:
    """A late beginning is known 50 ms after its limit at the latest, and we look no oftener."""
    bench = busy(timeout=0.001, lease=0.12)
    looks = []
    while (at := bench.machine.wake_at()) is not None:
        looks.append(round(at - 1.0, 6))
        assert bench.wait(at) == [LOOK]
        bench.see(at, 0)
    assert looks == [0.001, 0.051, 0.101, 0.151]


def test_a_look_that_is_not_answered_is_repeated() -> None:
    """Nothing waits without a deadline."""
    bench = busy(timeout=2.0)
    assert [bench.wait(at) for at in (3.0, 4.9, 5.0)] == [[LOOK], [], [LOOK]]


def test_a_task_that_is_seen_to_have_ended_has_the_lease_to_be_answered() -> None:
    """Its answer is on its way; when it does not come, that is a timeout too."""
    bench = busy(timeout=2.0, lease=3.0)
    bench.wait(3.0)
    bench.see(3.0, 0, task=0, began=2.0)
    assert bench.wait(4.0) == [LOOK]
    assert bench.see(4.0, 0) == []
    assert bench.wait(4.05) == [LOOK]
    assert bench.see(6.9, 0) == []
    assert bench.see(7.0, 0) == timed_out()


def test_what_a_look_finds_that_is_long_answered_counts_for_nothing() -> None:
    """The next task has not begun yet; and a worker that is idle by now needs no look."""
    bench = busy(timeout=2.0)
    bench.submit(1.0, 1, like=spec(timeout=2.0))
    bench.wait(3.0)
    bench.answer(3.0, 0, 0)
    assert bench.see(3.0, 0, task=0, began=1.0) == []
    assert bench.machine.snapshot().tasks[TaskState.SENT] == 1
    bench.answer(3.5, 0, 1)
    assert bench.see(3.5, 0, task=1, began=3.0) == []


def test_a_timeout_hits_the_task_that_hangs_and_nobody_else() -> None:
    """Eleven of twelve are done; the twelfth is killed half a second after it began."""
    sim = Sim()
    sim.host("ant", Life(accepts=0.1), Life(accepts=0.1))
    sim.tasks(range(3), Deed(0.2), like=spec(0.5))
    sim.task(3, Deed(1e9), like=spec(0.5))
    sim.tasks(range(4, 12), Deed(0.2), like=spec(0.5))
    sim.end_input()
    sim.run()
    ended = {number: (round(at, 6), state) for at, number, state in endings(sim)}
    assert ended.pop(3) == (0.8, TaskState.TIMEOUT)
    assert [state for _, state in ended.values()] == [TaskState.DONE] * 11


def test_a_slot_in_which_every_worker_freezes_is_given_up() -> None:
    """A death that we caused costs no rest, but where no task ever begins it counts: the run comes to an end."""
    sim = Sim(Rules(lease=30.0))
    sim.host("ant", Life(is_frozen=True))
    sim.task(0)
    sim.end_input()
    sim.run()
    assert endings(sim) == [(90.0, 0, TaskState.NOT_RUN)]
