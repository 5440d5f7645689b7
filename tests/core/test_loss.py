"""What becomes of the tasks of a worker that is gone: who pays, and who does not."""

from __future__ import annotations

from spreadjobs.core.actions import (
    Cause,
    CloseWorker,
    Ending,
    EndRun,
    GiveUpSlot,
    KillWorker,
    Resolve,
    Retry,
    RunEnd,
    StartWorker,
)
from spreadjobs.core.events import WorkerFaulted
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import sent, spec, staffed
from tests.core.simulator import Deed, Life, Sim, endings


def test_a_task_that_had_begun_pays_for_its_worker_and_is_run_again() -> None:
    """After a pause, on whoever is idle; a new worker comes at once."""
    sim = Sim()
    sim.host("ant", [Life(dies=4.0), Life()], Life(accepts=3.0))
    sim.task(0, Deed(10.0))
    sim.end_input()
    sim.run()
    assert sim.trace[2:] == [
        (0.0, sent(0, 0)),
        (4.0, Retry((Ending(0, 1, TaskState.LOST, 0),))),
        (4.1, sent(1, 0, 2)),
        (14.1, Resolve((Ending(0, 2, TaskState.DONE, 1),))),
        (14.1, CloseWorker(1)),
        (14.1, EndRun(RunEnd.COMPLETE)),
    ]


def test_the_last_loss_of_the_budget_is_final() -> None:
    """Two, where nothing else is said."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    assert bench.end(2.0, 0, running=0) == [Retry((Ending(0, 1, TaskState.LOST, 0),)), StartWorker(1, 0)]
    bench.ready(2.05, 1)
    assert bench.wait(2.1) == [sent(1, 0, 2)]
    assert bench.end(3.0, 1, running=0) == [Resolve((Ending(0, 2, TaskState.LOST, 1),)), StartWorker(2, 0)]


def test_errors_and_losses_are_separate_budgets() -> None:
    """One of each leaves one of each; pauses grow with both."""
    bench = staffed(0)
    bench.submit(1.0, 0, like=spec(attempts=2, losses=2))
    bench.answer(2.0, 0, 0, 1, ok=False)
    bench.wait(2.1)
    assert bench.end(3.0, 0, running=0)[0] == Retry((Ending(0, 2, TaskState.LOST, 0),))
    bench.ready(3.1, 1)
    assert bench.wait(3.19) == []
    assert bench.wait(3.2) == [sent(1, 0, 3)]
    assert bench.answer(4.0, 1, 0, 3, ok=False) == [Resolve((Ending(0, 3, TaskState.FAILED, 1),))]


def test_a_task_that_had_not_begun_goes_back_uncharged() -> None:
    """To the front, and without a pause; a worker in whose life nothing began died early."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1, 2, like=spec(losses=1))
    assert bench.end(2.0, 0) == [Retry((Ending(0, 1, TaskState.READY, 0),))]
    assert bench.answer(2.05, 1, 1)[1:] == [sent(1, 0, 2)]
    assert bench.wait(2.1) == [StartWorker(2, 0)]


def test_a_task_seen_running_pays_though_the_worker_told_nothing_at_its_end() -> None:
    """It had begun: whoever takes its page away with it is not let off."""
    bench = staffed(0)
    bench.submit(1.0, 0, like=spec(timeout=50.0))
    bench.wait(31.0)
    bench.see(31.0, 0, task=0, began=1.0)
    assert bench.end(32.0, 0)[0] == Retry((Ending(0, 1, TaskState.LOST, 0),))


def test_a_culprit_that_the_worker_had_not_in_hand_is_ignored() -> None:
    """What runs there according to its page was answered, or is somebody else's."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1)
    assert bench.end(2.0, 0, running=1)[0] == Retry((Ending(0, 1, TaskState.READY, 0),))
    assert bench.answer(3.0, 1, 1)[0] == Resolve((Ending(1, 1, TaskState.DONE, 1),))


def test_what_must_not_be_run_again_is_lost_with_its_first_worker() -> None:
    """If it had begun; else nothing has happened to it."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1, like=spec(losses=9, idempotent=False))
    assert bench.end(2.0, 0, running=0)[0] == Resolve((Ending(0, 1, TaskState.LOST, 0),))
    assert bench.end(2.0, 1)[0] == Retry((Ending(1, 1, TaskState.READY, 1),))


def test_what_began_while_its_worker_was_killed_as_frozen_is_not_charged() -> None:
    """The death is ours. But what must not be run again is not."""
    for idempotent, outcome in ((True, TaskState.READY), (False, TaskState.LOST)):
        bench = staffed(0, rules=Rules(lease=5.0))
        bench.submit(1.0, 0, like=spec(idempotent=idempotent))
        bench.wait(6.0)
        assert bench.see(6.0, 0) == [KillWorker(0, 0.0, Cause.FROZEN)]
        ending = (Ending(0, 1, outcome, 0),)
        assert bench.end(6.1, 0, running=0)[0] == (Retry(ending) if idempotent else Resolve(ending))


def test_a_worker_that_breaks_the_protocol_while_a_task_runs_charges_it() -> None:
    """The task wrote what it should not have, more likely than not."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    assert bench.tell(WorkerFaulted(2.0, 0, permanent=False)) == [KillWorker(0, 0.0, Cause.FAULT)]
    assert bench.end(2.1, 0, running=0) == [Retry((Ending(0, 1, TaskState.LOST, 0),)), StartWorker(1, 0)]


def test_a_loss_after_which_no_host_is_left_is_final() -> None:
    """The slot goes first, and so there is no other attempt to wait for."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, like=spec(cpus=2, losses=9))
    bench.tell(WorkerFaulted(2.0, 0, permanent=True))
    assert bench.end(2.1, 0, running=0) == [GiveUpSlot(0, 0), Resolve((Ending(0, 1, TaskState.LOST, 0),))]


def test_a_task_that_had_not_begun_and_has_no_host_left_is_not_run() -> None:
    """It did nothing, and nothing was done to it."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, like=spec(cpus=2))
    assert bench.end(2.1, 0, permanent=True) == [GiveUpSlot(0, 0), Resolve((Ending(0, 1, TaskState.NOT_RUN, None),))]


def test_tasks_whose_last_host_is_lost_are_not_run() -> None:
    """Those that wait and those in a pause, in their order; the others go on, and then the run says why."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, like=spec(cpus=2, attempts=2))
    bench.submit(1.0, 1, like=spec(cpus=2))
    bench.submit(1.0, 2)
    assert bench.answer(2.0, 0, 0, ok=False)[1:] == [sent(1, 1)]
    bench.submit(2.0, 3, like=spec(cpus=2))
    assert bench.end(2.05, 0, status=0) == [
        GiveUpSlot(0, 0),
        Resolve((Ending(0, 1, TaskState.NOT_RUN, None), Ending(3, 0, TaskState.NOT_RUN, None))),
    ]
    assert bench.wait(2.5) == []
    assert bench.answer(3.0, 1, 1) == [Resolve((Ending(1, 1, TaskState.DONE, 1),)), sent(1, 2)]
    bench.end_input(3.0)
    bench.answer(4.0, 1, 2)
    assert bench.end(4.1, 1, status=0) == [EndRun(RunEnd.CREW_LOST)]


def test_a_poison_task_is_lost_alone() -> None:
    """It kills every worker that it meets, among two hundred good ones: two workers die, and no other task pays."""
    sim = Sim()
    sim.host("ant", *[Life(accepts=0.1)] * 4)
    sim.tasks(range(100), Deed(0.1))
    sim.task(100, Deed(0.05, kills=True))
    sim.tasks(range(101, 201), Deed(0.1))
    sim.end_input()
    sim.run()
    assert [number for _, number, state in endings(sim) if state is TaskState.LOST] == [100]
    assert sorted(sim.ended.values()) == [TaskState.DONE] * 200 + [TaskState.LOST]
    assert sim.bench.shadow.losses == {100: 2}
    assert len(sim.processes) == 6


def test_when_all_workers_die_at_once_others_come() -> None:
    """Each of their tasks pays once, and is done."""
    sim = Sim()
    sim.host("ant", *[[Life(dies=5.5), Life(accepts=0.5)]] * 3)
    sim.tasks(range(9), Deed(2.0))
    sim.end_input()
    sim.run()
    assert sorted(sim.ended.values()) == [TaskState.DONE] * 9
    assert sim.bench.shadow.losses == {6: 1, 7: 1, 8: 1}
