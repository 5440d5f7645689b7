from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, SerializationError, TaskRaised, main
from tests.frontends import deeds
from tests.frontends.processes import ROOT, run_python, stub


class Scale:
    """A callable with a state."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, x: int) -> int:
        return x * self.factor

    def method(self, x: int) -> int:
        """The same."""
        return x * self.factor

    @classmethod
    def made(cls, x: int) -> int:
        """The same, by way of the class."""
        return cls(3)(x)


def triple(factor: int) -> Any:
    """A closure."""

    def inner(x: int) -> int:
        return x * factor

    return inner


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 3 * x,
        triple(3),
        functools.partial(max, 3),
        functools.partial(lambda y, x: x * y, 3),
        Scale(3),
        Scale(3).method,
        Scale.made,
        (3).__mul__,
    ],
    ids=["lambda", "closure", "partial", "partial of a lambda", "object", "method", "class method", "slot"],
)
def test_anything_that_can_be_called_will_do(function: Any) -> None:
    """Functions by name or by value, methods, partial ones and callable objects give what they give here."""
    assert main(range(4), function, workers=2).results == [function(x) for x in range(4)]


def test_a_builtin_will_do() -> None:
    """What is written in C is found by its name."""
    assert main([[1, 2], [3]], sum).results == [3, 3]


def test_a_function_is_unpickled_once_for_each_worker(tmp_path: Path) -> None:
    """However many tasks a worker has, its function arrives once; what it keeps, it keeps."""
    answer = main(range(20), deeds.Counter(), workers=2)
    shares = [worker.tasks for worker in answer.report.workers]
    expected = [count for share in shares for count in range(1, share + 1)]
    assert sorted(answer.results) == sorted(expected)


SCRIPT: Final = """
import dataclasses, os, sys
from spreadjobs import Connection_framed, SerializationError, TaskRaised, main

@dataclasses.dataclass
class Point:
    x: int
    y: int = 0

    def moved(self, by):
        return Point(self.x + by, self.y)

class Lost(Exception):
    pass

STEP = 10

def move(point):
    if point.x == 2:
        raise Lost(point)
    return point.moved(STEP)

if __name__ == "__main__":
    results, tails = main([Point(1), Point(2), Point(3)], move, workers=2, on_error="return")
    assert results[0] == Point(11) and type(results[0]) is Point, results
    assert type(results[1]) is Lost and results[1].args == (Point(2),), results
    assert results[2] == Point(13)
    try:
        main([Point(2)], move)
    except Lost as error:
        assert error.__cause__ is not None and __file__ in str(error.__cause__)
    assert main([move], lambda function: function(Point(1))).results == [Point(11)]
    assert main(["x"], lambda name: [Point, name][0](5)).results == [Point(5)]
    echo = [sys.executable, "-m", "worker_stub", "copy:copy"]
    assert main([Point(7)], [echo], connection_factory=Connection_framed).results == [Point(7)]
    print("all is well")
"""


@pytest.mark.parametrize("how", ["file", "folder away", "standard input", "-c"])
def test_a_script_of_ones_own(how: str, tmp_path: Path) -> None:
    """Functions and classes of ``__main__`` go there and come back as what they were, however the script is run."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    if how in ("standard input", "-c"):
        text = SCRIPT.replace("and __file__ in str(error.__cause__)", "")
        run = run_python("-c", text) if how == "-c" else run_python("-", text=text)
    else:
        run = run_python(str(script), folder=Path("/") if how == "folder away" else ROOT)
    assert (run.returncode, run.stdout, run.stderr) == (0, "all is well\n", "")


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """The script is not imported by its workers, so that it needs no ``if __name__ == "__main__"``."""
    script = tmp_path / "bare.py"
    script.write_text("from spreadjobs import main\nprint('begun')\nprint(main([1, 2], lambda x: x + 1).results)\n")
    run = run_python(str(script))
    assert (run.stdout, run.stderr) == ("begun\n[2, 3]\n", "")


def test_a_module_beside_the_script_is_found(tmp_path: Path) -> None:
    """Workers look for modules where the master does, wherever it was started."""
    (tmp_path / "beside.py").write_text("def f(x):\n    return x + 1\n")
    script = tmp_path / "script.py"
    script.write_text("import beside\nfrom spreadjobs import main\nprint(main([1], beside.f).results)\n")
    run = run_python(str(script), folder=Path("/"))
    assert (run.stdout, run.stderr) == ("[2]\n", "")


def test_a_module_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m worker_stub module:function`` finds what stands where the master was started."""
    (tmp_path / "around.py").write_text("def f(x):\n    return x + 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert main([1], [stub("around:f")], connection_factory=Connection_framed).results == [2]


def test_what_only_the_worker_knows(tmp_path: Path) -> None:
    """A class that cannot be imported here: raised, it is told by type and text; returned, it cannot be read."""
    text = """
class Theirs(Exception):
    pass

def f(x):
    if x:
        raise Theirs('only there')
    return Theirs()
"""
    (tmp_path / "theirs.py").write_text(text)
    worker = ["env", f"PYTHONPATH={tmp_path}:{ROOT}", *stub("theirs:f")]
    answer = main([0, 1], [worker], connection_factory=Connection_framed, on_error="return")
    returned, raised = answer.results
    assert type(returned) is SerializationError
    assert returned.reason == "its result cannot be read here: ModuleNotFoundError: No module named 'theirs'"
    assert type(raised) is TaskRaised and raised.reason == "it raised Theirs: only there"
    assert "raise Theirs('only there')" in str(raised.__cause__)
