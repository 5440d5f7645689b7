from __future__ import annotations

import copy
import json
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from spreadjobs import (
    Connection_framed,
    DeadlinePassed,
    FarTraceback,
    Limits,
    RunResult,
    Task,
    TaskLost,
    TaskState,
    main,
    notComputed,
)
from tests.frontends import deeds
from tests.frontends.conftest import Figures
from tests.frontends.processes import stub


def test_results_are_in_the_order_of_the_tasks() -> None:
    """results[i] belongs to the i-th task, whatever order they ended in."""
    delays = [0.2, 0.0, 0.1, 0.0]
    answer = main(delays, deeds.wait, workers=4)
    assert answer.results == delays
    assert isinstance(answer, RunResult)
    results, tails = answer
    assert (results, tails) == (delays, [[], [], [], []])


def test_a_report_tells_who_did_what_and_when() -> None:
    """Each attempt has its worker, host, start and duration; each worker its processes and its share."""
    before = time.time()
    report = main([0.05] * 6, deeds.wait, workers=2).report
    assert [task.index for task in report.tasks] == list(range(6))
    for task in report.tasks:
        (attempt,) = task.attempts
        assert (attempt.number, attempt.host, attempt.state, attempt.reason) == (1, "localhost", TaskState.DONE, None)
        assert attempt.worker in (0, 1)
        assert before <= attempt.started <= time.time()
        assert 0.05 <= attempt.seconds < 5
    assert sum([worker.tasks for worker in report.workers]) == 6
    assert sum([worker.seconds for worker in report.workers]) >= 0.3
    assert [(worker.index, worker.host, worker.starts) for worker in report.workers] == [
        (0, "localhost", 1),
        (1, "localhost", 1),
    ]
    assert (report.how.name, report.counts()) == ("COMPLETE", {"DONE": 6})
    assert before <= report.started <= time.time()
    assert report.tasks[-1] == report.tasks[5] and report.tasks[4:] == [report.tasks[4], report.tasks[5]]
    assert repr(report).startswith("<Report COMPLETE: 6 DONE; 2 workers, 0.")
    report.raise_for_errors()


def test_a_report_can_be_written_as_json() -> None:
    """All but the results can be stored."""
    report = main([3, "x"], deeds.square, on_error="return").report
    stored = json.loads(report.to_json())
    assert stored["counts"] == {"DONE": 1, "FAILED": 1}
    assert stored["tasks"][0]["attempts"][0]["state"] == "DONE"
    assert stored["tasks"][1]["error"]["type"] == "TypeError"
    assert [task.index for task in report.failures()] == [1]


def test_nothing_to_do_is_done_at_once(figures: Figures) -> None:
    """Without tasks no worker is started for a function, and each has an empty tail."""
    with figures.clock("no tasks", 0.01):
        answer = main([], deeds.square, workers=3)
    assert tuple(answer) == ([], [[], [], []])
    assert answer.report.counts() == {}


def test_not_computed_is_false_and_alone() -> None:
    """It is one object, through pickle and copy too, so that ``is`` can be asked."""
    assert not notComputed
    assert repr(notComputed) == "notComputed"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(notComputed, protocol)) is notComputed
    assert copy.copy(notComputed) is copy.deepcopy([notComputed])[0] is notComputed
    assert main([notComputed], deeds.give_back).results[0] is notComputed


def test_an_exception_that_is_returned_is_a_value() -> None:
    """A task that returns an exception has not failed."""
    answer = main([1], deeds.return_refusal)
    assert type(answer.results[0]) is deeds.Refusal
    assert answer.report.tasks[0].state is TaskState.DONE
    assert answer.report.tasks[0].error is None


def test_what_is_raised_shows_where(tmp_path: Path) -> None:
    """The traceback that a user sees names the line of the task's own file, on the worker's side."""
    with pytest.raises(deeds.Refusal) as caught:
        main([1], deeds.refuse)
    cause = caught.value.__cause__
    assert type(cause) is FarTraceback
    assert "deeds.py" in str(cause) and 'raise Refusal("not with me", x)' in str(cause)
    assert cause.text.splitlines()[0] == "Traceback (most recent call last):"


def test_the_first_failure_in_time_ends_the_run(tmp_path: Path) -> None:
    """What was finished is kept, what was open was not run, and what had not been pulled has its place too."""
    done = tmp_path / "done"
    todo: list[Any] = [("make_file", str(done)), ("wait_and_refuse", str(done)), *[("sleep_for_ever", None)] * 98]
    with pytest.raises(deeds.Refusal) as caught:
        main(todo, deeds.do, workers=2)
    error: Any = caught.value
    assert error.results == ["made", error] + [notComputed] * 98
    assert error.report.counts() == {"DONE": 1, "FAILED": 1, "NOT_RUN": 98}
    assert error.report.how.name == "FAILED"
    assert error.report.seconds < 5


def test_another_attempt_is_made_as_often_as_asked(tmp_path: Path) -> None:
    """attempts=3: the third error is final, and each pause is about twice as long as the one before."""
    answer = main([str(tmp_path / "good"), str(tmp_path / "bad")], deeds.succeed_later, attempts=3, on_error="return")
    good, bad = answer.report.tasks
    assert good.result == "at last"
    assert [attempt.state.name for attempt in good.attempts] == ["FAILED", "FAILED", "DONE"]
    assert type(bad.error) is deeds.Refusal
    assert [attempt.reason for attempt in bad.attempts] == ["it raised Refusal: not yet"] * 3
    first, second, third = [attempt.started for attempt in bad.attempts]
    assert second - first >= 0.08
    assert third - second >= 0.16


def test_losses_have_a_budget_of_their_own() -> None:
    """losses=3: the third death of its worker is final, whatever its errors."""
    answer = main([1], deeds.kill_itself, losses=3, attempts=1, on_error="return")
    assert [attempt.state.name for attempt in answer.report.tasks[0].attempts] == ["LOST"] * 3
    error = answer.results[0]
    assert type(error) is TaskLost and error.attempt == 3
    answer = main([Task(1, limits=Limits(losses=1))], deeds.kill_itself, losses=3, on_error="return")
    assert len(answer.report.tasks[0].attempts) == 1


@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_a_deadline_ends_the_call(on_error: Any, figures: Figures) -> None:
    """What is open when it passes was not run; what was finished is kept; nothing is waited for."""
    todo: list[Any] = [("square", 3), ("stop_itself", 0), ("sleep_for_ever", 0), ("sleep_for_ever", 0)]
    with figures.clock(f"deadline=0.3, on_error={on_error}", 0.3 + 1.0 + 0.1):
        if on_error == "return":
            answer: Any = main(todo, deeds.do, workers=2, deadline=0.3, on_error="return")
        else:
            with pytest.raises(DeadlinePassed) as caught:
                main(todo, deeds.do, workers=2, deadline=0.3)
            answer = caught.value
            assert isinstance(answer, TimeoutError)
            assert str(answer) == "the deadline of the call passed, 1 of 4 tasks were done"
    assert answer.results == [9, notComputed, notComputed, notComputed]
    assert answer.report.counts() == {"DONE": 1, "NOT_RUN": 3}
    assert answer.report.how.name == "DEADLINE"
    assert [attempt.reason for attempt in answer.report.tasks[1].attempts] == ["the run was stopped"]


def test_a_deadline_ends_plain_commands() -> None:
    """A command that does not end is ended, and what it had printed is its tail."""
    answer = main([], [["sh", "-c", "echo begun; sleep 600"]], deadline=0.3, on_error="return")
    assert answer.tails == [["begun\n"]]
    with pytest.raises(DeadlinePassed):
        main([], [["sleep", "600"]], deadline=0.2)


def test_argument_lists_may_hold_paths_and_numbers(tmp_path: Path) -> None:
    """What is no text becomes text, as a shell would have it."""
    (tmp_path / "file").write_text("content\n")
    assert main([], [["head", "-n", 1, tmp_path / "file"]]).tails == [["content\n"]]
    crew = (stub("square") for _ in range(2))
    assert main(range(3), crew, connection_factory=Connection_framed).results == [0, 1, 4]
