"""What a worker has in hand beside what it runs."""

from __future__ import annotations

from spreadjobs.core.actions import (
    Action,
    Cause,
    Ending,
    KillWorker,
    LookAtWorker,
    RecallTasks,
    Resolve,
    Retry,
    SendTasks,
    StartWorker,
)
from spreadjobs.core.events import Outcome, StopRequested, TasksFinished, TaskSpec, WorkerWrote
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import PLAIN, Bench, done, returned, sent, sent_all, spec, staffed

LOOK = LookAtWorker(0)
#: Of this pace a worker has eight tasks in hand.
PACE = 0.0012


def learnt(*workers: int, like: TaskSpec = PLAIN, rules: Rules | None = None) -> Bench:
    """Idle workers that have learnt that such tasks take PACE."""
    bench = staffed(*workers, rules=rules, ahead=True)
    state = bench.machine.state
    shape = state.ready.shape_of(like, state.ledger.hosts.values())
    for worker in state.workers.values():
        worker._learnt[shape] = 8, PACE
    return bench


def answer_in_turn(bench: Bench, worker: int, *tasks: int, seconds: float = PACE) -> list[Action]:
    """A worker answers tasks, each so long after the one before; the last of what comes of it."""
    actions: list[Action] = []
    for task in tasks:
        at = bench.machine.state.workers[worker].heard + seconds
        actions = bench.answer(at, worker, task, bench.machine.state.tasks[task].attempt)
    return actions


def test_a_window_doubles_with_each_answer_up_to_ten_milliseconds_of_work() -> None:
    """Here each answer, of all in hand, takes a millisecond, whatever it is for: so the pace grows with the window."""
    bench = staffed(0, ahead=True)
    bench.submit(0.0, *range(1000))
    sizes = []
    for step in range(1, 9):
        hand = list(bench.machine.state.workers[0].hand)
        sizes.append(len(hand))
        assert bench.answer_all(0.001 * step, 0, *hand)[0] == done(0, *hand)
    assert sizes == [1, 2, 4, 8, 16, 22, 29, 37]


def test_a_window_has_a_largest_size_and_the_rules_may_have_a_smaller_one() -> None:
    """Where tasks take no time at all; and a worker that may have one in hand has no second."""
    for most, rules in ((512, Rules()), (5, Rules(window=5)), (1, Rules(window=1))):
        bench = staffed(0, rules=rules, ahead=True)
        bench.submit(0.0, *range(6000))
        worker = bench.machine.state.workers[0]
        for _ in range(12):
            assert len(worker.hand) <= most
            bench.answer_all(0.0, 0, *worker.hand)
        assert len(worker.hand) == most
        assert bench.machine.wanted() <= 0


def test_a_worker_without_a_page_has_one_task_in_hand() -> None:
    """However short they are: its death could not be laid at one's door."""
    bench = staffed(0)
    bench.submit(0.0, *range(100))
    for task in range(5):
        assert bench.answer(0.0, 0, task) == [done(0, task), sent(0, task + 1)]


def test_a_worker_is_sent_more_when_half_of_its_window_is_empty() -> None:
    """Not for each answer."""
    bench = learnt(0)
    assert bench.submit(1.0, *range(100)) == [sent_all(0, range(8))]
    assert bench.answer_all(1.0 + 3 * PACE, 0, 0, 1, 2) == [done(0, 0, 1, 2)]
    assert bench.answer(1.0 + 4 * PACE, 0, 3) == [done(0, 3), sent_all(0, range(8, 12))]


def test_where_tasks_turn_out_to_be_long_the_window_is_one() -> None:
    """What was sent stays; nothing follows until the worker is idle, and then one. It grows again as they get short."""
    bench = learnt(0)
    bench.submit(1.0, *range(100))
    assert bench.answer(2.0, 0, 0) == [done(0, 0)]
    assert bench.answer_all(2.1, 0, *range(1, 7)) == [done(0, *range(1, 7))]
    assert bench.answer(2.2, 0, 7) == [done(0, 7), sent(0, 8)]
    assert bench.answer(2.3, 0, 8) == [done(0, 8), sent(0, 9)]
    for task in range(9, 40):
        if bench.answer(2.3, 0, task)[1:] != [sent(0, task + 1)]:
            break
    assert list(bench.machine.state.workers[0].hand) == [task + 1, task + 2]


def test_each_kind_of_task_has_a_window_of_its_own() -> None:
    """A worker that has done long ones remembers that the others are short."""
    bench = learnt(0)
    bench.submit(1.0, 0, like=spec(hosts=("ant",)))
    bench.submit(1.0, *range(1, 101))
    assert bench.answer(9.0, 0, 0) == [done(0, 0), sent_all(0, range(1, 9))]
    bench.submit(9.0, 101, 102, like=spec(hosts=("ant",), priority=1))
    assert bench.answer_all(9.0 + 8 * PACE, 0, *range(1, 9))[1:] == [sent(0, 101)]
    assert bench.answer(12.0, 0, 101)[1:] == [sent(0, 102)]
    assert bench.answer(15.0, 0, 102)[1:] == [sent_all(0, range(9, 17))]


def test_the_last_tasks_are_shared_out() -> None:
    """A worker takes its half share of what is left at a time, so that all end together."""
    bench = learnt(0, 1)
    assert bench.submit(1.0, *range(12)) == [sent_all(0, [0, 1, 2]), sent_all(1, [3, 4])]
    assert answer_in_turn(bench, 0, 0)[1:] == [sent(0, 5)]
    assert answer_in_turn(bench, 0, 1, 2)[1:] == [sent(0, 7)]
    assert answer_in_turn(bench, 1, 3)[1:] == [sent(1, 8)]
    bench.end_input(1.01)
    assert answer_in_turn(bench, 0, 5)[1:] == [sent(0, 9)]


def test_what_is_urgent_and_of_another_kind_is_not_passed_by() -> None:
    """Nothing more is sent ahead while it waits, so that a worker falls idle soon, and takes it."""
    bench = learnt(0)
    bench.submit(1.0, *range(20))
    bench.submit(1.0, 20, like=spec(priority=1, hosts=("ant",)))
    assert answer_in_turn(bench, 0, *range(7)) == [done(0, 6)]
    assert answer_in_turn(bench, 0, 7) == [done(0, 7), sent(0, 20)]
    assert answer_in_turn(bench, 0, 20)[1:] == [sent_all(0, range(8, 14))]


def test_what_is_urgent_and_of_the_same_kind_is_sent_ahead_first() -> None:
    """Then the others."""
    bench = learnt(0)
    bench.submit(1.0, *range(20))
    bench.submit(1.0, 20, like=spec(priority=1))
    assert answer_in_turn(bench, 0, *range(4))[1:] == [sent_all(0, [20, 8, 9, 10])]


def test_what_must_not_be_run_twice_is_never_sent_ahead() -> None:
    """However short it is."""
    bench = learnt(0, like=spec(idempotent=False))
    assert bench.submit(1.0, *range(9), like=spec(idempotent=False)) == [sent(0, 0)]
    assert bench.answer(1.0, 0, 0)[1:] == [sent(0, 1)]
    assert bench.answer(1.0, 0, 1)[1:] == [sent(0, 2)]


def test_what_fails_in_a_window_is_charged_alone() -> None:
    """And comes back when it has paused."""
    bench = learnt(0)
    bench.submit(1.0, *range(6), like=spec(attempts=2))
    answers = [Outcome(0, 1, True), Outcome(1, 1, False), Outcome(2, 1, True)]
    assert bench.tell(TasksFinished(1.01, 0, answers)) == [
        done(0, 0, 2),
        Retry((Ending(1, 1, TaskState.FAILED, 0),)),
        sent(0, 3),
    ]


def test_only_the_one_that_ran_pays_for_the_death_of_its_worker() -> None:
    """The others go back as they were."""
    bench = learnt(0)
    assert bench.submit(1.0, *range(8)) == [sent_all(0, range(4))]
    bench.answer(1.001, 0, 0)
    assert bench.end(1.1, 0, running=1) == [
        Retry(
            (
                Ending(1, 1, TaskState.LOST, 0),
                *[Ending(number, 1, TaskState.READY, 0) for number in (2, 3, 4, 5)],
            )
        ),
        StartWorker(1, 0),
    ]
    assert bench.ready(1.1, 1) == [sent(1, 2, 2)]


def test_a_timeout_in_a_window_is_that_of_the_task_that_runs() -> None:
    """Its time runs from its beginning, by each answer the next one's; it alone expires, though the next has begun."""
    bench = learnt(0, like=spec(timeout=0.5))
    bench.submit(1.0, *range(16), like=spec(timeout=0.5))
    bench.answer(1.25, 0, 0)
    assert bench.wait(1.7) == []
    assert bench.wait(1.75) == [LOOK]
    assert bench.see(1.75, 0, task=1, began=1.25) == [
        Resolve((Ending(1, 1, TaskState.TIMEOUT, 0),)),
        KillWorker(0, 0.0, Cause.TIMEOUT),
    ]
    assert bench.end(1.76, 0, running=2) == [returned(0, *range(2, 8)), StartWorker(1, 0)]


def test_what_is_seen_to_run_while_older_answers_are_unread_is_what_is_timed() -> None:
    """And all but it go back uncharged, those too that had begun: their worker was killed for another's sake."""
    bench = learnt(0, like=spec(timeout=0.5))
    bench.submit(1.0, *range(16), like=spec(timeout=0.5))
    assert bench.wait(1.5) == [LOOK]
    assert bench.see(1.5, 0, task=1, began=1.25) == []
    assert bench.wait(1.75) == [LOOK]
    assert bench.see(1.75, 0, task=2, began=1.7) == []
    assert bench.wait(2.2) == [LOOK]
    assert bench.see(2.2, 0, task=2, began=1.7) == [
        Resolve((Ending(2, 1, TaskState.TIMEOUT, 0),)),
        KillWorker(0, 0.0, Cause.TIMEOUT),
    ]
    assert bench.answer(2.2, 0, 0) == [done(0, 0)]
    assert bench.end(2.2, 0, running=3) == [returned(0, 1, *range(3, 8)), StartWorker(1, 0)]


def test_a_stale_answer_gives_nobody_more_time() -> None:
    """Only an answer for something in hand says that the worker has come to the next."""
    bench = learnt(0, like=spec(timeout=0.5))
    bench.submit(1.0, *range(8), like=spec(timeout=0.5))
    assert bench.answer(1.4, 0, 99) == []
    assert bench.wait(1.5) == [LOOK]


def test_a_worker_that_has_just_answered_is_not_frozen() -> None:
    """Though it was sent what it has long ago, and is seen between two tasks; the lease runs from the answer."""
    bench = learnt(0, like=spec(timeout=25.0))
    bench.submit(1.0, *range(8), like=spec(timeout=25.0))
    bench.answer(20.0, 0, 0)
    assert bench.wait(45.0) == [LOOK]
    assert bench.see(45.0, 0) == []
    assert bench.wait(50.0) == [LOOK]
    assert bench.see(50.0, 0) == [KillWorker(0, 0.0, Cause.FROZEN)]
    assert bench.end(50.0, 0) == [returned(0, 1, 2, 3), StartWorker(1, 0)]


def test_a_stop_ends_all_that_is_in_hand_and_all_that_waits() -> None:
    """In the order of the numbers; what is answered later is stale, and nothing is recalled."""
    bench = learnt(0, 1)
    bench.submit(1.0, *range(40))
    ended = [Ending(n, int(n < 16), TaskState.NOT_RUN, 0 if n < 8 else 1 if n < 16 else None) for n in range(40)]
    assert bench.tell(StopRequested(1.1)) == [
        Resolve(tuple(ended)),
        *[KillWorker(worker, bench.machine.state.rules.stop_grace, Cause.STOP) for worker in (0, 1)],
    ]
    assert bench.answer_all(1.2, 0, 0, 1, 2) == []
    assert bench.machine.snapshot().stale == 3
    assert bench.wait(2.0) == []


def test_a_snapshot_counts_what_is_in_hand_as_sent() -> None:
    """Until it is seen to run."""
    bench = learnt(0)
    bench.submit(1.0, *range(20))
    bench.see(1.0, 0, task=0, began=1.0)
    tasks = bench.machine.snapshot().tasks
    assert [tasks[state] for state in (TaskState.READY, TaskState.SENT, TaskState.RUNNING)] == [12, 7, 1]
    assert not any(isinstance(action, SendTasks) for action in bench.wait(1.5))


def test_a_worker_whose_tasks_write_has_one_in_hand_from_then_on() -> None:
    """So that it can be told whose text it is; what it has not begun is taken back."""
    bench = learnt(0)
    bench.submit(0.0, *range(20))
    state, worker = bench.machine.state, bench.machine.state.workers[0]
    (first, *others) = worker.hand
    assert bench.tell(WorkerWrote(0.001, 0)) == [RecallTasks(0)]
    assert state.windows == 1
    assert bench.recalled(0.001, 0, *others) == [returned(0, *others)]
    assert bench.answer(0.002, 0, first) == [done(0, first), SendTasks(0, ((others[0], 2),))]
    assert bench.tell(WorkerWrote(0.003, 0)) == []
    bench.end(0.1, 0, -9)
    assert bench.tell(WorkerWrote(0.2, 0)) == []
