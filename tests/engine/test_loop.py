from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from spreadjobs.engine.loop import READ, WRITE, Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop, closed after the test."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe: to read from, to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_descriptor_that_is_ready_is_told(loop: Loop, pipe: tuple[int, int]) -> None:
    """As long as there is something to be read, each turn calls back; after ``unwatch`` none does."""
    told: list[bytes] = []
    loop.watch(pipe[0], READ, lambda: told.append(os.read(pipe[0], 1)))
    os.write(pipe[1], b"abc")
    loop.turn()
    loop.turn()
    loop.unwatch(pipe[0])
    loop.turn(0.0)
    assert told == [b"a", b"b"]


def test_room_to_write_is_told(loop: Loop, pipe: tuple[int, int]) -> None:
    """A pipe that is full is not ready; one that has been emptied is."""
    told: list[str] = []
    os.set_blocking(pipe[1], False)
    written = os.write(pipe[1], bytes(10**6))
    loop.watch(pipe[1], WRITE, lambda: told.append("room"))
    loop.turn(0.0)
    assert told == []
    assert len(os.read(pipe[0], 10**6)) == written
    loop.turn()
    assert told == ["room"]
    loop.unwatch(pipe[1])


def test_what_was_unwatched_in_the_same_turn_is_not_told(loop: Loop, pipe: tuple[int, int]) -> None:
    """A callback may let go of a descriptor that was ready too."""
    told: list[str] = []
    other = os.dup(pipe[0])

    def tell(name: str, rival: int) -> None:
        told.append(name)
        loop.unwatch(rival)

    loop.watch(pipe[0], READ, partial(tell, "first", other))
    loop.watch(other, READ, partial(tell, "second", pipe[0]))
    os.write(pipe[1], b"x")
    loop.turn()
    assert len(told) == 1
    loop.unwatch(pipe[0] if told == ["first"] else other)
    os.close(other)


def test_timers_are_called_in_the_order_of_their_times(loop: Loop) -> None:
    """Those that are due, whoever was set first; equal times in the order in which they were set."""
    told: list[int] = []
    now = loop.clock()
    for number, when in enumerate([now - 1, now - 3, now - 2, now - 3, now + 600]):
        loop.call_at(when, partial(told.append, number))
    loop.turn(0.0)
    assert told == [1, 3, 2, 0]


def test_a_turn_waits_for_the_first_timer(loop: Loop) -> None:
    """It neither comes too early nor waits for another reason."""
    told: list[float] = []
    due = loop.clock() + 0.05
    loop.call_later(600, lambda: told.append(-1.0))
    loop.call_at(due, lambda: told.append(loop.clock()))
    while not told:
        loop.turn()
    assert due <= told[0] < due + 5


def test_a_timer_that_was_taken_back_is_not_called(loop: Loop) -> None:
    """Nor is it waited for; to take it back twice, or too late, does no harm."""
    told: list[str] = []
    timer = loop.call_later(0.0, lambda: told.append("taken back"))
    timer.cancel()
    late = loop.call_later(0.0, lambda: told.append("late"))
    loop.turn()
    late.cancel()
    timer.cancel()
    began = time.monotonic()
    loop.call_later(600, lambda: None).cancel()
    loop.turn(loop.clock() + 0.01)
    assert told == ["late"]
    assert time.monotonic() - began < 5


def test_a_turn_ends_when_it_is_told_to(loop: Loop) -> None:
    """``until`` is a time of the loop's clock; one that is past means that nothing is waited for."""
    until = loop.clock() + 0.05
    loop.turn(until)
    assert loop.clock() >= until
    loop.turn(until - 600)


def test_another_thread_can_wake_it(loop: Loop) -> None:
    """``post`` ends a wait that has no other end, and calls back in the loop's own thread."""
    told: list[threading.Thread] = []
    thread = threading.Thread(target=loop.post, args=(lambda: told.append(threading.current_thread()),))
    thread.start()
    while not told:
        loop.turn()
    thread.join()
    assert told == [threading.current_thread()]


def test_a_signal_handler_can_wake_it(loop: Loop) -> None:
    """A signal that comes during a wait is as good as another thread."""
    told: list[str] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: loop.post(lambda: told.append("alarm")))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        while not told:
            loop.turn()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert told == ["alarm"]


def test_any_number_of_posts_are_called_in_order(loop: Loop) -> None:
    """The pipe behind it may be full: no post waits, and none is lost."""
    told: list[int] = []
    for number in range(100_000):
        loop.post(partial(told.append, number))
    while len(told) < 100_000:
        loop.turn()
    assert told == list(range(100_000))


def test_what_is_posted_by_a_post_waits_for_the_next_turn(loop: Loop) -> None:
    """A callback that posts itself again keeps nobody else from his turn."""
    told: list[str] = []

    def again() -> None:
        told.append("posted")
        loop.post(again)

    loop.post(again)
    loop.call_later(0.0, lambda: told.append("timer"))
    loop.turn()
    loop.turn()
    assert told == ["posted", "timer", "posted"]


def test_it_keeps_no_descriptor() -> None:
    """After ``close`` all that it had is closed."""
    before = os.listdir("/proc/self/fd")
    loop = Loop()
    loop.post(lambda: None)
    loop.close()
    assert os.listdir("/proc/self/fd") == before
