"""What is sent ahead and not begun is taken back when somebody else is idle."""

from __future__ import annotations

from spreadjobs.core.actions import Cause, KillWorker, RecallTasks
from spreadjobs.core.dispatch import PATIENCE
from spreadjobs.core.events import TaskSpec, TimePassed, WorkerFaulted
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import PLAIN, Bench, done, returned, sent, spec
from tests.core.simulator import Deed, Life, Sim
from tests.core.test_windows import learnt

#: When worker 1 has been idle for a while, in the scene.
DUE = 2.0 + PATIENCE


def scene(tasks: int = 16, like: TaskSpec = PLAIN) -> Bench:
    """Worker 0 has 0 to 3 in hand, and is silent since 1.0; worker 1 has done all others by 2.0, and is idle."""
    bench = learnt(0, 1, like=like)
    bench.submit(1.0, *range(tasks), like=like)
    assert list(bench.machine.state.workers[0].hand) == [0, 1, 2, 3]
    while hand := list(bench.machine.state.workers[1].hand):
        bench.answer_all(2.0, 1, *hand)
    return bench


def test_all_that_a_worker_has_not_begun_is_recalled_for_one_that_is_idle() -> None:
    """After a while; it goes back uncharged, is shared out as what is left, and nothing more is sent to the silent."""
    bench = scene()
    assert bench.machine.wake_at() == DUE
    assert bench.wait(DUE) == [RecallTasks(0)]
    assert bench.recalled(DUE, 0, 1, 2, 3) == [returned(0, 1, 2, 3), sent(1, 1, 2)]
    assert bench.answer(2.002, 1, 1, 2) == [done(1, 1, attempt=2), sent(1, 2, 2)]
    assert bench.answer(2.003, 1, 2, 2) == [done(1, 2, attempt=2), sent(1, 3, 2)]
    assert bench.answer(2.004, 1, 3, 2) == [done(1, 3, attempt=2)]
    assert bench.wait(9.0) == []
    assert bench.answer(9.0, 0, 0) == [done(0, 0)]


def test_an_answer_for_a_task_that_was_recalled_is_stale() -> None:
    """Both had claimed it: it may run twice, and counts once."""
    bench = scene()
    bench.wait(DUE)
    bench.recalled(DUE, 0, 1, 2, 3)
    assert bench.answer_all(2.002, 0, 0, 1) == [done(0, 0), sent(0, 2, 2)]
    assert bench.answer(2.003, 1, 1, 2) == [done(1, 1, attempt=2), sent(1, 3, 2)]
    assert bench.answer(2.003, 0, 2, 1) == []
    assert bench.answer(2.003, 0, 2, 2) == [done(0, 2, attempt=2)]
    assert bench.machine.snapshot().stale == 2


def test_what_is_answered_while_it_is_recalled_is_done() -> None:
    """Its number in the answer to the recall means nothing then; nor do those of others."""
    bench = scene()
    bench.wait(DUE)
    bench.answer_all(DUE, 0, 0, 1)
    assert bench.recalled(DUE, 0, 1, 3, 99) == [returned(0, 3), sent(1, 3, 2)]


def test_a_worker_that_had_begun_nothing_is_idle_then() -> None:
    """And is sent something again, like any other; behind those that have waited longer."""
    bench = scene()
    bench.wait(DUE)
    assert bench.recalled(DUE, 0, 0, 1, 2, 3) == [returned(0, 0, 1, 2, 3), sent(1, 0, 2), sent(0, 1, 2)]


def test_who_has_one_task_in_hand_keeps_it() -> None:
    """It may have begun it: that is not looked at."""
    bench = learnt(0, 1)
    bench.submit(1.0, 0)
    assert bench.wait(5.0) == []


def test_after_a_recall_a_worker_is_left_alone_until_it_answers() -> None:
    """Also where not all could be taken back. Then it is one of those that can spare something again."""
    bench = scene()
    bench.wait(DUE)
    bench.recalled(DUE, 0, 3)
    bench.answer(2.1, 1, 3, 2)
    assert bench.wait(8.0) == []
    assert bench.answer(8.0, 0, 0) == [done(0, 0)]
    assert bench.wait(8.0 + PATIENCE) == [RecallTasks(0)]


def test_a_recall_does_not_move_the_deadline_of_what_runs() -> None:
    """It still began when it did."""
    bench = scene(like=spec(timeout=3.0))
    bench.wait(DUE)
    bench.recalled(DUE, 0, 1, 2, 3)
    for task in (1, 2, 3):
        bench.answer(2.002, 1, task, 2)
    assert bench.machine.wake_at() == 4.0


def test_it_is_recalled_from_whoever_will_be_busy_longest() -> None:
    """By what it has in hand, and its pace."""
    for answered, busiest in (0, 0), (2, 1):
        bench = learnt(0, 1, 2)
        bench.submit(1.0, *range(24))
        workers = bench.machine.state.workers
        while workers[2].hand:
            bench.answer_all(1.0024, 2, *workers[2].hand)
        bench.answer_all(1.0024, 0, *range(answered))
        assert [len(worker.hand) for worker in workers.values()] == [4 - answered, 3, 0]
        assert bench.wait(1.0024 + PATIENCE) == [RecallTasks(busiest)]


def test_two_that_can_spare_something_are_asked_one_after_the_other() -> None:
    """As long as somebody is idle."""
    bench = learnt(0, 1, 2)
    bench.submit(1.0, *range(30))
    workers = bench.machine.state.workers
    while workers[2].hand:
        bench.answer_all(2.0, 2, *workers[2].hand)
    assert bench.wait(2.0 + PATIENCE) == [RecallTasks(0)]
    bench.recalled(2.0 + PATIENCE, 0)
    assert bench.wait(2.0 + 2 * PATIENCE) == [RecallTasks(1)]
    bench.recalled(2.0 + 2 * PATIENCE, 1)
    assert bench.wait(9.0) == []


def test_nothing_is_recalled_for_those_who_could_not_start_it() -> None:
    """And the machine does not wake up every millisecond to find out again."""
    bench = learnt(0, like=spec(hosts=("ant",)))
    bench.offer(0.0, "bee", [1])
    bench.ready(0.0, 1, ahead=True)
    bench.submit(1.0, *range(32), like=spec(hosts=("ant",)))
    assert bench.wait(1.0 + PATIENCE) == []
    wake_at = bench.machine.wake_at()
    assert wake_at is not None
    assert wake_at > 10.0


def test_what_waits_for_others_does_not_keep_back_a_recall() -> None:
    """A task is ready that nobody idle may start."""
    bench = learnt(0, 1)
    bench.offer(0.0, "bee", [2])
    bench.ready(0.0, 2)
    bench.submit(1.0, 0, 1, like=spec(hosts=("bee",)))
    bench.submit(1.0, *range(2, 26))
    workers = bench.machine.state.workers
    while workers[1].hand:
        bench.answer_all(2.0, 1, *workers[1].hand)
    assert bench.machine.snapshot().tasks[TaskState.READY] == 1
    assert bench.wait(2.0 + PATIENCE) == [RecallTasks(0)]


def test_whoever_has_just_been_sent_something_is_not_idle() -> None:
    """What comes in the very moment in which the recall is due goes first, and nothing is recalled."""
    bench = scene()
    assert bench.submit(DUE, 16) == [sent(1, 16)]
    assert bench.wait(9.0) == []


def test_nothing_is_recalled_from_a_worker_that_is_being_killed() -> None:
    """It all comes back when it is gone."""
    bench = scene()
    assert bench.tell(WorkerFaulted(2.0, 0, permanent=False)) == [KillWorker(0, 0.0, Cause.FAULT)]
    assert bench.wait(3.0) == []
    assert bench.end(4.0, 0)[0] == returned(0, 0, 1, 2, 3)


def test_what_is_recalled_from_a_worker_that_dies_comes_back_once() -> None:
    """With its death."""
    bench = scene()
    bench.wait(DUE)
    assert bench.tell(WorkerFaulted(DUE, 0, permanent=False)) == [KillWorker(0, 0.0, Cause.FAULT)]
    assert bench.recalled(DUE, 0, 1, 2, 3) == []
    assert bench.end(DUE, 0)[0] == returned(0, 0, 1, 2, 3)


def test_the_time_to_recall_ends_with_the_run() -> None:
    """Nothing is due afterwards."""
    sim = Sim(Rules())
    sim.host("ant", Life(ahead=True), Life(ahead=True))
    sim.tasks(range(100), Deed(0.0001))
    sim.end_input()
    sim.run()
    assert sim.bench.machine.wake_at() is None


def test_short_tasks_never_wait_behind_a_long_one() -> None:
    """Nor does anything loop: what is taken back is run at once, and sent once more at most."""
    sim = Sim()
    sim.host("ant", *[Life(ahead=True, latency=0.0001)] * 2)
    sim.feed(Deed(5.0 if number == 300 else 0.001) for number in range(600))
    sim.run()
    recalls = [at for at, action in sim.trace if isinstance(action, RecallTasks)]
    assert 1 <= len(recalls) <= 3
    assert max(sim.bench.shadow.attempts.values()) == 2
    assert sim.now < 5.3


def test_the_time_passes_without_anybody_to_help() -> None:
    """A recall that is due when nobody is idle any more is dropped, and due again a while after somebody is."""
    bench = scene()
    bench.submit(2.0, 16)
    assert bench.tell(TimePassed(DUE)) == []
    assert bench.answer(2.5, 1, 16) == [done(1, 16)]
    assert bench.wait(2.5 + PATIENCE) == [RecallTasks(0)]
