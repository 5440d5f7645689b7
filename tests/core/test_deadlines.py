from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.core.deadlines import Deadlines, Key, Timer

ANT: Key = (Timer.WORKER, 0)
BEE: Key = (Timer.WORKER, 1)


def due(deadlines: Deadlines, at: float) -> list[Key]:
    """All that was due at that time, in order."""
    keys = []
    while (key := deadlines.pop(at)) is not None:
        keys.append(key)
    return keys


def test_timers_fire_in_the_order_of_their_times() -> None:
    """Each once; where two are equal, by their keys."""
    deadlines = Deadlines()
    deadlines.set(BEE, 1.0)
    deadlines.set(ANT, 2.0)
    deadlines.set((Timer.RUN, 0), 2.0)
    assert deadlines.wake_at() == 1.0
    assert due(deadlines, 0.5) == []
    assert due(deadlines, 2.0) == [BEE, (Timer.RUN, 0), ANT]
    assert due(deadlines, 9.0) == []
    assert deadlines.wake_at() is None


def test_a_timer_that_is_moved_to_later_is_looked_at_once_and_fires_later() -> None:
    """The wake-up may be early, and only once."""
    deadlines = Deadlines()
    deadlines.set(ANT, 1.0)
    deadlines.set(ANT, 5.0)
    assert deadlines.wake_at() == 1.0
    assert due(deadlines, 1.0) == []
    assert deadlines.wake_at() == 5.0
    assert due(deadlines, 5.0) == [ANT]


def test_a_timer_that_is_moved_to_earlier_fires_then_and_not_again() -> None:
    """What the heap had of it before is passed over."""
    deadlines = Deadlines()
    deadlines.set(ANT, 5.0)
    deadlines.set(ANT, 1.0)
    assert due(deadlines, 1.0) == [ANT]
    deadlines.set(ANT, 7.0)
    assert due(deadlines, 6.0) == []
    assert due(deadlines, 7.0) == [ANT]


def test_a_timer_that_is_cleared_does_not_fire() -> None:
    """Nor does one that is set to never."""
    deadlines = Deadlines()
    deadlines.set(ANT, 1.0)
    deadlines.clear(ANT)
    deadlines.set(BEE, 1.0)
    deadlines.set(BEE, math.inf)
    assert deadlines.wake_at() is None
    assert due(deadlines, 2.0) == []


def test_a_deadline_that_moves_with_each_task_does_not_fill_the_heap() -> None:
    """A hundred thousand tasks later there is still one entry."""
    deadlines = Deadlines()
    for at in range(100_000):
        deadlines.set(ANT, at + 30.0)
        deadlines.clear(ANT)
        deadlines.set(ANT, at + 31.0)
    assert len(deadlines._heap) == 1


steps = st.lists(
    st.tuples(st.sampled_from(["set", "clear", "wait"]), st.integers(0, 3), st.integers(0, 9)), max_size=40
)


@given(steps)
def test_timers_do_what_a_plain_dict_would_do(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is set, moved and cleared; and the wake-up is never late."""
    deadlines, plain, now = Deadlines(), dict[Key, float](), 0.0
    for what, number, seconds in steps:
        key = (Timer.TASK, number)
        if what == "set":
            deadlines.set(key, now + seconds)
            plain[key] = now + seconds
        elif what == "clear":
            deadlines.clear(key)
            plain.pop(key, None)
        else:
            now += seconds
            expected = sorted((when, key) for key, when in plain.items() if when <= now)
            assert due(deadlines, now) == [key for _, key in expected]
            plain = {key: when for key, when in plain.items() if when > now}
        wake_at = deadlines.wake_at()
        assert (wake_at is None) == (not plain)
        assert wake_at is None or wake_at <= min(plain.values())
        assert [deadlines.get((Timer.TASK, n)) for n in range(4)] == [plain.get((Timer.TASK, n)) for n in range(4)]
