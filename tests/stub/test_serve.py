"""``serve``: a user's own program becomes a worker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spreadjobs.protocol import messages
from tests.stub.conftest import Start
from tests.stub.pipes import ROOT, PipeMaster
from worker_stub import prelude

PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from worker_stub import prelude, serve

print("a banner", end="")
tables = []

def compute(number):
    print("computing", number)
    return number * sum(tables)

serve(compute, prepare=tables.extend)
print("served", tables, prelude())
sys.stdout.flush()
"""


@pytest.fixture
def program(tmp_path: Path, start: Start) -> PipeMaster:
    """A user's program that serves."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return start(sys.executable, str(path), cwd=tmp_path)


def test_a_program_of_the_user_s_is_a_worker(program: PipeMaster) -> None:
    """It prepares, computes, and what it prints afterwards is the tail; its earlier prints are skipped."""
    program.begin(prelude=[1, 2])
    program.send(10)
    answer = program.answer()
    assert (program.opened(answer), answer.out) == (30, b"computing 10\n")
    assert program.leave() == (0, b"served [1, 2] [1, 2]\n")


def test_a_program_that_is_sent_nothing_goes_on(program: PipeMaster) -> None:
    """With an input that is empty, serve returns at once, and the program's prints are plain text."""
    program.close_input()
    assert program.end() == (0, b"a bannerserved [] []\n")


def test_a_program_that_cannot_prepare_ends(program: PipeMaster) -> None:
    """A preparation that fails is TROUBLE, and serve does not return."""
    program.set_up()
    program.write(*messages.prelude(program.meta, (b"garbage", ())), *messages.prepare(program.meta))
    found = program.hear()
    assert isinstance(found, messages.Trouble) and found.error.kind == "argument"
    assert program.end() == (1, b"")
    assert b"served" not in program.captured


def test_a_task_that_fails_does_not_end_the_program(program: PipeMaster) -> None:
    """What compute raises is the task's error."""
    program.begin(prelude=["x"])
    program.send(10)
    answer = program.answer()
    assert answer.error is not None and (answer.error.kind, answer.error.type) == ("raised", "TypeError")
    assert program.leave() == (0, b"served ['x'] ['x']\n")


def test_outside_a_worker_there_is_no_prelude() -> None:
    """A function that is tried at home finds no items."""
    assert prelude() == []
