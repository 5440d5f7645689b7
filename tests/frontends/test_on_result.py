"""Results as they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from spreadjobs import TaskTimeout, main
from spreadjobs.engine.delivery import LIMIT
from spreadjobs.scheduling.windows import MOST


def invert(x: int) -> float:
    """It fails for 0."""
    return 1 / x


def test_each_result_comes_once_and_none_is_kept() -> None:
    """In one thread that is not ours; what is kept are counts and sums."""
    came: list[tuple[int, Any]] = []
    threads: set[int] = set()

    def take(index: int, value: Any) -> None:
        came.append((index, value))
        threads.add(threading.get_ident())

    answer = main(range(-500, 0), abs, workers=2, on_result=take)
    assert sorted(came) == [(index, 500 - index) for index in range(500)]
    assert len(threads) == 1 and threading.get_ident() not in threads
    assert (answer.results, len(answer.report.tasks), answer.report.counts()) == ([], 0, {"DONE": 500})
    assert sum([worker.tasks for worker in answer.report.workers]) == 500


def test_a_failure_comes_as_its_exception() -> None:
    """It can be asked for in the report, too; with on_error="raise" it ends the run, and comes all the same."""
    came: dict[int, Any] = {}
    report = main([1, 0, 4], invert, workers=1, on_error="return", on_result=came.__setitem__).report
    assert (came.pop(0), came.pop(2)) == (1.0, 0.25)
    assert type(came[1]) is ZeroDivisionError
    (failure,) = report.failures()
    assert (failure.index, failure.error, failure.attempts[0].number) == (1, came[1], 1)
    came.clear()
    with pytest.raises(ZeroDivisionError) as caught:
        main([0, *range(1, 99)], invert, workers=1, on_result=came.__setitem__)
    assert came[0] is caught.value
    assert vars(caught.value)["report"].counts()["FAILED"] == 1


def test_what_the_function_raises_ends_the_run() -> None:
    """It is raised by the call, and no worker is left."""

    def refuse(index: int, value: Any) -> None:
        raise LookupError("no room for it")

    with pytest.raises(LookupError, match="no room for it") as caught:
        main(iter(range(10**9)), abs, workers=2, on_result=refuse)
    assert vars(caught.value)["report"].how.name == "STOPPED"


def test_a_slow_function_delays_no_timeout() -> None:
    """The loop does not wait for it."""
    came: list[Any] = []
    is_over = threading.Event()

    def dawdle(index: int, value: Any) -> None:
        is_over.wait(2.0 if index == 0 else 0.0)
        came.append(value)

    report = main([0, 60], time.sleep, workers=2, timeout=0.3, on_error="return", on_result=dawdle).report
    assert [type(value) for value in came] == [type(None), TaskTimeout]
    (failure,) = report.failures()
    assert failure.attempts[0].seconds < 4 * 0.45


def test_no_more_is_pulled_while_the_function_is_behind() -> None:
    """What can wait is bounded, however fast the workers are."""
    pulled = 0
    most = 0
    go_on = threading.Event()

    def todo() -> Iterator[int]:
        nonlocal pulled
        for number in range(40_000):
            pulled += 1
            yield number

    def dawdle(index: int, value: Any) -> None:
        nonlocal most
        if index == 0:
            go_on.wait(1.0)  # long enough for all of them, if nobody held back
            most = pulled

    main(todo(), abs, workers=2, on_result=dawdle)
    assert pulled == 40_000
    assert most <= LIMIT + 8 * MOST
