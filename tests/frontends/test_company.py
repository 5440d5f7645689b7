from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from spreadjobs import TaskLost, TaskTimeout, main
from tests.frontends import company, deeds
from tests.frontends.processes import noted, still_there


def test_main_works_in_any_thread() -> None:
    """In another thread than the main one it does the same, and touches no signal."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(main, range(12), deeds.square, workers=2).result()
        failing: Any = pool.submit(main, [1], deeds.refuse, workers=2)
        with pytest.raises(deeds.Refusal):
            failing.result()
    assert answer.results == [x * x for x in range(12)]


def test_two_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    """Two threads, each with a crew of its own: all right; what kills the workers of one leaves the other alone."""
    barrier = threading.Barrier(2)

    def run(deadly: bool) -> Any:
        barrier.wait()
        todo = [
            (("kill_itself_once", (str(tmp_path / str(x)), x)) if deadly and x % 5 == 0 else ("square", x))
            for x in range(40)
        ]
        return main(todo, deeds.do, workers=2)

    with ThreadPoolExecutor(2) as pool:
        quiet, deadly = pool.map(run, [False, True])
    assert quiet.results == deadly.results == [x * x for x in range(40)]
    assert [len(task.attempts) for task in quiet.report.tasks] == [1] * 40
    assert [len(task.attempts) for task in deadly.report.tasks] == [2 if x % 5 == 0 else 1 for x in range(40)]


def test_a_run_inside_a_task_is_an_ordinary_run() -> None:
    """A task may spread its own work over workers of its own."""
    answer = main([3, 4], company.sum_of_squares, workers=2)
    assert answer.results == [0 + 1 + 4, 0 + 1 + 4 + 9]


@pytest.mark.parametrize("how", ["timeout", "kill"])
def test_a_run_inside_a_task_ends_with_it(how: str, tmp_path: Path) -> None:
    """When the outer task is killed, its workers, their children and its guardian are gone as well."""
    todo = [(how, str(tmp_path)), ("wait_for_the_end", str(tmp_path))]
    answer = main(todo, company.do, workers=1, timeout=1.0 if how == "timeout" else None, losses=1, on_error="return")
    assert type(answer.results[0]) is (TaskTimeout if how == "timeout" else TaskLost)
    assert answer.results[1] < 1.0
    pids = noted(tmp_path)
    assert len(pids) == 7  # two inner workers with a family, the guardian
    assert still_there(pids) == []


def test_a_failure_inside_is_a_failure_outside() -> None:
    """What the inner run raises is raised by the outer one, with the inner one's results."""
    with pytest.raises(deeds.Refusal) as caught:
        main([1], company.fail_inside)
    assert "deeds.py" in str(caught.value.__cause__)


def test_many_runs_leave_no_trace() -> None:
    """Descriptors, threads and children are as before after each of many runs, however they ended."""
    import os

    def belongings() -> tuple[int, int, str]:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return len(os.listdir("/proc/self/fd")), threading.active_count(), file.read()

    main([1], deeds.square)
    before = belongings()
    for deed in ("square", "kill_itself", "refuse", "stop_itself"):
        main([(deed, 2)] * 3, deeds.do, workers=2, timeout=0.1, losses=1, on_error="return")
        assert belongings() == before
