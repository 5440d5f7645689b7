"""The stub on every Python from 3.6 on that this machine has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache
from glob import glob
from typing import Final

import pytest

from tests.stub.conftest import Start
from tests.stub.pipes import ROOT, TASKS, stub

VERSIONS: Final = [(3, minor) for minor in range(6, 15)]


@lru_cache
def pythons() -> dict[tuple[int, int], str]:
    """A Python of each version that can be found: on the PATH, or under pyenv's folder."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found: dict[tuple[int, int], str] = {}
    for path in sorted(glob(f"{root}/versions/3.*/bin/python")):
        version = re.search(r"/versions/3\.(\d+)", path)
        if version:
            found[3, int(version[1])] = path
    for major, minor in VERSIONS:
        path_here = shutil.which(f"python{major}.{minor}")
        if path_here and (major, minor) not in found and _runs(path_here, (major, minor)):
            found[major, minor] = path_here
    return found


def _runs(path: str, version: tuple[int, int]) -> bool:
    """Whether it is what it seems to be: a shim may stand for a Python that is not there."""
    told = subprocess.run([path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
    return told.stdout.strip() == str(version)


@pytest.fixture(params=VERSIONS, ids="{0[0]}.{0[1]}".format)
def python(request: pytest.FixtureRequest) -> str:
    """The Python of that version."""
    major, minor = request.param
    if request.param not in pythons():
        pytest.skip(f"no Python {major}.{minor} was found on the PATH or under pyenv's folder")
    return pythons()[request.param]


def test_the_stub_compiles(python: str) -> None:
    """Every file of the stub is valid there, without a warning."""
    program = "import pathlib, sys; [compile(pathlib.Path(name).read_bytes(), name, 'exec') for name in sys.argv[1:]]"
    files = sorted(map(str, (ROOT / "worker_stub").glob("*.py")))
    told = subprocess.run([python, "-W", "error", "-c", program, *files], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_stub_keeps_to_the_standard_library(python: str) -> None:
    """Importing all of it needs nothing else; ``typing`` and its kin, which are slow, are not imported."""
    program = (
        "import sys, worker_stub.main, worker_stub.__main__;"
        "print(sorted({'typing', 'json', 'logging', 'subprocess', 'inspect', 'msgpack'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [python, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"],
        capture_output=True,
        text=True,
    )
    assert (told.stdout, told.stderr) == ("[]\n", "")


@pytest.mark.parametrize("codec", ["pickle", "msgpack"])
def test_the_protocol_works(python: str, start: Start, codec: str) -> None:
    """A whole conversation: prelude, results, prints, an error, a death-free end."""
    worker = start(*stub(TASKS, python=python), codec=codec).begin(prelude=["item"])
    assert worker.value("double", 21) == 42
    assert worker.value("prelude") == ["item"]
    assert worker.run("printed", "out", "err").out == b"out"
    failed = worker.run("left", 3)
    assert failed.error is not None and (failed.error.kind, failed.error.code) == ("exit", 3)
    failed = worker.run("raised_odd")
    assert failed.error is not None and (failed.error.kind, failed.error.message) == ("raised", "odd")
    assert worker.value("forked", "returned") == 0
    assert worker.value("closed_low") is None
    assert worker.value("interrupted") == "went on"
    assert worker.leave() == (0, b"")


def test_large_values_go_both_ways(python: str, start: Start) -> None:
    """Bytes and bytearrays, alone and in others, in the prelude, in exceptions; beside the pickle where that can be."""
    large, longer = b"x" * 100_000, bytearray(b"y" * 200_000)
    worker = start(*stub(TASKS, python=python)).begin(prelude=[large, longer])
    assert worker.hello.python is not None
    has_buffers = worker.hello.python >= (3, 8, 0)
    assert worker.value("prelude") == [large, longer]
    for value in (large, longer, [large, longer], b"small", bytearray(b"small"), "\x96\x97\x98"):
        found = worker.value("given", value)
        assert found == value and type(found) is type(value)
    worker.send(("written", longer))
    answer = worker.answer()
    assert len(answer.buffers) == has_buffers
    assert worker.opened(answer) == b"\1" + longer[1:] + b"\2"
    answer = worker.run("large", 70_000, 3)
    assert len(answer.buffers) == 3 * has_buffers
    assert worker.opened(answer) == [bytes(70_000)] * 3
    answer = worker.run("raised_large", 70_000)
    assert len(answer.buffers) == has_buffers
    raised = worker.sealer.unseal(answer.payload, answer.buffers)
    assert isinstance(raised, ValueError) and raised.args == ("large", bytes(70_000), bytes(70_000))
    assert worker.leave() == (0, b"")
