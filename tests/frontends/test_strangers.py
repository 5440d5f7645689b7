from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, CrewLost, TaskLost, main
from tests.frontends.conftest import Figures
from tests.frontends.processes import stub

CONNECT: Final = 0.5


def stranger(name: str, *arguments: str) -> list[str]:
    """The argument list of one of tests.frontends.strangers."""
    return [sys.executable, "-m", "tests.frontends.strangers", name, *arguments]


def shell(script: str, *arguments: str) -> list[str]:
    """The argument list of a shell script."""
    return ["sh", "-c", script, "sh", *arguments]


#: Programs that are no workers, and what is told of each; the first ones are told before the connect time is over.
NO_WORKERS: Final = {
    "echoes": (["cat"], "it only echoes what it is sent, so it is no worker"),
    "echoes behind a banner": (shell("echo Welcome; exec cat"), "it only echoes what it is sent, so it is no worker"),
    "prints too much": (
        shell("yes | head -c 100000; sleep 600"),
        r"it sent more than 65536 bytes without a marker line: .*",
    ),
    "of another version": (
        stranger("speak_another_version"),
        "it speaks version 2 of the protocol; this side speaks 1",
    ),
    "frames of another version": (
        stranger("write_another_version"),
        "a frame of version 2 of the protocol; .* version 1",
    ),
    "nonsense": (stranger("write_nonsense"), r"this is no frame: b'how do you do\?'"),
    "hurries": (
        stranger("hurry"),
        "it sent Results at the wrong time: it said hello, but did not answer the first frame",
    ),
    "no codec": (stranger("know_no_codec"), r"it does not know the codec 'pickle' \(it knows: json\)"),
    "silent": (["sleep", "600"], "it did not say that it is a worker within the connect time"),
    "silent behind a banner": (
        shell("printf Password:; sleep 600"),
        "it did not say that it is a worker, but printed b'Password:' within the connect time",
    ),
    "silent after hello": (
        stranger("greet_and_be_silent"),
        "it said hello, but did not answer the first frame within the connect time",
    ),
}


@pytest.mark.parametrize("name", NO_WORKERS)
def test_a_program_that_is_no_worker_is_told_in_a_sentence(name: str, figures: Figures) -> None:
    """Whatever it does instead, it is given up within the connect time, and not started again."""
    argv, sentence = NO_WORKERS[name]
    with pytest.raises(CrewLost) as caught, figures.clock(f"no worker: {name}", CONNECT):
        main([1, 2, 3], [argv], connection_factory=Connection_framed, connect=CONNECT)
    assert re.fullmatch(f"no worker is left, 0 of 3 tasks were done: worker 0: {sentence}", str(caught.value))
    (worker,) = caught.value.report.workers
    assert (worker.starts, worker.given_up) == (1, True)


def test_a_program_that_is_told_early_does_not_wait_for_the_connect_time(figures: Figures) -> None:
    """What can be seen at once is said at once."""
    with pytest.raises(CrewLost), figures.clock("no worker: cat, told", 0.2):
        main([1], [["cat"]], connection_factory=Connection_framed)


def test_what_is_printed_before_the_marker_is_skipped() -> None:
    """A login banner of less than 64 KiB does no harm, with or without a line break at its end."""
    scripts = ['echo Welcome; exec "$@"', 'yes | head -c 65000; echo; exec "$@"']
    crew = [shell(script, *stub("square")) for script in scripts]
    answer = main(range(12), crew, connection_factory=Connection_framed)
    assert answer.results == [x * x for x in range(12)]
    assert [worker.reasons for worker in answer.report.workers] == [[], []]


def test_preparing_may_take_longer_than_connecting() -> None:
    """Once a worker has answered the first frame there is no limit on its preparation."""
    crew = [stub("square", "--prepare=tests.frontends.preparations:prepare_slowly")]
    began = time.monotonic()
    answer = main([3], crew, connection_factory=Connection_framed, connect=1.0)
    assert answer.results == [9]
    assert time.monotonic() - began > 1.2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("break_off", r"this is no frame: b'how do you do\?how.*"),
        ("close_its_output", "it closed its output, and did not end"),
    ],
)
def test_a_worker_that_breaks_off_loses_its_task(name: str, sentence: str) -> None:
    """A worker that goes wrong with a task in hand is ended, and its task is lost with the reason."""
    answer = main([1], [stranger(name)], connection_factory=Connection_framed, losses=1, on_error="return")
    error = answer.results[0]
    assert type(error) is TaskLost
    assert re.fullmatch(f"its worker was lost while it ran: {sentence}", error.reason)


def test_when_the_last_worker_leaves_the_run_ends() -> None:
    """A worker that exits with status 0 and no task in hand is not replaced; with tasks open that is an error."""
    with pytest.raises(CrewLost) as caught:
        main([1], [stranger("fail_and_leave")], connection_factory=Connection_framed, attempts=2)
    assert "worker 0: it ended by itself with exit status 0" in str(caught.value)
    (worker,) = caught.value.report.workers
    assert (worker.starts, worker.exit_statuses, worker.tasks) == (1, [0], 1)
    assert caught.value.report.counts() == {"NOT_RUN": 1}
    (attempt,) = caught.value.report.tasks[0].attempts
    assert attempt.reason == "it raised Unwilling: not me"


def test_a_worker_may_leave_while_others_work(tmp_path: Path) -> None:
    """A worker that has left is not missed, and not replaced."""
    crew: list[list[Any]] = [
        stranger("answer_and_leave", str(tmp_path)),
        stub("tests.frontends.strangers:wait_until_one_has_left"),
    ]
    answer = main([str(tmp_path)] * 2, crew, connection_factory=Connection_framed)
    assert sorted(answer.results) == sorted([str(tmp_path), "waited"])
    assert [worker.exit_statuses for worker in answer.report.workers] == [[0], [0]]
    assert [worker.starts for worker in answer.report.workers] == [1, 1]
