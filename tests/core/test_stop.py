"""How a run ends before all is done."""

from __future__ import annotations

import pytest

from spreadjobs.core.actions import Cause, CloseWorker, Ending, EndRun, KillWorker, Resolve, Retry, RunEnd
from spreadjobs.core.events import StopRequested, WorkerAccepted, WorkerFaulted, WorkerPrinted
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import Bench, sent, spec, staffed
from tests.core.simulator import Deed, Life, Sim


def not_run(*endings: tuple[int, int, int | None]) -> Resolve:
    """These ended because the run did."""
    return Resolve(tuple(Ending(task, attempt, TaskState.NOT_RUN, worker) for task, attempt, worker in endings))


def test_a_stop_ends_whatever_is_open() -> None:
    """All tasks in one breath, in their order; the idle are closed, the others killed; rests are cut short."""
    bench = Bench(Rules(grace=3.0, stop_grace=1.0))
    bench.offer(0.0, "ant", range(6))
    bench.ready(0.1, 0, 1, 2)
    bench.tell(WorkerAccepted(0.1, 3))
    bench.end(0.1, 5)
    bench.submit(0.15, 0, like=spec(attempts=2))
    bench.submit(0.15, 1, 2, like=spec(cpus=4))
    bench.answer(0.16, 0, 0, ok=False)
    assert bench.tell(StopRequested(0.17)) == [
        not_run((0, 1, None), (1, 1, 1), (2, 0, None)),
        CloseWorker(0),
        KillWorker(1, 1.0, Cause.STOP),
        CloseWorker(2),
        KillWorker(3, 1.0, Cause.STOP),
        KillWorker(4, 1.0, Cause.STOP),
    ]
    assert bench.wait(1.0) == []
    for worker in (1, 2, 3, 4):
        assert bench.end(1.1, worker) == []
    assert bench.end(1.15, 0, status=0) == [EndRun(RunEnd.STOPPED)]


def test_what_comes_after_a_stop_is_taken_quietly() -> None:
    """Answers are stale, tasks are not run, faults and words change nothing."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0)
    bench.tell(StopRequested(2.0))
    assert bench.answer(2.1, 0, 0) == []
    assert bench.machine.snapshot().stale == 1
    assert bench.submit(2.1, 1, 2) == [not_run((1, 0, None), (2, 0, None))]
    assert bench.tell(WorkerFaulted(2.2, 0, permanent=True)) == []
    assert bench.tell(WorkerPrinted(2.2, 0)) == []
    assert bench.end_input(2.3) == []
    assert bench.submit(2.3, 3) == [not_run((3, 0, None))]
    assert bench.end(2.4, 0, running=0) == []
    assert bench.end(2.4, 1, status=0) == [EndRun(RunEnd.STOPPED)]
    assert bench.machine.wake_at() is None


def test_an_idle_worker_has_the_shorter_grace_when_the_run_is_stopped() -> None:
    """And no tail is waited for where somebody asked for the end."""
    bench = staffed(0, rules=Rules(grace=3.0, stop_grace=1.0))
    assert bench.tell(StopRequested(2.0)) == [CloseWorker(0)]
    assert bench.tell(WorkerPrinted(2.9, 0)) == []
    assert bench.wait(3.0) == [KillWorker(0, 1.0, Cause.SILENT)]


def test_the_deadline_stops_the_run() -> None:
    """Also workers whose input is closed, and that would print on for ever."""
    sim = Sim(Rules(deadline=10.0))
    sim.host("ant", Life(prints=99, tail=1.0, is_stubborn=True))
    sim.task(0, Deed(5.0))
    sim.end_input()
    sim.run()
    assert sim.trace[2:] == [
        (5.0, Resolve((Ending(0, 1, TaskState.DONE, 0),))),
        (5.0, CloseWorker(0)),
        (10.0, KillWorker(0, 1.0, Cause.STOP)),
        (11.0, EndRun(RunEnd.DEADLINE)),
    ]


def test_an_answer_that_comes_with_the_deadline_has_come() -> None:
    """What has happened comes before what is due."""
    bench = staffed(0, rules=Rules(deadline=10.0))
    bench.submit(1.0, 0, 1)
    assert bench.answer(10.0, 0, 0) == [
        Resolve((Ending(0, 1, TaskState.DONE, 0),)),
        not_run((1, 0, None)),
        CloseWorker(0),
    ]


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.LOST, TaskState.TIMEOUT])
def test_the_first_task_that_fails_for_good_stops_the_run_where_that_is_the_rule(state: TaskState) -> None:
    """In whichever way; attempts that are followed by another do not."""
    bench = staffed(0, 1, rules=Rules(stop_on_failure=True))
    bench.submit(1.0, 0, 1, 2, like=spec(timeout=2.0, attempts=2, losses=1))
    bench.answer(1.5, 0, 0, ok=False)
    if state is TaskState.FAILED:
        bench.wait(1.6)
        bench.answer(2.0, 0, 2)
        actions = bench.answer(2.5, 0, 0, 2, ok=False)
        ending = Ending(0, 2, TaskState.FAILED, 0)
    elif state is TaskState.LOST:
        bench.answer(1.6, 0, 2)
        actions = bench.end(2.5, 0, running=0)
        ending = Ending(0, 2, TaskState.LOST, 0)
    else:
        bench.answer(1.6, 0, 2)
        bench.wait(3.0)
        actions = bench.see(3.0, 1, task=1, began=1.0)
        ending = Ending(1, 1, TaskState.TIMEOUT, 1)
    assert actions[0] == Resolve((ending,))
    assert bench.machine.snapshot().how is RunEnd.FAILED


def test_a_task_that_was_refused_stops_the_run_too() -> None:
    """It ended as failed, though nobody ran it."""
    bench = staffed(0, rules=Rules(stop_on_failure=True))
    assert bench.submit(1.0, 0, like=spec(cpus=2)) == [
        Resolve((Ending(0, 0, TaskState.FAILED, None),)),
        CloseWorker(0),
    ]
    assert bench.end(1.1, 0, status=0) == [EndRun(RunEnd.FAILED)]


def test_the_first_reason_wins() -> None:
    """But a harder one, later, does not wait for tails."""
    bench = staffed(0, 1, rules=Rules(stop_on_failure=True, grace=3.0, stop_grace=1.0))
    bench.submit(1.0, 0)
    assert bench.answer(2.0, 0, 0, ok=False)[1:] == [CloseWorker(0), CloseWorker(1)]
    assert bench.tell(StopRequested(2.5)) == [KillWorker(0, 1.0, Cause.STOP), KillWorker(1, 1.0, Cause.STOP)]
    assert bench.tell(StopRequested(2.6)) == []
    assert bench.end(2.7, 0) == []
    assert bench.end(2.7, 1) == [EndRun(RunEnd.FAILED)]


def test_a_long_kill_ladder_is_cut_short_by_a_stop() -> None:
    """A task's own grace may be a minute; whoever wants the end does not wait for it."""
    bench = staffed(0, rules=Rules(stop_grace=1.0))
    bench.submit(1.0, 0, like=spec(timeout=2.0, grace=60.0))
    bench.wait(3.0)
    assert bench.see(3.0, 0, task=0, began=1.0)[1:] == [KillWorker(0, 60.0, Cause.TIMEOUT)]
    assert bench.tell(StopRequested(4.0)) == [KillWorker(0, 1.0, Cause.STOP)]
    assert bench.tell(StopRequested(4.1)) == []
    assert bench.end(5.0, 0, running=0) == [EndRun(RunEnd.STOPPED)]


def test_a_stop_after_all_is_done_still_kills_whoever_is_there() -> None:
    """What was done stays done."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.end_input(1.0)
    bench.answer(2.0, 0, 0)
    assert bench.tell(StopRequested(2.5)) == [KillWorker(0, 1.0, Cause.STOP)]
    assert bench.end(2.6, 0) == [EndRun(RunEnd.STOPPED)]
    assert bench.shadow.ended == {0: TaskState.DONE}


def test_a_stop_before_anything_has_come_ends_the_run_at_once() -> None:
    """And again changes nothing."""
    bench = Bench()
    assert bench.tell(StopRequested(0.0)) == [EndRun(RunEnd.STOPPED)]
    assert bench.tell(StopRequested(0.1)) == []


def test_a_failure_that_does_not_stop_the_run_is_one_of_many() -> None:
    """The others are done, and the run is complete."""
    sim = Sim()
    sim.host("ant", Life())
    sim.tasks(range(2), Deed(1.0, ok=False))
    sim.tasks(range(2, 4), Deed(1.0))
    sim.end_input()
    sim.run()
    assert list(sim.ended.values()) == [TaskState.FAILED] * 2 + [TaskState.DONE] * 2
    assert sim.how is RunEnd.COMPLETE


def test_a_stopped_run_sends_and_starts_nothing() -> None:
    """Though a worker dies and a task would have another attempt."""
    sim = Sim()
    sim.host("ant", Life(dies=2.0), Life(is_stubborn=True, tail=0.5))
    sim.tasks(range(9), Deed(5.0))
    sim.stop(1.0)
    sim.run()
    assert [type(action).__name__ for at, action in sim.trace if at >= 1.0] == [
        "Resolve",
        "KillWorker",
        "KillWorker",
        "EndRun",
    ]
    assert not any(isinstance(action, Retry) for _, action in sim.trace)
    assert sim.trace[2:4] == [(0.0, sent(0, 0)), (0.0, sent(1, 1))]
