from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, Connection_lines, CrewLost, RunEnd, main
from tests.frontends.conftest import Figures
from tests.frontends.test_strangers import shell, stranger

LINES: Final[dict[str, Any]] = {"connection_factory": Connection_lines}
FRAMED: Final[dict[str, Any]] = {"connection_factory": Connection_framed}


def program(text: str) -> list[str]:
    """A worker of one's own: ``serve`` with ``text`` after it."""
    start = "import os, sys, time\nfrom worker_stub import prelude, serve\nserve(lambda x: x * x)\n"
    return [sys.executable, "-c", start + text]


def test_the_shortest_call(figures: Figures) -> None:
    """Plain commands need no tasks and no protocol; what they print is their tail."""
    with figures.clock("main([], [['echo', 'hi']])", 0.05):
        answer = main([], [["echo", "hi"]])
    assert answer == ([], [["hi\n"]])


def test_tails_are_in_the_order_of_the_commands() -> None:
    """Whoever ends first, each tail has its place; lines keep their breaks, and the last one may have none."""
    crew = [shell("sleep 0.1; printf 'a\\nb'"), ["true"], ["seq", "3"], shell("printf '\\n\\n'")]
    assert main([], crew).tails == [["a\n", "b"], [], ["1\n", "2\n", "3\n"], ["\n", "\n"]]


def test_any_bytes_come_back() -> None:
    """Bytes that are no UTF-8 can be told from others, as in file names; ten megabytes are no more than many lines."""
    answer = main([], [shell(r"printf 'caf\351\n'"), shell("yes 123456789 | head -n 1000000")])
    assert answer.tails[0] == ["caf\udce9\n"]
    assert answer.tails[1] == ["123456789\n"] * 1_000_000


def test_a_commands_exit_status_is_in_the_report() -> None:
    """It raises nothing, whatever it is; what was printed on descriptor 2 is there, too."""
    answer = main([], [shell("echo out; echo err >&2; exit 3"), shell("kill -9 $$"), ["true"]])
    assert answer.tails == [["out\n"], [], []]
    assert [worker.exit_statuses for worker in answer.report.workers] == [[3], [-9], [0]]
    assert [worker.stderr for worker in answer.report.workers] == ["err\n", "", ""]
    assert [worker.reasons for worker in answer.report.workers] == [
        ["it ended by itself with exit status 3"],
        ["it was killed by signal 9 (SIGKILL)"],
        [],
    ]
    assert answer.report.how is RunEnd.COMPLETE


def test_commands_that_cannot_be_started() -> None:
    """One of two: the other has its tail, and the report says what was wrong. All of them: that is an error."""
    answer = main([], [["/no/such"], ["echo", "hi"]])
    assert answer.tails == [[], ["hi\n"]]
    assert answer.report.workers[0].reasons[0].startswith("it could not be started: [Errno 2]")
    with pytest.raises(CrewLost, match="workers 0, 1: it could not be started") as caught:
        main([], [["/no/such"]] * 2)
    assert (caught.value.results, caught.value.tails) == ([], [[], []])


def test_commands_that_read() -> None:
    """The prelude is written as it is, text or bytes, to each of them; then their input ends."""
    answer = main([], [["sort"], ["wc", "-c"], ["cat"]], stdin=["b\n", b"a\n", "é"], **LINES)
    assert answer.tails == [["a\n", "b\n", "é\n"], ["6\n"], ["b\n", "a\n", "é"]]
    assert main([], [["cat"]]).tails == [[]]


def test_a_large_prelude_meets_a_command_that_answers_as_it_reads() -> None:
    """Neither waits for the other, and one that does not read at all ends as it likes."""
    line = "x" * 99 + "\n"
    answer = main([], [["cat"], ["true"], ["head", "-n", "1"]], stdin=[line] * 50_000, **LINES)
    assert answer.tails == [[line] * 50_000, [], [line]]
    assert [worker.exit_statuses for worker in answer.report.workers] == [[0], [0], [0]]


def test_what_a_program_prints_at_its_end_is_its_tail() -> None:
    """After ``serve`` has returned, descriptor 1 is an ordinary one again, for children and exit handlers too."""
    text = "import atexit\natexit.register(print, 'at exit')\nprint('sum', 7)\nos.system('echo child')\n"
    answer = main(range(4), [program(text)] * 2, **FRAMED)
    assert answer.results == [0, 1, 4, 9]
    assert [sorted(tail) for tail in answer.tails] == [["at exit\n", "child\n", "sum 7\n"]] * 2


def test_a_program_without_tasks() -> None:
    """It gets the prelude, and prints its tail; with neither task nor prelude it is started and reads nothing."""
    crew = [program("print(prelude())")] * 2
    assert main([], crew, stdin=[5, "x"], **FRAMED).tails == [["[5, 'x']\n"]] * 2
    assert main([], crew, **FRAMED).tails == [["[]\n"]] * 2
    assert main([], crew).tails == [["[]\n"]] * 2


def test_the_tail_is_that_of_the_last_process() -> None:
    """What the processes before it printed is in the report."""
    # A task that was sent to one that has just left is lost with it: it has no page to say that it had not begun.
    answer = main([1, 2, 3], [stranger("answer_and_say_goodbye")], losses=9, **FRAMED)
    assert answer.results == [1, 2, 3]
    (worker,) = answer.report.workers
    assert worker.exit_statuses == [1] * worker.starts
    lines = worker.stdout.splitlines(keepends=True) + answer.tails[0]
    assert len(answer.tails[0]) == 1
    assert len(set(lines)) == len(lines) == worker.starts >= 3
    assert all([line.startswith("the tail of ") for line in lines])


SILENT: Final = "it was killed: it was silent for the grace after its input was closed"


def test_a_worker_that_is_silent_at_its_end_is_ended(figures: Figures) -> None:
    """A framed worker that prints nothing for the grace after its input was closed is killed; its tail is kept."""
    with figures.clock("a silent worker, grace=0.2", 0.2 + 1.0):
        answer = main([3], [program("print('so long', flush=True)\ntime.sleep(600)")], grace=0.2, **FRAMED)
    assert (answer.results, answer.tails) == ([9], [["so long\n"]])
    assert answer.report.workers[0].reasons == [SILENT]


def test_a_reader_of_lines_that_is_silent_is_ended(figures: Figures) -> None:
    """So is a command that was sent a prelude."""
    with figures.clock("a silent command, grace=0.2", 0.2 + 1.0):
        answer = main([], [shell("cat; exec sleep 600")], stdin=["text\n"], grace=0.2, **LINES)
    assert answer.tails == [["text\n"]]
    assert answer.report.workers[0].reasons == [SILENT]


@pytest.mark.parametrize("kind", ["framed", "lines"])
def test_a_tail_that_grows_is_waited_for(kind: str) -> None:
    """A worker that goes on printing may take as long as it likes."""
    if kind == "framed":
        crew = [program("for i in range(6): time.sleep(0.2); print(i, flush=True)")]
        answer = main([3], crew, grace=0.8, **FRAMED)
    else:
        answer = main([], [shell("for i in 0 1 2 3 4 5; do sleep 0.2; echo $i; done")], stdin=["x"], grace=0.8, **LINES)
    assert answer.tails == [["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]]
    assert answer.report.workers[0].exit_statuses == [0]


def test_a_command_that_was_sent_nothing_has_no_grace() -> None:
    """It may be silent for as long as it likes."""
    answer = main([], [shell("sleep 0.6; echo done"), ["sleep", "0.6"]], grace=0.1)
    assert answer.tails == [["done\n"], []]
    assert [worker.exit_statuses for worker in answer.report.workers] == [[0], [0]]


def test_what_a_command_leaves_is_ended(tmp_path: Path) -> None:
    """A child that a command has left, with its pipes, neither delays the run nor outlives it."""
    answer = main([], [shell(f"sleep 600 & echo $! > {tmp_path}/pid; echo done")])
    assert answer.tails == [["done\n"]]
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/fd/1").exists()
