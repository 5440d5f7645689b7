"""Events that come too late, and events that cannot be."""

from __future__ import annotations

import pytest

from spreadjobs.core.actions import Cause, KillWorker
from spreadjobs.core.events import (
    Event,
    Outcome,
    SlotsOffered,
    TasksFinished,
    WorkerAccepted,
    WorkerEnded,
    WorkerFaulted,
    WorkerPrinted,
    WorkerReady,
    WorkerSeen,
)
from spreadjobs.errors import InternalError
from tests.core.bench import Bench, staffed

WORDS: list[Event] = [
    WorkerAccepted(3.0, 0),
    WorkerReady(3.0, 0),
    WorkerSeen(3.0, 0, 0, 1.0, True),
    WorkerPrinted(3.0, 0),
    WorkerFaulted(3.0, 0, permanent=True),
]
LATE = pytest.mark.parametrize("event", WORDS, ids=lambda event: type(event).__name__)


@LATE
def test_the_last_words_of_a_worker_that_is_being_killed_change_nothing(event: Event) -> None:
    """They were on their way."""
    bench = staffed(0, 1)
    bench.submit(1.0, 0)
    assert bench.tell(WorkerFaulted(2.0, 0, permanent=False)) == [KillWorker(0, 0.0, Cause.FAULT)]
    before = bench.machine.snapshot()
    assert bench.tell(event) == []
    assert bench.machine.snapshot() == before


@LATE
def test_the_last_words_of_a_worker_that_is_gone_change_nothing(event: Event) -> None:
    """They may be read after its end was seen."""
    bench = staffed(0, 1)
    bench.end(2.0, 0, status=0)
    before = bench.machine.snapshot()
    assert bench.tell(event) == []
    assert bench.machine.snapshot() == before


@LATE
def test_a_worker_that_never_was_cannot_say_anything(event: Event) -> None:
    """Whoever tells of it is wrong."""
    bench = Bench()
    with pytest.raises(InternalError, match="there never was a worker 0"):
        bench.machine.handle(event)


def test_an_answer_from_a_worker_that_is_being_killed_counts_if_the_task_is_still_its() -> None:
    """It was done, after all; the worker dies all the same."""
    bench = staffed(0)
    bench.submit(1.0, 0)
    bench.tell(WorkerFaulted(2.0, 0, permanent=False))
    assert [type(action).__name__ for action in bench.tell(TasksFinished(2.1, 0, [Outcome(0, 1, True)]))] == ["Resolve"]
    assert [type(action).__name__ for action in bench.end(2.2, 0)] == ["StartWorker"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (WorkerEnded(3.0, 0, -9), "worker 0 has ended twice"),
        (WorkerEnded(3.0, 9, -9), "there never was a worker 9"),
        (WorkerAccepted(3.0, 1), "worker 1 is IDLE and cannot ACCEPT"),
        (WorkerReady(3.0, 1), "worker 1 is IDLE and cannot MAKE_READY"),
        (SlotsOffered(3.0, "bee", [7, 1]), r"slots \[1\] of bee are offered twice"),
        (SlotsOffered(3.0, "ant", [7]), "host ant is DOWN and offers slots"),
    ],
)
def test_what_cannot_be_raises_and_changes_nothing(event: Event, message: str) -> None:
    """It is a defect of whoever tells it, and must not spread."""
    bench = staffed(0)
    bench.offer(1.0, "cat", [1])
    bench.ready(1.0, 1)
    bench.end(2.0, 0, status=0)
    before = bench.machine.snapshot()
    with pytest.raises(InternalError, match=message):
        bench.machine.handle(event)
    assert bench.machine.snapshot() == before
