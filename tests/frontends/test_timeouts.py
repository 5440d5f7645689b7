from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Limits, Task, TaskReport, TaskState, TaskTimeout, main, notComputed
from spreadjobs.engine.results import Attempt
from tests.frontends import deeds
from tests.frontends.conftest import Figures
from tests.frontends.processes import noted, still_there

TIMEOUT: Final = 0.5
#: Within how much of its start the task is told to have run too long.
TOLD: Final = 0.65
#: How much later its slot works again.
AT_WORK: Final = 0.2


def first_after(attempt: Attempt, tasks: list[TaskReport]) -> Attempt:
    """What the same worker's slot did next."""
    others = [other for task in tasks for other in task.attempts if other.worker == attempt.worker]
    return min([other for other in others if other.started > attempt.started], key=lambda other: other.started)


def hold_both(figures: Figures, what: str, task: TaskReport, tasks: list[TaskReport]) -> None:
    """Hold both figures for a task that ran too long."""
    (attempt,) = task.attempts
    assert attempt.state is TaskState.TIMEOUT
    end = attempt.started + attempt.seconds
    figures.hold(f"{what}: TIMEOUT after its start", TOLD, attempt.seconds)
    figures.hold(f"{what}: its slot at work again", AT_WORK, first_after(attempt, tasks).started - end)


@pytest.mark.parametrize("deed", ["stop_itself", "sleep_for_ever", "spin_in_c"])
def test_a_task_that_does_not_end_is_ended(deed: str, figures: Figures) -> None:
    """A task that hangs, in whatever way, is killed when its time is up, and its slot goes on at once."""
    todo: list[tuple[str, Any]] = [("slow_square", x) for x in range(12)]
    todo[3] = (deed, None)
    answer = main(todo, deeds.do, workers=2, timeout=TIMEOUT, on_error="return")
    assert [result for result in answer.results if result is not answer.results[3]] == [
        x * x for x in range(12) if x != 3
    ]
    task = answer.report.tasks[3]
    assert type(task.error) is TaskTimeout and task.state is TaskState.TIMEOUT
    assert task.error.reason.startswith("it ran longer than its timeout, and was killed after 0.5")
    assert (task.error.index, task.error.attempt, task.error.worker) == (3, 1, task.attempts[0].worker)
    assert answer.report.workers[task.attempts[0].worker].exit_statuses == [-9, 0]
    hold_both(figures, deed, task, list(answer.report.tasks))


def test_its_whole_process_tree_ends_with_it(tmp_path: Path, figures: Figures) -> None:
    """Children and grandchildren, deaf ones in sessions of their own, are gone before the next task runs."""
    todo = [("raise_a_family", str(tmp_path)), ("sleep_for_ever", None), ("seconds_until_gone", str(tmp_path))]
    answer = main(todo, deeds.do, workers=1, timeout=TIMEOUT, on_error="return")
    assert answer.report.counts() == {"DONE": 2, "TIMEOUT": 1}
    hold_both(figures, "with a family", answer.report.tasks[1], list(answer.report.tasks))
    figures.hold("its family gone after that", AT_WORK, answer.results[2])
    assert len(noted(tmp_path)) == 5


def test_what_a_good_task_leaves_ends_with_its_worker(tmp_path: Path) -> None:
    """A family that a task has left is gone when main returns."""
    main([str(tmp_path)], deeds.raise_a_family, workers=1)
    assert len(noted(tmp_path)) == 5
    assert still_there(noted(tmp_path)) == []


def test_a_grace_interrupts_first(tmp_path: Path) -> None:
    """With Limits(grace=...) a task, even one that is stopped, gets a KeyboardInterrupt, and can tidy up."""
    sign = tmp_path / "sign"
    todo = [Task(("write_when_interrupted", str(sign)), limits=Limits(timeout=0.2, grace=20)), ("square", 4)]
    answer = main(todo, deeds.do, workers=1, on_error="return")
    assert sign.read_text() == "interrupted"
    assert type(answer.results[0]) is TaskTimeout
    assert answer.results[1] == 16
    assert answer.report.seconds < 10  # the worker went by itself, long before the grace was over


def test_a_grace_comes_to_an_end(figures: Figures) -> None:
    """A task that stays in spite of interrupt and TERM is killed when its grace is over."""
    todo = [Task(("stay_when_interrupted", 0), limits=Limits(timeout=0.2, grace=0.4)), ("square", 4)]
    answer = main(todo, deeds.do, workers=1, on_error="return")
    assert answer.results[1] == 16
    assert answer.report.workers[0].exit_statuses == [-9, 0]
    (attempt,) = answer.report.tasks[0].attempts
    after = first_after(attempt, list(answer.report.tasks)).started - attempt.started - attempt.seconds
    assert after >= 0.4
    figures.hold("a stubborn task's slot at work again after a grace of 0.4", 0.4 + AT_WORK, after)


def test_a_timeout_is_final() -> None:
    """A task that ran too long is not run again, however many attempts and losses it has; the run may go on or end."""
    answer = main([None], deeds.stop_itself, timeout=0.1, attempts=5, losses=5, on_error="return")
    assert len(answer.report.tasks[0].attempts) == 1
    with pytest.raises(TaskTimeout) as caught:
        main([None, None], deeds.stop_itself, workers=1, timeout=0.1, attempts=5)
    assert isinstance(caught.value, TimeoutError)
    results: list[Any] = vars(caught.value)["results"]
    assert results == [caught.value, notComputed]


def test_a_task_has_its_own_limit() -> None:
    """What a task says goes before what the call says, in both directions."""
    todo = [Task(0.3, limits=Limits(timeout=30)), Task(600, limits=Limits(timeout=0.1)), 0, 600]
    answer = main(todo, time.sleep, workers=4, timeout=0.2, on_error="return")
    assert [task.state.name for task in answer.report.tasks] == ["DONE", "TIMEOUT", "DONE", "TIMEOUT"]
    assert [type(task.error) for task in answer.report.tasks[1::2]] == [TaskTimeout, TaskTimeout]


def test_a_timeout_counts_from_the_start_of_the_attempt() -> None:
    """Tasks that wait for a worker, or for their next attempt, are not running."""
    answer = main([0.3] * 4, time.sleep, workers=1, timeout=0.6)
    assert answer.report.counts() == {"DONE": 4}
    assert answer.report.seconds > 1.2
