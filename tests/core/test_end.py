"""How a run ends when all is done: inputs are closed, tails are waited for, and the last word is EndRun."""

from __future__ import annotations

from spreadjobs.core.actions import (
    Action,
    Cause,
    CloseWorker,
    Ending,
    EndRun,
    GiveUpSlot,
    KillWorker,
    Resolve,
    RunEnd,
    StartWorker,
)
from spreadjobs.core.events import InputEnded, WorkerAccepted, WorkerPrinted, WorkerReady
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import Bench, spec, staffed
from tests.core.simulator import INF, Deed, Life, Sim

COMPLETE = EndRun(RunEnd.COMPLETE)


def closed(rules: Rules | None = None) -> Bench:
    """A worker whose input was closed at 2.0, since its only task has ended."""
    bench = staffed(0, rules=rules)
    bench.submit(1.0, 0)
    bench.end_input(1.0)
    assert bench.answer(2.0, 0, 0)[1:] == [CloseWorker(0)]
    return bench


def test_when_the_last_task_has_ended_everyone_is_closed() -> None:
    """Those too that are still starting or preparing; the end is said when the last is gone."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1, 2])
    bench.ready(0.1, 0)
    bench.tell(WorkerAccepted(0.1, 1))
    bench.submit(0.2, 0)
    bench.end_input(0.2)
    assert bench.answer(1.0, 0, 0)[1:] == [CloseWorker(0), CloseWorker(1), CloseWorker(2)]
    assert bench.tell(WorkerReady(1.1, 1)) == []
    assert bench.tell(WorkerAccepted(1.1, 2)) == []
    assert [bench.end(1.2, worker, status=0) for worker in (2, 0, 1)] == [[], [], [COMPLETE]]


def test_the_end_does_not_close_whoever_is_dying_already() -> None:
    """Its ladder goes on; the end is said when it is gone."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, like=spec(timeout=1.0, grace=5.0))
    bench.end_input(1.0)
    bench.wait(2.0)
    assert bench.see(2.0, 0, task=0, began=1.0) == [
        Resolve((Ending(0, 1, TaskState.TIMEOUT, 0),)),
        KillWorker(0, 5.0, Cause.TIMEOUT),
        CloseWorker(1),
    ]
    assert bench.end(2.1, 1, status=0) == []
    assert bench.end(7.0, 0, running=0) == [COMPLETE]


def test_the_end_of_the_input_closes_everyone_when_nothing_is_open() -> None:
    """It may come last."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.answer(2.0, 0, 0)
    assert bench.end_input(3.0) == [CloseWorker(0)]


def test_a_closed_worker_that_dies_is_gone_all_the_same() -> None:
    """Its slot is finished, and not given up: it has done all that it had to do."""
    bench = closed()
    assert bench.end(2.5, 0, status=-11) == [COMPLETE]


def test_a_closed_worker_that_is_silent_for_the_grace_is_killed() -> None:
    """Within the time of a stop."""
    bench = closed(Rules(grace=3.0, stop_grace=1.0))
    assert bench.wait(4.9) == []
    assert bench.wait(5.0) == [KillWorker(0, 1.0, Cause.SILENT)]
    assert bench.end(6.0, 0) == [COMPLETE]


def test_a_tail_that_grows_has_no_grace() -> None:
    """Each line of it is the beginning of another grace."""
    bench = closed(Rules(grace=3.0))
    for at in (4.0, 6.0, 8.5):
        assert bench.tell(WorkerPrinted(at, 0)) == []
    assert bench.wait(11.4) == []
    assert bench.wait(11.5) == [KillWorker(0, 1.0, Cause.SILENT)]


def test_what_a_worker_prints_before_it_is_closed_changes_nothing() -> None:
    """There is no grace yet that could begin anew."""
    bench = staffed(0)
    assert bench.tell(WorkerPrinted(1.0, 0)) == []
    assert bench.machine.wake_at() is None


def test_a_slot_that_rests_when_all_is_done_is_finished() -> None:
    """Nobody is started any more, and the end does not wait for the end of the rest."""
    bench = staffed(0, 1, rules=Rules(backoff=60.0, backoff_max=60.0))
    bench.submit(1.0, 0)
    bench.end(1.5, 1)
    bench.end_input(1.6)
    assert bench.answer(2.0, 0, 0)[1:] == [CloseWorker(0)]
    assert bench.end(2.1, 0, status=0) == [COMPLETE]


def test_plain_commands_are_closed_as_soon_as_they_are_ready() -> None:
    """No task was ever submitted: what each has to do is to print its tail."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    assert bench.tell(WorkerReady(0.0, 0)) == []
    assert bench.tell(InputEnded(0.0)) == [CloseWorker(0)]
    assert bench.tell(WorkerReady(0.1, 1)) == [CloseWorker(1)]
    assert bench.end(0.2, 0, status=1) == []
    assert bench.end(0.3, 1, status=0) == [COMPLETE]


def test_plain_commands_that_were_sent_nothing_have_no_grace() -> None:
    """They end by themselves, or at the deadline."""
    sim = Sim(Rules(unlimited_tail=True, deadline=100.0, grace=3.0))
    sim.host("ant", Life(tail=50.0), Life(tail=INF, is_stubborn=True))
    sim.end_input()
    sim.run()
    assert sim.trace[2:] == [
        (0.0, CloseWorker(0)),
        (0.0, CloseWorker(1)),
        (100.0, KillWorker(1, 1.0, Cause.STOP)),
        (101.0, EndRun(RunEnd.DEADLINE)),
    ]


def test_a_command_that_dies_before_it_is_ready_is_started_again() -> None:
    """Each argument list has its tail; one that never becomes ready is given up after three deaths."""
    sim = Sim()
    sim.host("ant", [Life(dies=1.0, prepares=2.0), Life()], Life(dies=1.0, prepares=2.0))
    sim.end_input()
    sim.run()
    shown: list[tuple[float, Action]] = [(round(at, 6), action) for at, action in sim.trace[2:]]
    assert shown == [
        (1.1, StartWorker(2, 0)),
        (1.1, StartWorker(3, 1)),
        (1.1, CloseWorker(2)),
        (2.3, StartWorker(4, 1)),
        (3.3, GiveUpSlot(1, 4)),
        (3.3, COMPLETE),
    ]


def test_commands_none_of_which_could_be_started_are_a_lost_crew() -> None:
    """Nothing is complete where nobody was ever ready."""
    sim = Sim()
    sim.host("ant", Life(is_missing=True))
    sim.end_input()
    sim.run()
    assert sim.trace[1:] == [(0.0, GiveUpSlot(0, 0)), (0.0, EndRun(RunEnd.CREW_LOST))]


def test_a_crew_of_none_with_nothing_to_do_is_complete() -> None:
    """As soon as both are known; before, the run waits."""
    bench = Bench()
    assert bench.end_input(0.0) == []
    assert bench.offer(0.0, "ant", []) == [COMPLETE]


def test_a_crew_of_none_with_something_to_do_is_lost() -> None:
    """More tasks may come, and nobody is there."""
    assert Bench().offer(0.0, "ant", []) == [EndRun(RunEnd.CREW_LOST)]


def test_when_the_last_worker_has_left_what_is_open_is_not_run() -> None:
    """A worker that leaves is not replaced; when none is left the run ends."""
    sim = Sim()
    sim.host("ant", Life(exits=2.5))
    sim.tasks(range(2), Deed(1.0))
    sim.task(2, at=3.0)
    sim.run()
    assert sim.trace[-3:] == [
        (2.5, GiveUpSlot(0, 0)),
        (2.5, EndRun(RunEnd.CREW_LOST)),
        (3.0, Resolve((Ending(2, 0, TaskState.NOT_RUN, None),))),
    ]
