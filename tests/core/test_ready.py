from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.core.host import HostEntry
from spreadjobs.core.ready import ReadyIndex, Shape
from spreadjobs.scheduling.order import order_key
from tests.core.bench import spec


def index(*cpus: int) -> tuple[ReadyIndex, list[Shape]]:
    """An index with a shape for each number of cpus."""
    ready = ReadyIndex()
    host = HostEntry("ant")
    host.slots = 8
    return ready, [ready.shape_of(spec(cpus=count), [host]) for count in cpus]


def drain(ready: ReadyIndex, most: int = 1) -> list[int]:
    """All tasks, in the order in which they go, so many at a time."""
    numbers = []
    while (shape := ready.first()) is not None:
        numbers += ready.take(shape, most)
    return numbers


def test_tasks_of_one_kind_share_a_shape() -> None:
    """Two specs that ask for the same are one shape, whatever else they say."""
    ready, (one, two) = index(1, 2)
    assert ready.shape_of(spec(timeout=3.0, priority=5), []) is one
    assert one is not two
    assert one.never is None
    assert ready.shape_of(spec(cpus=9), []).never == "no host is there"


def test_a_shape_that_is_set_aside_comes_back_where_it_was() -> None:
    """Also when it was the only one, and when nothing of it is left."""
    ready, (one, two) = index(1, 2)
    ready.push(two, order_key(0, 0))
    ready.push(one, order_key(0, 1))
    ready.set_aside(two)
    assert ready.first() is one
    assert ready.take(one, 5) == [1]
    assert ready.first() is None
    ready.bring_back([two])
    assert drain(ready) == [0]
    ready.bring_back([one])
    assert ready.first() is None


def test_a_task_that_comes_back_goes_to_the_front_of_all() -> None:
    """Its shape moves before the others with it, and what the heap had of the shape before counts once."""
    ready, (one, two) = index(1, 2)
    for number in range(6):
        ready.push((one, two)[number % 2], order_key(0, number))
    assert [ready.take(one, 1), ready.take(two, 1)] == [[0], [1]]
    ready.push(one, order_key(0, 0))
    assert len(ready) == 5
    assert drain(ready) == [0, 2, 3, 4, 5]


def test_a_shape_that_is_cleared_is_not_listed() -> None:
    """Ready or delayed, all are forgotten."""
    ready, (one, _) = index(1, 2)
    ready.push(one, order_key(0, 3))
    ready.push(one, order_key(0, 1))
    one.delayed[2] = None
    assert sorted(one.numbers()) == [1, 2, 3]
    assert list(ready.waiting()) == [one]
    one.clear()
    assert list(one.numbers()) == []
    assert list(ready.waiting()) == []
    assert ready.first() is None


def test_several_are_taken_for_as_long_as_their_shape_goes_first() -> None:
    """Up to the head of another shape, whichever of the others that is, or up to as many as are wanted."""
    ready, (one, two, three) = index(1, 2, 3)
    for number in (0, 1, 2, 5, 6):
        ready.push(one, order_key(0, number))
    ready.push(three, order_key(0, 4))
    ready.push(two, order_key(0, 3))
    assert ready.take(one, 2) == [0, 1]
    assert ready.take(one, 9) == [2]
    assert ready.take(two, 9) == [3]
    assert ready.take(three, 9) == [4]
    assert ready.take(one, 9) == [5, 6]
    assert ready.first() is None


def test_what_has_come_back_is_taken_first_and_the_rest_behind_it() -> None:
    """Of one shape, several at a time."""
    ready, (one,) = index(1)
    for number in range(6):
        ready.push(one, order_key(0, number))
    assert ready.take(one, 4) == [0, 1, 2, 3]
    ready.push(one, order_key(0, 2))
    ready.push(one, order_key(0, 1))
    assert ready.take(one, 3) == [1, 2, 4]
    assert ready.take(one, 3) == [5]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.booleans()), max_size=60), st.integers(1, 5))
def test_the_index_gives_what_sorting_would(steps: Sequence[tuple[int, int, bool]], most: int) -> None:
    """Tasks come with priorities, some are taken and come back; the first is always the smallest key of all."""
    ready, shapes = index(1, 2, 3)
    plain: list[tuple[tuple[int, int], int]] = []
    for number, (which, priority, comes) in enumerate(steps):
        if comes or not plain:
            plain.append((order_key(priority, number), which))
            ready.push(shapes[which], order_key(priority, number))
        else:
            plain.sort()
            key, taken = plain.pop(0)
            assert ready.first() is shapes[taken]
            assert ready.take(shapes[taken], 1) == [key[-1]]
            if priority > 0:
                plain.append((key, taken))
                ready.push(shapes[taken], key)
        assert len(ready) == len(plain)
    assert drain(ready, most) == [key[-1] for key, _ in sorted(plain)]
