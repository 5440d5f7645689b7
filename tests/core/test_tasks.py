"""What becomes of tasks: submission, answers, errors, attempts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from spreadjobs.core.actions import CloseWorker, Ending, GiveUpSlot, Resolve, Retry
from spreadjobs.core.events import Outcome, TasksFinished, TasksSubmitted
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from spreadjobs.errors import InternalError
from tests.core.bench import Bench, sent, spec, staffed
from tests.core.simulator import Deed, Life, Sim


def test_a_task_goes_to_an_idle_worker_and_its_answer_is_told() -> None:
    """In one breath with the next task for that worker."""
    bench = staffed(0)
    assert bench.submit(1.0, 0, 1) == [sent(0, 0)]
    assert bench.answer(2.0, 0, 0) == [Resolve((Ending(0, 1, TaskState.DONE, 0),)), sent(0, 1)]


def test_a_whole_run() -> None:
    """Two workers, five tasks; the second starts late; both are closed, and the run is over when they are gone."""
    sim = Sim()
    sim.host("ant", Life(), Life(accepts=0.5, prepares=1.0, tail=0.25))
    sim.tasks(range(5), Deed(1.0))
    sim.end_input()
    sim.run()
    done = [Resolve((Ending(number, 1, TaskState.DONE, number % 2),)) for number in range(5)]
    assert [(at, action) for at, action in sim.trace[2:-2]] == [
        (0.0, sent(0, 0)),
        (1.0, done[0]),
        (1.0, sent(0, 1)),
        (1.5, sent(1, 2)),
        (2.0, Resolve((Ending(1, 1, TaskState.DONE, 0),))),
        (2.0, sent(0, 3)),
        (2.5, Resolve((Ending(2, 1, TaskState.DONE, 1),))),
        (2.5, sent(1, 4)),
        (3.0, Resolve((Ending(3, 1, TaskState.DONE, 0),))),
        (3.5, Resolve((Ending(4, 1, TaskState.DONE, 1),))),
        (3.5, CloseWorker(0)),
    ]
    assert [at for at, _ in sim.trace[-2:]] == [3.5, 3.75]


def test_tasks_of_higher_priority_go_first() -> None:
    """And among equals whoever came first."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1, 2, 3])
    bench.submit(0.0, 0, 1)
    bench.submit(0.0, 2, 3, like=spec(priority=1))
    assert bench.ready(1.0, 0, 1, 2, 3) == [sent(0, 2), sent(1, 3), sent(2, 0), sent(3, 1)]


def test_what_can_never_run_fails_when_it_is_submitted() -> None:
    """It needs more than any host has, or a host that is not there; the others are taken."""
    bench = staffed(0, 1)
    tasks = [(0, spec(cpus=3)), (1, spec()), (2, spec(hosts=("bee",)))]
    assert bench.tell(TasksSubmitted(1.0, tasks, rejected=[3])) == [
        Resolve(tuple(Ending(number, 0, TaskState.FAILED, None) for number in (0, 2, 3))),
        sent(0, 1),
    ]
    assert bench.machine.why_never(spec(cpus=3)) == "it needs 3 cpus, and ant, the largest of its hosts, has 2"
    assert bench.machine.why_never(spec()) is None


def test_what_could_not_be_sealed_fails_without_an_attempt() -> None:
    """It is told in the order of the numbers, with the others that end at once."""
    bench = staffed(0)
    tasks = [(1, spec(cpus=2)), (2, spec(cpus=2))]
    ended = [Ending(number, 0, TaskState.FAILED, None) for number in range(4)]
    assert bench.tell(TasksSubmitted(1.0, tasks, rejected=[0, 3])) == [Resolve(tuple(ended))]


def test_what_a_later_host_can_run_is_taken_from_then_on() -> None:
    """The same request is refused before, and not after."""
    bench = staffed(0)
    assert bench.submit(1.0, 0, like=spec(cpus=2)) == [Resolve((Ending(0, 0, TaskState.FAILED, None),))]
    bench.offer(2.0, "bee", [1, 2])
    assert bench.submit(3.0, 1, like=spec(cpus=2)) == []
    assert bench.ready(4.0, 1) == [sent(1, 1)]


@pytest.mark.parametrize(
    ("tasks", "rejected"),
    [([4, 2], []), ([5, 5], []), ([], [5, 5]), ([5, 6], [6]), ([7], [5, 1])],
)
def test_a_number_that_is_used_twice_is_refused(tasks: list[int], rejected: list[int]) -> None:
    """Numbers count up, submission by submission; where they do not, nothing of it is taken."""
    bench = staffed(0)
    bench.submit(1.0, 0, 1, 2)
    before = bench.machine.snapshot()
    with pytest.raises(InternalError, match="a number is used twice"):
        bench.machine.handle(TasksSubmitted(2.0, [(number, spec()) for number in tasks], rejected))
    assert bench.machine.snapshot() == before


def test_the_number_of_a_task_that_has_ended_is_used_too() -> None:
    """Though nothing else of it is left."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.answer(2.0, 0, 0)
    with pytest.raises(InternalError, match="task 0 was submitted after task 0"):
        bench.machine.handle(TasksSubmitted(3.0, [(0, spec())]))


def test_no_task_comes_after_the_end_of_the_input() -> None:
    """Whoever said that none would was wrong."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.end_input(1.0)
    with pytest.raises(InternalError, match="after the end of the input"):
        bench.machine.handle(TasksSubmitted(2.0, [(1, spec())]))


def test_the_last_error_of_the_budget_is_final() -> None:
    """Those before it cost a pause each, twice as long each time."""
    bench = staffed(0)
    bench.submit(1.0, 0, like=spec(attempts=3))
    assert bench.answer(2.0, 0, 0, 1, ok=False) == [Retry((Ending(0, 1, TaskState.FAILED, 0),))]
    assert bench.machine.snapshot().tasks[TaskState.DELAYED] == 1
    assert bench.wait(2.1) == [sent(0, 0, 2)]
    assert bench.answer(3.0, 0, 0, 2, ok=False) == [Retry((Ending(0, 2, TaskState.FAILED, 0),))]
    assert bench.wait(3.19) == []
    assert bench.wait(3.2) == [sent(0, 0, 3)]
    assert bench.answer(4.0, 0, 0, 3, ok=False) == [Resolve((Ending(0, 3, TaskState.FAILED, 0),))]


def test_pauses_have_a_cap() -> None:
    """However many there were before."""
    sim = Sim(Rules(backoff=0.1, backoff_max=0.5))
    sim.host("ant", Life())
    sim.task(0, *[Deed(1.0, ok=False)] * 6, Deed(1.0), like=spec(attempts=9))
    sim.end_input()
    sim.run()
    begun = [at for at, action in sim.trace if type(action).__name__ == "SendTasks"]
    pauses = [round(after - before - 1.0, 6) for before, after in pairwise(begun)]
    assert pauses == [0.1, 0.2, 0.4, 0.5, 0.5, 0.5]


def test_the_pause_of_a_thousandth_attempt_is_a_number_too() -> None:
    """Doubling does not overflow."""
    sim = Sim(Rules(backoff=0.1, backoff_max=0.2))
    sim.host("ant", Life())
    sim.task(0, Deed(0.0, ok=False), like=spec(attempts=1200))
    sim.end_input()
    sim.run()
    assert sim.ended == {0: TaskState.FAILED}


def test_while_one_task_pauses_others_run() -> None:
    """And it takes its old place when it comes back."""
    bench = staffed(0)
    bench.submit(1.0, 0, 1, 2, like=spec(attempts=2))
    assert bench.answer(2.0, 0, 0, ok=False) == [Retry((Ending(0, 1, TaskState.FAILED, 0),)), sent(0, 1)]
    bench.wait(2.5)
    assert bench.answer(3.0, 0, 1)[1:] == [sent(0, 0, 2)]


def test_what_must_not_be_run_again_has_one_error() -> None:
    """Whatever its budget says."""
    bench = staffed(0)
    bench.submit(1.0, 0, like=spec(attempts=5, idempotent=False))
    assert bench.answer(2.0, 0, 0, ok=False) == [Resolve((Ending(0, 1, TaskState.FAILED, 0),))]


def test_an_error_after_which_no_host_is_left_is_final() -> None:
    """Another attempt could never be made, so the error is what is told."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, like=spec(attempts=5, cpus=2))
    assert bench.end(2.0, 1, status=0) == [GiveUpSlot(1, 1)]
    assert bench.answer(3.0, 0, 0, ok=False) == [Resolve((Ending(0, 1, TaskState.FAILED, 0),))]


def test_answers_that_nobody_waits_for_are_counted_and_ignored() -> None:
    """For a task that it has not, for an old attempt, twice, or from a worker that is gone."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1, like=spec(attempts=2))
    bench.answer(2.0, 0, 0, ok=False)
    bench.wait(2.1)
    for worker, task, attempt in [(0, 1, 1), (0, 0, 1), (0, 9, 1), (1, 0, 2)]:
        assert bench.answer(3.0, worker, task, attempt) == []
    assert bench.tell(TasksFinished(4.0, 0, [Outcome(0, 2, True), Outcome(0, 2, True)])) == [
        Resolve((Ending(0, 2, TaskState.DONE, 0),))
    ]
    bench.end(5.0, 0)
    assert bench.answer(6.0, 0, 0, 2) == []
    assert bench.machine.snapshot().stale == 6


def test_a_submission_of_nothing_is_none() -> None:
    """No task was ever submitted, then."""
    bench = staffed(0)
    assert bench.tell(TasksSubmitted(1.0, [])) == []
    assert bench.end_input(2.0) == [CloseWorker(0)]
