from __future__ import annotations

from collections.abc import Callable

import pytest

from spreadjobs import DEFAULTS, Connection_framed, TaskLost, main
from tests.frontends import deeds, prints
from tests.frontends.processes import stub


def test_whatever_a_task_prints_is_in_its_report() -> None:
    """Python, C, descriptors and children: all of it is told with the attempt, each stream for itself."""
    report = main([7], prints.print_in_every_way).report
    (attempt,) = report.tasks[0].attempts
    assert sorted(attempt.stdout.splitlines()) == ["child 7", "descriptor 7", "library 7", "python 7"]
    assert sorted(attempt.stderr.splitlines()) == ["child 7", "descriptor 7", "python 7"]
    assert attempt.dropped == 0
    assert (report.workers[0].stdout, report.workers[0].stderr) == ("", "")


def test_no_task_is_given_what_another_printed() -> None:
    """Tasks follow each other at once on the same worker, and each has its own lines."""
    report = main(range(20), prints.print_in_every_way, workers=1).report
    for task in report.tasks:
        (attempt,) = task.attempts
        words = [line.split()[1] for line in (attempt.stdout + attempt.stderr).splitlines()]
        assert words == [str(task.index)] * 7


def test_each_attempt_has_its_own_text(tmp_path: object) -> None:
    """What was printed when it failed is told beside what was printed when it did not."""
    attempts = main([f"{tmp_path}/marker"], prints.print_and_fail_once, attempts=2).report.tasks[0].attempts
    assert [attempt.stdout for attempt in attempts] == ["the first time\n", "the second time\n"]


@pytest.mark.parametrize(
    ("deed", "size"), [(prints.print_much, 3 * 1024**2), (deeds.print_from_c, 5 * 10**6)], ids=["Python", "C"]
)
def test_the_first_mebibyte_is_kept(deed: Callable[[int], object], size: int) -> None:
    """What is more is counted, whichever way it was printed; the next task begins anew."""
    report = main([1, 2], deed, workers=1).report
    for task in report.tasks:
        (attempt,) = task.attempts
        assert attempt.stdout == "x" * DEFAULTS.output
        assert attempt.dropped == size - DEFAULTS.output


def test_the_last_words_of_a_worker_are_told() -> None:
    """What a worker wrote to descriptor 2 before it died is in the error, and with the attempt."""
    answer = main([1], prints.print_and_die, losses=1, on_error="return")
    error = answer.results[0]
    assert type(error) is TaskLost
    assert error.reason.endswith("; it printed last:\nthese are my last words")
    assert answer.report.tasks[0].attempts[0].stderr == "these are my last words\n"


def test_what_is_printed_outside_tasks_is_the_workers() -> None:
    """What is printed while preparing is told with the worker."""
    crew = [stub("square", "--prepare=tests.frontends.prints:prepare_aloud")]
    report = main([3], crew, stdin=["a", "b"], connection_factory=Connection_framed).report
    assert (report.workers[0].stdout, report.workers[0].stderr) == ("preparing a b\n", "with a warning\n")
    assert (report.tasks[0].attempts[0].stdout, report.tasks[0].attempts[0].stderr) == ("", "")


def test_bytes_that_are_no_text_are_shown() -> None:
    """What is not UTF-8 is written in a way that can be read."""
    report = main([b"caf\xe9 \xc3\xa9\n"], prints.write_bytes).report
    assert report.tasks[0].attempts[0].stdout == "caf\\xe9 é\n"


def test_a_task_reads_nothing_from_its_standard_input() -> None:
    """It is empty: the protocol is out of reach."""
    assert main([None], prints.read_standard_input).results == [""]
