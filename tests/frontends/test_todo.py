from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spreadjobs import (
    Connection_framed,
    Hints,
    Needs,
    Placement,
    RunInterrupted,
    SerializationError,
    Task,
    TaskRefused,
    UsageError,
    main,
    notComputed,
)
from spreadjobs.scheduling.windows import MOST
from tests.frontends import deeds
from tests.frontends.processes import noted, still_there, stub


def test_the_first_item_is_pulled_before_any_worker_starts(tmp_path: Path) -> None:
    """While the iterable makes its first item, there is no worker yet; the workers are there for the second."""
    crew = [["sh", "-c", f'touch {tmp_path}/$$; exec "$@"', "sh", *stub("square")]]
    seen = []

    def todo() -> Iterator[int]:
        seen.append(noted(tmp_path))
        yield 1
        yield 2

    assert main(todo(), crew, connection_factory=Connection_framed).results == [1, 4]
    assert seen == [[]]
    assert len(noted(tmp_path)) == 1


def test_an_iterable_is_pulled_as_there_is_room() -> None:
    """An endless generator is pulled from only so far as the workers need; a failure ends it."""
    counter = itertools.count()
    with pytest.raises(deeds.Refusal) as caught:
        main((("refuse" if x == 100 else "square", x) for x in counter), deeds.do, workers=2)
    results: list[Any] = vars(caught.value)["results"]
    assert results[100] is caught.value
    assert len(results) == next(counter) < 100 + 4 * MOST
    assert [x for x in results[:100] if x is not notComputed][:50] == [x * x for x in range(50)]


def test_what_the_iterable_raises_is_raised(tmp_path: Path) -> None:
    """The iterable's own exception comes as it was, with what was finished; the workers are gone."""

    def todo() -> Iterator[tuple[str, Any]]:
        yield ("meet", (str(tmp_path), 1))
        while not noted(tmp_path):
            yield ("square", 2)
        yield ("sleep_for_ever", None)
        raise OSError("the list is torn")

    with pytest.raises(OSError, match="the list is torn") as caught:
        main(todo(), deeds.do, workers=2)
    error: Any = caught.value
    assert error.results[-1] is notComputed
    assert len(error.report.tasks) == len(error.results) >= 2
    assert error.report.counts()["NOT_RUN"] >= 1
    assert error.report.how.name == "STOPPED"
    assert len(error.tails) == 2
    assert still_there(noted(tmp_path)) == []


@pytest.mark.parametrize("good", [0, 1, 10])
def test_no_item_is_forgotten_that_came_before(good: int) -> None:
    """However early the iterable breaks, all that it gave has a place in what is raised."""

    def todo() -> Iterator[int]:
        yield from range(good)
        raise deeds.Refusal("no more")

    with pytest.raises(deeds.Refusal) as caught:
        main(todo(), deeds.square, workers=2)
    error: Any = caught.value
    assert len(error.results) == len(error.report.tasks) == good
    assert len(error.tails) == 2
    assert all([error.results[x] in (notComputed, x * x) for x in range(good)])


def test_an_interrupt_from_the_iterable_ends_the_run() -> None:
    """A KeyboardInterrupt that the iterable raises is never swallowed."""

    def todo() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(RunInterrupted) as caught:
        main(todo(), deeds.square, workers=1)
    assert caught.value.results == [notComputed]
    assert caught.value.report.counts() == {"NOT_RUN": 1}


def test_tasks_of_higher_priority_go_first(tmp_path: Path) -> None:
    """Among tasks that wait, the more important goes first; among equals, the first."""
    priorities = [0, 0, 5, -1, 5, 0]
    todo = [Task(str(index), hints=Hints(priority=priority)) for index, priority in enumerate(priorities)]
    answer = main(todo, deeds.give_back, workers=1)
    assert answer.results == ["0", "1", "2", "3", "4", "5"]
    started = sorted(answer.report.tasks, key=lambda task: task.attempts[0].started)
    order = [task.index for task in started]
    assert [index for index in order if index not in (0,)] == [2, 4, 1, 5, 3]


def test_a_task_that_needs_more_cpus_fills_more_slots(tmp_path: Path) -> None:
    """While a task of two cpus runs, no other does on a crew of two."""
    todo = [Task(0.1, needs=Needs(cpus=2)), Task(0.1, needs=Needs(cpus=2)), 0.05, 0.05]
    answer = main(todo, deeds.wait, workers=2)
    spans = [(task.attempts[0].started, task.attempts[0].seconds) for task in answer.report.tasks]
    for begin, seconds in spans[:2]:
        others = [span for span in spans if span != (begin, seconds)]
        assert all([other + length <= begin + 0.01 or other >= begin + seconds - 0.01 for other, length in others])


def test_what_can_never_run_is_refused() -> None:
    """A task that needs more than there is, or another host, is told so; the others are done."""
    todo = [
        Task(2),
        Task(3, needs=Needs(cpus=3), name="wide"),
        Task(4, placement=Placement(hosts=("elsewhere",))),
        Task(5, placement=Placement(hosts=("elsewhere", "localhost"))),
    ]
    answer = main(todo, deeds.square, workers=2, on_error="return")
    assert (answer.results[0], answer.results[3]) == (4, 25)
    assert [type(answer.results[index]) for index in (1, 2)] == [TaskRefused, TaskRefused]
    assert str(answer.results[1]).startswith("task 1 (wide): it can never run: ")
    assert [task.attempts for task in answer.report.tasks[1:3]] == [(), ()]


def test_a_name_is_in_every_message() -> None:
    """What a user calls a task is how he is told of it."""
    todo = [Task("x", name="the first"), Task(None, name="the second"), Task(threading.Lock(), name="third")]
    answer = main(todo, deeds.leave, workers=2, on_error="return")
    assert [task.name for task in answer.report.tasks] == ["the first", "the second", "third"]
    where = f"attempt 1 on worker {answer.results[0].worker} of localhost"
    assert str(answer.results[0]) == f"task 0 (the first), {where}: it called sys.exit('x')"
    assert (answer.results[0].code, answer.results[1].code, answer.results[1].name) == ("x", None, "the second")
    assert type(answer.results[2]) is SerializationError and str(answer.results[2]).startswith("task 2 (third): ")


def test_a_list_longer_than_the_crew_has_a_worker_for_each_cpu() -> None:
    """Without workers= there is one for each CPU that we may use, but no more than the tasks can fill."""
    cpus = len(os.sched_getaffinity(0))
    assert len(main(range(50), deeds.square).report.workers) == cpus
    answer = main([1], deeds.square, workers=5)
    assert (len(answer.report.workers), answer.tails) == (1, [[]] * 5)
    assert len(main((x for x in [1]), deeds.square, workers=3).report.workers) == 3


@pytest.mark.parametrize("todo", [range(0), {}, set(), iter(()), filter(None, [0])])
def test_any_iterable_will_do(todo: Any) -> None:
    """Also one that is empty."""
    assert main(todo, deeds.square, workers=1).results == []


def test_an_old_sequence_will_do() -> None:
    """What has no ``__iter__`` but can be indexed is an iterable, too."""

    class Old:
        def __getitem__(self, index: int) -> int:
            if index == 4:
                raise IndexError
            return index

    todo: Any = Old()
    assert main(todo, deeds.square, workers=1).results == [0, 1, 4, 9]


def test_what_is_no_iterable_is_refused() -> None:
    """A number is not a list of tasks."""
    wrong: Any = 5
    with pytest.raises(UsageError, match="todo=5: it must be an iterable"):
        main(wrong, deeds.square)
