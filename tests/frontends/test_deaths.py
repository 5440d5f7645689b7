from __future__ import annotations

import os
import random
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, CrewLost, RunResult, Task, TaskLost, main, notComputed
from tests.frontends import deeds, preparations
from tests.frontends.conftest import Figures
from tests.frontends.processes import is_there, noted, stub, wait_until_gone

DEEDS: Final = "tests.frontends.deeds"
#: Within how much a crew that cannot work is told to be lost.
LOST: Final = 2.0


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """Where the number of a process that holds pipes is noted; it is ended after the test."""
    path = tmp_path / "held"
    yield path
    if path.exists():
        pid = int(path.read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid)


def test_a_death_is_seen_though_the_pipes_stay_open(held: Path, figures: Figures) -> None:
    """A worker's end is noticed at once, while a grandchild that nobody can find holds all its descriptors."""
    todo = [("die_while_a_grandchild_holds_the_pipes", str(held)) if x == 3 else ("square", x) for x in range(12)]
    answer = main(todo, deeds.do, workers=2, losses=1, on_error="return")
    pid, died = held.read_text().split()
    assert is_there(int(pid))
    assert [answer.results[x] for x in range(12) if x != 3] == [x * x for x in range(12) if x != 3]
    assert type(answer.results[3]) is TaskLost
    (attempt,) = answer.report.tasks[3].attempts
    noticed = attempt.started + attempt.seconds - float(died)
    figures.hold("a death noticed while a grandchild holds the pipes", 0.2, noticed)


def test_a_run_outlives_all_its_workers(tmp_path: Path) -> None:
    """All workers are killed in the middle of their work; others take over, and every result is right."""
    folder = tmp_path / "met"
    folder.mkdir()
    todo: list[tuple[str, Any]] = [("meet", (str(folder), 3))] * 3 + [("square", x) for x in range(3, 60)]
    todo[20] = ("kill_those_who_met", (str(folder), str(tmp_path / "marker")))
    answer = main(todo, deeds.do, workers=3)
    assert set(answer.results[:3]) <= set(noted(folder))
    assert answer.results[20] >= 3
    assert [answer.results[x] for x in range(3, 60) if x != 20] == [x * x for x in range(3, 60) if x != 20]
    assert [worker.exit_statuses[0] for worker in answer.report.workers] == [-9, -9, -9]


def lose(crew: Any, **settings: Any) -> CrewLost:
    """Run twelve tasks with a crew that is of no use."""
    with pytest.raises(CrewLost) as caught:
        main([("square", x) for x in range(12)], crew, **settings)
    error = caught.value
    assert error.results == [notComputed] * 12
    assert error.report.counts() == {"NOT_RUN": 12}
    assert error.report.how.name == "CREW_LOST"
    assert error.report.failures() == []
    return error


#: What a worker that is none said, and did.
MUTE: Final = "before its first task: it did not say that it is a worker"
UNPREPARED: Final = "it could not prepare:"

#: Workers that are of no use, and what is told of them.
USELESS: Final = {
    "exits": (["false"], f"it ended by itself with exit status 1 {MUTE}"),
    "leaves": (["true"], f"it ended by itself with exit status 0 {MUTE}"),
    "missing": (["/no/such"], "it could not be started: [Errno 2] No such file or directory: '/no/such'"),
    "folder": (["/"], "it could not be started: [Errno 13] Permission denied: '/'"),
    "no file": (["/dev/null/x"], "it could not be started: [Errno 20] Not a directory: '/dev/null/x'"),
    "no module": (stub("tests.none:f"), f"{UNPREPARED} ModuleNotFoundError: No module named 'tests.none'"),
    "no function": (stub("math:none"), f"{UNPREPARED} AttributeError: module 'math' has no attribute 'none'"),
    "not callable": (stub("math:pi"), f"{UNPREPARED} TypeError: math:pi is a float, not a function"),
    "bad name": (
        stub("no way:f"),
        f"it ended by itself with exit status 2 {MUTE}; it printed last:\n"
        "worker_stub: 'no way:f' is not of the form package.module:function\nusage: python -m worker_stub",
    ),
    "raises": (stub("do", f"--prepare={DEEDS}:refuse"), f"{UNPREPARED} Refusal: ('not with me', [])"),
    "leaves early": (stub("do", f"--prepare={DEEDS}:leave"), f"{UNPREPARED} SystemExit: []"),
    "dies": (
        stub("do", "--prepare=tests.frontends.preparations:prepare_to_die"),
        "it ended by itself with exit status 4 before its first task: it did not get ready",
    ),
}


@pytest.mark.parametrize("name", USELESS)
def test_a_crew_that_cannot_work_is_told_at_once(name: str, figures: Figures) -> None:
    """If none of the workers can be started, or prepare, the error says so, once for both, and soon."""
    argv, sentence = USELESS[name]
    with figures.clock(f"crew lost: {name}", LOST):
        error = lose([argv, argv], connection_factory=Connection_framed)
    assert str(error).startswith(f"no worker is left, 0 of 12 tasks were done: workers 0, 1: {sentence}")
    assert error.tails == [[], []]
    assert [worker.given_up for worker in error.report.workers] == [True, True]


@pytest.mark.parametrize("name", USELESS)
def test_a_run_goes_on_with_those_who_can_work(name: str, figures: Figures) -> None:
    """One of two workers is of no use: the other does it all, and the report says what was wrong."""
    argv, sentence = USELESS[name]
    with figures.clock(f"one of two: {name}", LOST):
        answer = main([("square", x) for x in range(12)], [argv, stub("do")], connection_factory=Connection_framed)
    assert answer.results == [x * x for x in range(12)]
    assert answer.report.workers[1].reasons == []
    assert all([reason.startswith(sentence) for reason in answer.report.workers[0].reasons])


def test_a_function_that_kills_its_reader_loses_the_crew(figures: Figures) -> None:
    """All workers die before their first task: three times each, and then no more."""
    with figures.clock("crew lost: all die at start", LOST):
        error = lose(preparations.Deadly(), workers=2)
    assert "exit status 3 before its first task: it did not get ready" in str(error)
    assert [worker.exit_statuses for worker in error.report.workers] == [[3, 3, 3]] * 2


def test_a_function_that_is_here_only_is_told(monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    """A function of a module that a worker cannot import is no reason to try again."""
    module = types.ModuleType("here_only")
    exec("def f(x): return x", vars(module))
    monkeypatch.setitem(sys.modules, "here_only", module)
    with figures.clock("crew lost: function cannot be imported", LOST):
        error = lose(module.f, workers=2)
    assert str(error).endswith("workers 0, 1: it could not prepare: ModuleNotFoundError: No module named 'here_only'")
    assert [worker.starts for worker in error.report.workers] == [1, 1]


def test_a_poison_task_is_lost_alone() -> None:
    """One task among two hundred always kills its worker: it alone ends so, after its budget, and no other pays."""
    todo = [("kill_itself", None) if x == 100 else ("square", x) for x in range(201)]
    answer = main(todo, deeds.do, workers=2, on_error="return")
    assert answer.report.counts() == {"DONE": 200, "LOST": 1}
    assert type(answer.results[100]) is TaskLost
    assert [answer.results[x] for x in range(201) if x != 100] == [x * x for x in range(201) if x != 100]
    assert [len(task.attempts) for task in answer.report.tasks] == [2 if x == 100 else 1 for x in range(201)]


def test_a_task_that_is_not_to_be_repeated_is_not() -> None:
    """With idempotent=False the first death of its worker is final."""
    answer = main([Task(None, idempotent=False)], deeds.kill_itself, losses=5, attempts=5, on_error="return")
    assert [attempt.number for attempt in answer.report.tasks[0].attempts] == [1]
    assert type(answer.results[0]) is TaskLost
    answer = main([Task(None, idempotent=False)], deeds.refuse, losses=5, attempts=5, on_error="return")
    assert len(answer.report.tasks[0].attempts) == 1


def deadly_run(seed: int, folder: Path) -> tuple[RunResult, list[int]]:
    """200 tasks on 6 workers, of which 5 % kill their worker once."""
    doomed = sorted(random.Random(seed).sample(range(200), 10))
    todo = [("kill_itself_once", (f"{folder}/{x}", x)) if x in doomed else ("square", x) for x in range(200)]
    return main(todo, deeds.do, workers=6, losses=2), doomed


@pytest.mark.parametrize("seed", range(10))
def test_deaths_in_every_corner_change_nothing(seed: int, tmp_path: Path) -> None:
    """One task in twenty kills its worker once; all results are right and in order, and nobody else pays."""
    answer, doomed = deadly_run(seed, tmp_path)
    assert answer.results == [x * x for x in range(200)]
    assert [x for x in range(200) if len(answer.report.tasks[x].attempts) == 2] == doomed
    assert sum([worker.exit_statuses.count(-9) for worker in answer.report.workers]) == 10
