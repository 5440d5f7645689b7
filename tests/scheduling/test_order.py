from __future__ import annotations

from spreadjobs.scheduling.order import order_key


def test_higher_priority_goes_first_and_then_whoever_came_first() -> None:
    """Ties go by arrival."""
    tasks = [(0, 0), (0, 1), (5, 2), (-1, 3), (5, 4)]
    assert sorted(tasks, key=lambda task: order_key(*task)) == [(5, 2), (5, 4), (0, 0), (0, 1), (-1, 3)]


def test_a_key_ends_in_the_number_of_its_task() -> None:
    """The READY index finds the task by it."""
    assert order_key(priority=3, number=17)[-1] == 17
