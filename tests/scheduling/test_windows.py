from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.scheduling.windows import MOST, WORK, next_pace, next_window, share, time_left


def test_the_first_answers_give_the_pace_and_later_ones_move_it() -> None:
    """Slower ones by more, so that a window soon shrinks where tasks get long."""
    assert next_pace(0.0, 0.008, 4) == 0.002
    assert next_pace(0.002, 0.004, 1) == pytest.approx(0.003)
    assert next_pace(0.002, 0.0, 1) == pytest.approx(0.0015)


def test_a_window_doubles_while_there_is_room_for_twice_the_tasks() -> None:
    """Then it holds as many as fit; at once where that is fewer, and never more than most."""
    assert [next_window(window, 0.001) for window in (1, 2, 4, 8, 10, 500)] == [2, 4, 8, 10, 10, 10]
    assert next_window(64, 5.0) == 1
    assert next_window(1, 0.0) == 2
    assert next_window(MOST, 0.0) == MOST
    assert next_window(MOST // 2 + 1, 1e-6) == MOST


@given(st.integers(1, MOST), st.floats(0.0, 1e9))
def test_a_window_is_always_one_at_least(window: int, pace: float) -> None:
    """And holds no more work than it should, or one task."""
    after = next_window(window, pace)
    assert 1 <= after <= min(2 * window, MOST) or after < window
    assert after == 1 or after * pace <= WORK * (1 + 1e-9)


@pytest.mark.parametrize(("ready", "live", "tasks"), [(100, 2, 25), (10, 2, 2), (3, 2, 1), (1, 8, 1), (0, 1, 1)])
def test_half_a_fair_share_of_what_is_left_is_taken_at_a_time(ready: int, live: int, tasks: int) -> None:
    """One at least."""
    assert share(ready, live) == tasks


def test_a_worker_that_is_silent_for_long_will_be_for_as_long_again() -> None:
    """Until then its pace counts."""
    assert time_left(0.001, 5, 0.002) == 0.005
    assert time_left(0.001, 5, 7.0) == 7.0
