from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spreadjobs import CrewLost, SerializationError, main
from tests.frontends import deeds, mischief
from tests.frontends.processes import ROOT, run_python


@pytest.mark.parametrize(
    "deed", ["close_streams", "lose_streams", "clear_environment", "change_signals", "starve_interpreter"]
)
def test_a_worker_survives_what_a_task_does_to_the_interpreter(deed: str) -> None:
    """Streams, environment, modules, signals: the tasks that follow on the same worker are right."""
    answer = main([deed, 3, 4], mischief.do, workers=1)
    assert answer.results == [None, 9, 16]
    assert answer.report.workers[0].exit_statuses == [0]


def test_too_deep_is_a_failure_like_others() -> None:
    """A task that recurses for ever raises RecursionError; a result that is too deep cannot be sent."""
    answer = main([1, 2], mischief.recurse, workers=1, on_error="return")
    assert [type(result) for result in answer.results] == [RecursionError, RecursionError]
    answer = main([10**5, 3], mischief.nest, workers=1, on_error="return")
    assert type(answer.results[0]) is SerializationError and "RecursionError" in answer.results[0].reason
    assert answer.results[1] == [[[[]]]]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_task_may_have_children_of_its_own(method: str) -> None:
    """multiprocessing works in a task as anywhere."""
    assert main([method], mischief.use_pool).results == [[1, 2, 3]]


def test_large_things_go_there_and_back() -> None:
    """Twenty megabytes each way, on two workers at once."""
    todo = [os.urandom(1000) * 20_000 for _ in range(2)]
    assert main(todo, deeds.give_back, workers=2).results == todo


def test_many_small_things_come_in_order() -> None:
    """Two thousand tasks, each with its own result."""
    assert main(range(2000), deeds.square, workers=3).results == [x * x for x in range(2000)]


@contextmanager
def few_descriptors(count: int) -> Iterator[None]:
    """No more than so many descriptors can be had."""
    highest = max(map(int, os.listdir("/proc/self/fd")))
    gaps = [os.dup(1)]
    while gaps[-1] < highest:
        gaps.append(os.dup(1))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (gaps[-1] + 1 + count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for gap in gaps:
            os.close(gap)


def test_as_many_workers_as_there_are_descriptors_for() -> None:
    """Where not all can be started for want of descriptors, the others do the work; where none can, that is told."""
    with few_descriptors(40):
        answer = main(range(100), deeds.square, workers=30)
    assert answer.results == [x * x for x in range(100)]
    assert "Too many open files" in answer.report.workers[-1].reasons[0]
    with few_descriptors(9), pytest.raises(CrewLost, match="Too many open files"):
        main([1, 2], deeds.square, workers=2)


@pytest.mark.parametrize("count", range(25))
def test_nothing_is_kept_wherever_descriptors_run_out(count: int) -> None:
    """With few the run cannot begin, with more no worker can be started, with enough all is well: each is told."""
    told = ""
    with few_descriptors(count):
        try:
            assert main([1, 2], deeds.square, workers=2).results == [1, 4]
        except (OSError, CrewLost) as error:
            told = str(error)
    assert not told or "Too many open files" in told


def test_a_master_without_standard_streams() -> None:
    """A program whose descriptors 0 to 2 are closed is served like any other."""
    script = """
import os
from spreadjobs import main
from tests.frontends import deeds, prints
os.closerange(0, 3)
todo = [("square", 3), (prints.print_in_every_way, 1), ("kill_itself", 1)]
answer = main(todo, deeds.do, losses=1, on_error="return")
attempt = answer.report.tasks[1].attempts[0]
ok = answer.results[:2] == [9, 1] and "SIGKILL" in str(answer.results[2])
ok = ok and (len(attempt.stdout.splitlines()), len(attempt.stderr.splitlines())) == (4, 3)
os._exit(0 if ok else 3)
"""
    assert run_python("-c", script, folder=ROOT).returncode == 0
