"""How workers come to be: slots, the connect time, early deaths, rests, and who is wanted."""

from __future__ import annotations

from spreadjobs.core.actions import (
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
from spreadjobs.core.events import SlotsOffered, TimePassed, WorkerAccepted, WorkerEnded, WorkerFaulted, WorkerReady
from spreadjobs.core.host import HostState
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import Bench, sent, spec, staffed
from tests.core.simulator import INF, Deed, Life, Sim, endings


def test_each_slot_that_is_offered_gets_a_worker() -> None:
    """Workers are numbered in the order in which they are started, slots as the engine likes."""
    bench = Bench()
    assert bench.offer(0.0, "ant", [7, 3]) == [StartWorker(0, 7), StartWorker(1, 3)]
    assert bench.offer(1.0, "bee", [5]) == [StartWorker(2, 5)]


def test_a_host_may_offer_more_slots_later() -> None:
    """They count as the others do."""
    bench = staffed(0)
    assert bench.offer(1.0, "ant", [1, 2]) == [StartWorker(1, 1), StartWorker(2, 2)]
    assert bench.submit(1.0, 0, like=spec(cpus=3)) == [sent(0, 0)]


def test_a_worker_that_does_not_answer_costs_its_slot() -> None:
    """After the connect time it is killed at once; trying again would cost as long again."""
    bench = Bench(Rules(connect=15.0))
    bench.offer(0.0, "ant", [0, 1])
    bench.ready(1.0, 1)
    assert bench.wait(14.9) == []
    assert bench.wait(15.0) == [KillWorker(0, 0.0, Cause.CONNECT)]
    assert bench.end(15.1, 0) == [GiveUpSlot(0, 0)]


def test_preparing_may_take_as_long_as_it_likes() -> None:
    """From its acceptance on, a worker has no deadline."""
    bench = Bench()
    bench.offer(0.0)
    bench.tell(WorkerAccepted(14.9, 0))
    assert bench.machine.wake_at() is None
    assert bench.wait(1e6) == []
    assert bench.tell(WorkerReady(1e6, 0)) == []
    assert bench.submit(1e6, 0) == [sent(0, 0)]


def test_an_acceptance_that_comes_with_the_deadline_has_come() -> None:
    """What has happened comes before what is due."""
    bench = Bench(Rules(connect=15.0))
    bench.offer(0.0)
    assert bench.tell(WorkerAccepted(15.0, 0)) == []


def test_a_worker_may_be_ready_without_a_word() -> None:
    """Plain commands and foreign dialects do not accept."""
    bench = Bench()
    bench.offer(0.0)
    assert bench.tell(WorkerReady(0.1, 0)) == []
    assert bench.machine.wake_at() is None
    assert bench.submit(0.2, 0) == [sent(0, 0)]


def test_a_host_is_up_when_the_first_of_its_workers_has_spoken() -> None:
    """And down when its last slot is finished."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    states = [bench.machine.snapshot().hosts[0].state]
    for event in (WorkerAccepted(0.1, 0), WorkerAccepted(0.2, 1), WorkerEnded(0.3, 0, -9, None, True)):
        bench.tell(event)
        states.append(bench.machine.snapshot().hosts[0].state)
    assert states == [HostState.CONNECTING, HostState.UP, HostState.UP, HostState.UP]
    bench.end(0.4, 1, permanent=True)
    assert bench.machine.snapshot().hosts[0].state is HostState.DOWN


def test_three_early_deaths_in_a_row_cost_the_slot() -> None:
    """Between them it rests, twice as long each time; what is open and can run nowhere else ends with it."""
    bench = Bench()
    bench.offer(0.0)
    bench.submit(0.0, 0)
    assert bench.end(1.0, 0) == []
    assert bench.machine.wake_at() == 1.1
    assert bench.wait(1.1) == [StartWorker(1, 0)]
    assert bench.end(2.0, 1) == []
    assert bench.wait(2.2) == [StartWorker(2, 0)]
    assert bench.end(3.0, 2) == [
        GiveUpSlot(0, 2),
        Resolve((Ending(0, 0, TaskState.NOT_RUN, None),)),
        EndRun(RunEnd.CREW_LOST),
    ]


def test_a_death_after_a_task_had_begun_is_no_early_death() -> None:
    """The count begins anew, and the slot does not rest."""
    bench = Bench(Rules(early_deaths=2))
    bench.offer(0.0)
    bench.end(1.0, 0)
    bench.wait(1.1)
    bench.ready(1.2, 1)
    bench.submit(1.3, 0)
    bench.answer(1.4, 1, 0)
    assert bench.end(2.0, 1) == [StartWorker(2, 0)]
    assert bench.end(3.0, 2) == []
    assert bench.wait(3.1) == [StartWorker(3, 0)]


def test_the_rest_is_stretched_by_the_jitter_that_was_handed_in() -> None:
    """Twice the jitter, twice the pause."""
    bench = Bench(jitter=lambda: 2.0)
    bench.offer(0.0)
    bench.end(1.0, 0)
    assert bench.machine.wake_at() == 1.2


def test_what_cannot_be_started_at_all_is_not_tried_again() -> None:
    """With none left, and nothing to be done, the run ends all the same."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    assert bench.end(0.1, 0, status=None, permanent=True) == [GiveUpSlot(0, 0)]
    assert bench.end(0.1, 1, status=None, permanent=True) == [GiveUpSlot(1, 1), EndRun(RunEnd.CREW_LOST)]


def test_a_worker_that_breaks_the_protocol_is_killed_at_once() -> None:
    """A fault that may pass is an early death; one that stays costs the slot."""
    bench = staffed(0, 1)
    assert bench.tell(WorkerFaulted(1.0, 0, permanent=False)) == [KillWorker(0, 0.0, Cause.FAULT)]
    assert bench.tell(WorkerFaulted(1.0, 1, permanent=True)) == [KillWorker(1, 0.0, Cause.FAULT)]
    assert bench.end(2.0, 0) == []
    assert bench.end(2.0, 1) == [GiveUpSlot(1, 1)]
    assert bench.wait(2.1) == [StartWorker(2, 0)]


def test_a_worker_that_leaves_is_not_replaced() -> None:
    """Status 0 and nothing in hand: it wanted to. Any other status is a death."""
    bench = staffed(0, 1)
    assert bench.end(1.0, 0, status=0) == [GiveUpSlot(0, 0)]
    assert bench.end(1.0, 1, status=1) == []
    assert bench.wait(1.1) == [StartWorker(2, 1)]


def test_a_worker_that_exits_before_it_is_ready_has_not_left() -> None:
    """It has done nothing yet that it could have finished."""
    bench = Bench()
    bench.offer(0.0)
    bench.end(1.0, 0, status=0)
    assert bench.wait(1.1) == [StartWorker(1, 0)]


def test_a_worker_that_is_not_wanted_is_not_replaced_until_it_is() -> None:
    """As many live workers as open tasks are enough; when one is missing, the vacant slot is filled."""
    bench = staffed(0, 1, 2)
    bench.submit(1.0, 0, 1)
    bench.end_input(1.0)
    bench.answer(2.0, 0, 0)
    assert bench.end(3.0, 0) == []
    assert bench.end(3.5, 2, running=None) == []
    assert bench.end(4.0, 1, running=1)[1:] == [StartWorker(3, 0)]


def test_a_slot_whose_rest_is_over_is_filled_only_if_it_is_wanted() -> None:
    """By then others may have done the work."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1)
    bench.end_input(1.0)
    assert bench.end(1.5, 1)[1:] == []
    bench.answer(1.55, 0, 0)
    assert bench.wait(1.6) == []


def test_a_task_that_may_run_on_one_host_only_gets_a_worker_there() -> None:
    """Live workers elsewhere, however many, are of no use to it."""
    sim = Sim()
    sim.host("ant", Life(speed=1.0), Life())
    sim.host("bee", [Life(dies=2.0), Life()], at=0.0)
    sim.task(0, Deed(9.0), like=spec(hosts=("bee",)), at=0.1)
    sim.end_input(0.1)
    sim.run()
    assert sim.trace[3:] == [
        (0.1, sent(2, 0)),
        (2.0, sim.trace[4][1]),
        (2.0, StartWorker(3, 2)),
        (2.1, sent(3, 0, 2)),
        (11.1, Resolve((Ending(0, 2, TaskState.DONE, 3),))),
        (11.1, CloseWorker(0)),
        (11.1, CloseWorker(1)),
        (11.1, CloseWorker(3)),
        (11.1, EndRun(RunEnd.COMPLETE)),
    ]


def test_a_task_whose_only_host_is_still_killing_its_worker_waits_for_it() -> None:
    """There is no vacant slot yet; when there is, it is filled."""
    sim = Sim()
    sim.host("ant", Life())
    sim.host("bee", Life(is_stubborn=True))
    sim.task(0, Deed(9.0), like=spec(timeout=1.0, grace=3.0, hosts=("bee",)))
    sim.task(1, Deed(1.0), like=spec(hosts=("bee",)))
    sim.end_input()
    sim.run()
    assert endings(sim) == [(1.0, 0, TaskState.TIMEOUT), (5.0, 1, TaskState.DONE)]


def test_a_slot_elsewhere_is_of_no_use_to_a_task_that_waits_for_a_dying_worker() -> None:
    """It stays vacant; the worker that is wanted is started when the dying one is gone."""
    bench = staffed(0, 1)
    bench.offer(0.0, "bee", [2])
    bench.ready(0.0, 2)
    bench.submit(1.0, 0, 1, like=spec(timeout=1.0, grace=5.0, hosts=("bee",)))
    bench.submit(1.0, 2)
    bench.end_input(1.0)
    bench.answer(1.5, 0, 2)
    bench.wait(2.0)
    bench.see(2.0, 2, task=0, began=1.0)
    assert bench.end(2.5, 0, status=1) == []
    assert bench.end(7.0, 2, running=0) == [StartWorker(3, 2)]


def test_a_crew_of_which_no_worker_ever_answers_ends_in_time() -> None:
    """Every wait has an end."""
    sim = Sim(Rules(connect=15.0))
    sim.host("ant", Life(accepts=INF), Life(accepts=INF))
    sim.tasks(range(3))
    sim.run()
    assert sim.how is RunEnd.CREW_LOST
    assert endings(sim) == [(15.0, number, TaskState.NOT_RUN) for number in range(3)]


def test_slots_that_come_when_all_is_done_are_not_filled() -> None:
    """Nor is anything said of them."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.end_input(1.0)
    bench.answer(2.0, 0, 0)
    assert bench.tell(SlotsOffered(2.5, "bee", [4])) == []
    assert bench.tell(TimePassed(2.6)) == []
