"""Which task meets which worker."""

from __future__ import annotations

from spreadjobs.core.events import TasksSubmitted, WorkerReady
from tests.core.bench import Bench, sent, spec, staffed


def test_the_worker_that_has_waited_longest_goes_first() -> None:
    """Of one host's."""
    bench = staffed(0, 1, 2)
    bench.submit(1.0, 0, 1, 2)
    for worker in (1, 2, 0):
        bench.answer(2.0, worker, worker)
    assert bench.submit(3.0, 3, 4, 5) == [sent(1, 3), sent(2, 4), sent(0, 5)]


def test_hosts_take_turns() -> None:
    """So that a few tasks spread over all machines."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    bench.offer(0.0, "bee", [2, 3])
    bench.ready(0.0, 0, 1, 2, 3)
    assert bench.submit(1.0, 0, 1, 2, 3) == [sent(0, 0), sent(2, 1), sent(1, 2), sent(3, 3)]


def test_a_large_task_fills_several_slots() -> None:
    """While it runs, others have what is left of the host."""
    bench = staffed(0, 1, 2, 3)
    bench.submit(1.0, 0, like=spec(cpus=3))
    assert bench.submit(1.0, 1, 2) == [sent(1, 1)]
    assert bench.answer(2.0, 0, 0)[1:] == [sent(2, 2)]


def test_a_large_task_is_not_starved_by_small_ones() -> None:
    """Later small tasks do not take what it waits for; earlier ones do."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0, 1)
    bench.submit(1.0, 2, like=spec(cpus=2))
    bench.submit(1.0, 3)
    assert bench.answer(2.0, 0, 0)[1:] == []
    assert bench.answer(3.0, 1, 1)[1:] == [sent(0, 2)]
    assert bench.answer(4.0, 0, 2)[1:] == [sent(1, 3)]


def test_a_large_task_holds_up_only_hosts_on_which_it_could_run() -> None:
    """Smaller ones are free for others."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    bench.offer(0.0, "bee", [2])
    bench.ready(0.0, 0, 1, 2)
    bench.submit(1.0, 0)
    assert bench.submit(1.0, 1, like=spec(cpus=2)) == []
    assert bench.submit(1.0, 2, 3) == [sent(2, 2)]
    assert bench.answer(2.0, 0, 0)[1:] == [sent(1, 1)]


def test_a_task_waits_for_the_hosts_that_it_names() -> None:
    """Others, later ones too, go where there is room."""
    bench = Bench()
    bench.offer(0.0, "ant", [0])
    bench.offer(0.0, "bee", [1])
    bench.ready(0.0, 0, 1)
    tasks = [(0, spec(hosts=("ant",))), (1, spec(hosts=("ant",))), (2, spec())]
    assert bench.tell(TasksSubmitted(1.0, tasks)) == [sent(0, 0), sent(1, 2)]
    assert bench.answer(2.0, 1, 2)[1:] == []
    assert bench.answer(3.0, 0, 0)[1:] == [sent(0, 1)]


def test_kinds_of_tasks_are_looked_at_in_the_order_of_their_first() -> None:
    """A shape that cannot start is passed over, and looked at again the next time."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    bench.offer(0.0, "bee", [2])
    tasks = [
        (0, spec(hosts=("bee",))),
        (1, spec(hosts=("bee",))),
        (2, spec(cpus=2)),
        (3, spec(hosts=("ant",))),
        (4, spec(hosts=("bee",), priority=1)),
    ]
    bench.tell(TasksSubmitted(0.0, tasks))
    assert bench.ready(1.0, 0) == [sent(0, 2)]
    assert bench.ready(1.0, 1) == []
    assert bench.ready(1.0, 2) == [sent(2, 4)]
    assert bench.answer(2.0, 2, 4)[1:] == [sent(2, 0)]
    assert bench.answer(2.0, 0, 2)[1:] == [sent(1, 3)]


def test_an_idle_worker_on_a_full_host_waits() -> None:
    """A worker alone is not enough: the cpus are taken."""
    bench = Bench()
    bench.offer(0.0, "ant", [0, 1])
    bench.ready(0.0, 0)
    bench.submit(1.0, 0, like=spec(cpus=2))
    bench.submit(1.0, 1)
    assert bench.tell(WorkerReady(2.0, 1)) == []
    assert bench.answer(3.0, 0, 0)[1:] == [sent(1, 1)]
