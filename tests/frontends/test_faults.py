from __future__ import annotations

import re
import threading
from typing import Any, Final, NamedTuple

import pytest

from spreadjobs import (
    FarTraceback,
    RunResult,
    SerializationError,
    TaskError,
    TaskExited,
    TaskInterrupted,
    TaskLost,
    TaskRaised,
    TaskReport,
    main,
    notComputed,
)
from tests.frontends import deeds
from tests.frontends.conftest import Figures

#: What a task and eleven neighbours may take, whatever it does.
FIGURE: Final = 3.0

LOST: Final = "its worker was lost while it"


class Fault(NamedTuple):
    """What task 3 does, and what must be told of it. reason: a regular expression for all of it."""

    deed: str
    error: type[Exception]
    reason: str
    attempts: int = 1
    argument: Any = 3
    losses: int = 2


FAULTS: Final = [
    Fault("kill_itself", TaskLost, rf"{LOST} ran: it was killed by signal 9 \(SIGKILL\)", 2),
    Fault("crash", TaskLost, rf"{LOST} ran: it was killed by signal 11 \(SIGSEGV\); it printed last:.*in crash\n.*", 2),
    Fault("exit_at_once", TaskLost, f"{LOST} ran: it ended by itself with exit status 0", 2),
    Fault("send_much_and_be_killed", TaskLost, rf"{LOST} sent its result: .* 9 \(SIGKILL\)", losses=1),
    Fault("leave", TaskExited, r"it called sys\.exit\(3\)"),
    Fault("interrupt", TaskInterrupted, r"it was interrupted \(KeyboardInterrupt\)"),
    Fault("raise_unpicklable", TaskRaised, "it raised Locked: with a lock in it"),
    Fault("raise_odd", TaskRaised, "it raised Odd: odd: keywords only"),
    Fault("return_lock", SerializationError, "its result cannot be sent back from the worker: TypeError: .*lock.*"),
    Fault("return_grenade", SerializationError, "its result cannot be read here: ValueError: .*boom.*"),
    Fault("square", SerializationError, "its payload cannot be read on the worker: .*boom.*", 1, deeds.Grenade()),
]

#: What task 3 does, and what it returns: no fault at all, as far as anybody else can see.
HARMLESS: Final = {
    "fork_and_return": (9, 0),
    "fork_and_raise": (9, 1),
    "fork_and_exit": (9, 7),
    "fork_and_forget": 9,
    "print_from_c": 9,
    "leave_a_thread": 9,
    "close_low_descriptors": 9,
}


def twelve(deed: str, argument: Any = 3) -> list[tuple[str, Any]]:
    """Twelve tasks, of which the fourth does something else."""
    return [(deed, argument) if index == 3 else ("square", index) for index in range(12)]


def assert_others_right(answer: RunResult) -> None:
    """Eleven of twelve tasks are as if nothing had been."""
    others = [task for task in answer.report.tasks if task.index != 3]
    assert [task.result for task in others] == [x * x for x in range(12) if x != 3]
    assert [len(task.attempts) for task in others] == [1] * 11


def assert_told(task: TaskReport, fault: Fault) -> None:
    """The report of task 3 says where, how often and why."""
    error, last = task.error, task.attempts[-1]
    assert type(error) is fault.error and isinstance(error, TaskError)
    assert (error.index, error.attempt, error.worker, error.host) == (3, fault.attempts, last.worker, "localhost")
    assert re.fullmatch(fault.reason, error.reason, re.DOTALL)
    assert str(error) == f"task 3, attempt {error.attempt} on worker {error.worker} of localhost: {error.reason}"
    assert [attempt.number for attempt in task.attempts] == list(range(1, fault.attempts + 1))
    assert all([re.fullmatch(fault.reason, attempt.reason or "", re.DOTALL) for attempt in task.attempts])
    assert task.result is notComputed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.deed}-{fault.error.__name__}")
def test_a_fault_is_told_and_harms_nobody_else(fault: Fault, figures: Figures) -> None:
    """Whatever a task does, its eleven neighbours are right, and it is told who did what, where, and how often."""
    with figures.clock(f"12 tasks, one does: {fault.deed}", FIGURE):
        todo = twelve(fault.deed, fault.argument)
        answer = main(todo, deeds.do, workers=2, on_error="return", losses=fault.losses)
    assert_others_right(answer)
    assert answer.results[3] is answer.report.tasks[3].error
    assert_told(answer.report.tasks[3], fault)
    assert answer.report.counts() == {"DONE": 11, answer.report.tasks[3].state.name: 1}


@pytest.mark.parametrize("deed", HARMLESS)
def test_what_only_looks_bad_harms_nobody(deed: str, figures: Figures) -> None:
    """Copies, threads, megabytes of text and closed descriptors are a task's own business."""
    with figures.clock(f"12 tasks, one does: {deed}", FIGURE):
        answer = main(twelve(deed), deeds.do, workers=2)
    assert_others_right(answer)
    assert answer.results[3] == HARMLESS[deed]
    assert [worker.exit_statuses for worker in answer.report.workers] == [[0], [0]]
    assert [worker.reasons for worker in answer.report.workers] == [[], []]


def test_a_payload_that_cannot_be_pickled_fails_its_task_alone(figures: Figures) -> None:
    """A task that is given a lock never reaches a worker, and says why."""
    with figures.clock("12 tasks, one is given a lock", FIGURE):
        answer = main(twelve("square", threading.Lock()), deeds.do, workers=2, on_error="return")
    assert_others_right(answer)
    task = answer.report.tasks[3]
    assert type(task.error) is SerializationError
    assert (task.error.index, task.error.attempt, task.error.worker, task.attempts) == (3, 0, None, ())
    assert str(task.error) == "task 3: its payload cannot be sent: TypeError: cannot pickle '_thread.lock' object"


def test_an_exception_comes_as_it_was(figures: Figures) -> None:
    """What a task raises arrives with its class and arguments, and the worker's traceback as its cause."""
    with figures.clock("12 tasks, one raises", FIGURE):
        answer = main(twelve("refuse"), deeds.do, workers=2, on_error="return")
    assert_others_right(answer)
    error, task = answer.results[3], answer.report.tasks[3]
    assert type(error) is deeds.Refusal and error.args == ("not with me", 3)
    cause = error.__cause__
    assert type(cause) is FarTraceback
    assert re.search(r'File ".*deeds\.py", line \d+, in refuse\n +raise Refusal\("not with me", x\)', cause.text)
    assert "worker_stub" not in cause.text
    assert [attempt.reason for attempt in task.attempts] == ["it raised Refusal: ('not with me', 3)"]
    assert task.attempts[0].worker in (0, 1)


@pytest.mark.parametrize("class_name", ["Guarded", "Mute"])
def test_an_exception_may_be_as_unfriendly_as_it_likes(class_name: str) -> None:
    """A class that guards its attributes, or has no text, harms neither the worker, nor the run, nor the report."""
    answer = main(twelve(f"raise_{class_name.lower()}"), deeds.do, workers=2, on_error="return")
    assert_others_right(answer)
    assert type(answer.results[3]) is getattr(deeds, class_name)
    assert answer.report.counts() == {"DONE": 11, "FAILED": 1}
    assert f'"type": "{class_name}"' in answer.report.to_json()
    with pytest.raises(getattr(deeds, class_name)) as caught:
        main([(f"raise_{class_name.lower()}", 3)], deeds.do, workers=2)
    assert vars(caught.value)["tails"] == [[], []]


@pytest.mark.parametrize("deed", ["kill_itself", "leave", "refuse", "return_lock", "lock"])
def test_a_fault_ends_the_run_where_that_is_asked_for(deed: str) -> None:
    """With on_error="raise" the error is raised, and has what was finished, in its place."""
    todo = twelve("square", threading.Lock()) if deed == "lock" else twelve(deed)
    with pytest.raises((TaskError, deeds.Refusal)) as caught:
        main(todo, deeds.do, workers=2)
    error: Any = caught.value
    assert error is error.results[3] is error.report.tasks[3].error
    assert len(error.tails) == 2
    assert len(error.results) == 12
    for index, result in enumerate(error.results):
        assert index == 3 or result is notComputed or result == index * index
    assert error.report.how.name == "FAILED"
    with pytest.raises(type(error)):
        error.report.raise_for_errors()
