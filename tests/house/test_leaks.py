from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import leaks
from tests.leaks import belongings, changes, end_processes

ORPHAN = """
import subprocess
nothing = subprocess.DEVNULL
child = subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=nothing, stderr=nothing)
print(child.pid)
"""


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE", 0.0)


@pytest.fixture
def mess() -> Iterator[ExitStack]:
    """What a test makes a mess with, and what tidies it up."""
    with ExitStack() as stack:
        yield stack


def kinds(before: leaks.Belongings, look_far: bool = False) -> list[str]:
    """What kinds of things were left or lost, in order of their names."""
    return sorted({kind for kind, _ in changes(before, look_far)})


@pytest.mark.usefixtures("_no_patience")
def test_nothing_is_found_where_nothing_is_left() -> None:
    """A tidy test passes."""
    before = belongings(look_far=True)
    subprocess.run(["true"], check=True)
    assert changes(before, look_far=True) == {}


@pytest.mark.usefixtures("_no_patience")
def test_what_is_left_is_found(mess: ExitStack) -> None:
    """A thread, a descriptor, a child and a temporary file are each found, and named."""
    before = belongings(look_far=False)
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="forgotten")
    thread.start()
    mess.callback(thread.join)
    mess.callback(done.set)
    descriptor, path = tempfile.mkstemp()
    mess.callback(os.remove, path)
    mess.callback(os.close, descriptor)
    child = mess.enter_context(subprocess.Popen(["sleep", "60"]))
    mess.callback(child.kill)
    assert kinds(before) == ["descriptor", "file", "process", "thread"]
    assert "thread 'forgotten' is left" in changes(before, look_far=False).values()


@pytest.mark.usefixtures("_no_patience")
def test_a_descriptor_closed_by_a_stranger_is_found() -> None:
    """Who closes a descriptor twice closes somebody else's the second time."""
    ours = os.open(os.devnull, os.O_RDONLY)
    before = belongings(look_far=False)
    os.close(ours)
    assert kinds(before) == ["descriptor"]


def test_orphans_are_found_and_ended() -> None:
    """A grandchild in a session of its own, whose parent is gone, is found by its mark."""
    before = belongings(look_far=True)
    orphan = int(subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, check=True).stdout)
    found = {thing: text for thing, text in belongings(look_far=True).items() if thing not in before}
    assert list(found) == [("process", orphan)]
    end_processes(found)
    assert changes(before, look_far=True) == {}
