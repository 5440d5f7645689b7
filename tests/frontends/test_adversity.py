"""What a sceptic found: odd folders, odd settings, slow iterables, and systems that tell little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spreadjobs import DeadlinePassed, Hints, Placement, Task, UsageError, main
from tests.house.tree import ROOT

SCRIPT = """
import sys
sys.path.append({root!r})
from spreadjobs import main

print(main([1, 2], lambda x: x + 1, workers=1).results)
"""


def run_script(text: str, folder: bytes) -> str:
    """What a script prints that is run from its standard input, in this folder."""
    done = subprocess.run([sys.executable], input=text.encode(), cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    """File names are bytes: modules are found from any folder."""
    folder = os.fsencode(tmp_path) + b"/bad\xff"
    os.mkdir(folder)
    assert run_script(SCRIPT.format(root=str(ROOT)), folder) == "[2, 3]\n"


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A deleted current folder is no reason not to work."""
    (tmp_path / "gone").mkdir()
    text = "import os; os.rmdir(os.getcwd())\n" + SCRIPT.format(root=str(ROOT))
    assert run_script(text, os.fsencode(tmp_path / "gone")) == "[2, 3]\n"


def test_a_module_that_calls_main_when_it_is_imported(tmp_path: Path) -> None:
    """Its workers import it too: that comes to an end, with a sentence that says why."""
    (tmp_path / "rec.py").write_text(
        "from spreadjobs import main\n\ndef f(x):\n    return x\n\nmain([1], f, workers=1)\n"
    )
    text = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n" + (
        "try:\n    import rec\nexcept Exception as error:\n    print(type(error).__name__, 'nested' in str(error))\n"
    )
    assert run_script(text, os.fsencode(tmp_path)) == "CrewLost True\n"


def test_where_the_end_of_a_process_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for instead, also of one that has ended at once."""
    monkeypatch.delattr(os, "pidfd_open")
    for _ in range(20):
        assert main([], [["true"], ["echo", "hi"]]) == ([], [[], ["hi\n"]])


def test_a_program_that_ignores_its_children() -> None:
    """Their exit status is then nobody's to know; all else holds."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        for _ in range(20):
            assert main([], [["true"], ["echo", "hi"]]) == ([], [[], ["hi\n"]])
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_an_iterable_that_takes_its_time() -> None:
    """Between two items the run goes on: limits and the deadline hold."""

    def todo() -> Iterator[float]:
        yield 60.0
        yield from [0.001] * 70
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            time.sleep(0.05)  # such is the iterable: it is what is tested
            yield 0.001

    report = main(todo(), time.sleep, workers=2, timeout=0.3, on_error="return").report
    (attempt,) = report.tasks[0].attempts
    assert attempt.seconds < 1.2
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        main((x for x in todo() if x < 1), time.sleep, workers=1, deadline=0.5)
    assert time.monotonic() - began < 4 * 0.6


@pytest.mark.parametrize("wanted", [SystemExit("enough"), GeneratorExit("enough")], ids=["SystemExit", "GeneratorExit"])
def test_an_iterable_that_wants_to_leave(wanted: BaseException) -> None:
    """What was finished is told with it, too."""

    def todo() -> Iterator[int]:
        yield from range(5)
        raise wanted

    with pytest.raises(type(wanted)) as caught:
        main(iter(todo()) if isinstance(wanted, SystemExit) else Leaving(wanted), abs)
    assert len(vars(caught.value)["report"].tasks) == 5


class Leaving:
    """An iterator that raises what a generator cannot raise by itself."""

    def __init__(self, wanted: BaseException) -> None:
        self._left = 5
        self._wanted = wanted

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self._left:
            raise self._wanted
        self._left -= 1
        return self._left


def test_settings_of_the_wrong_kind_are_refused() -> None:
    """In one sentence each, before anything is started."""
    wrong: Any = None
    for make in (
        lambda: Placement(hosts="localhost"),  # type: ignore[arg-type]  # (that is the point)
        lambda: Hints(priority=wrong),
        lambda: Task(1, needs=wrong),
        lambda: Task(1, name=5),  # type: ignore[arg-type]  # (that is the point)
        lambda: main([1], abs, connect=wrong),
        lambda: main([1], abs, grace=wrong),
        lambda: main([], [["echo", None]]),
        lambda: main([], [["echo", "\ud800"]]),
    ):
        with pytest.raises(UsageError):
            make()


def test_settings_that_say_nothing_are_the_usual_ones() -> None:
    """None is not set; a list of hosts is as good as a tuple; bytes are arguments, too."""
    unset: Any = None
    hosts: Any = ["localhost"]
    assert main([Task(-1, placement=Placement(hosts))], abs, attempts=unset, losses=unset, connect=1e9).results == [1]
    assert main([], [["echo", b"hi"]]).tails == [["hi\n"]]


def test_a_long_chain_of_exceptions() -> None:
    """Letting go of it takes time in proportion to it."""
    (failure,) = main([3000], chain, on_error="return").results
    assert type(failure) is ValueError


def chain(length: int) -> None:
    """Raise an exception with so many others behind it."""
    last = ValueError(0)
    for number in range(length):
        error = ValueError(number)
        error.__context__, last = last, error
    raise last
