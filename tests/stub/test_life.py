"""The phases of a worker: exec, prepare, run, shutdown."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from spreadjobs.protocol import messages
from spreadjobs.protocol.messages import Trouble
from tests.stub import tasks
from tests.stub.conftest import Start
from tests.stub.pipes import ROOT, PipeMaster, stub
from worker_stub import frames, page


def trouble(worker: PipeMaster) -> Trouble:
    """Let a worker prepare that cannot."""
    worker.write(*messages.prepare(worker.meta))
    found = worker.hear()
    assert isinstance(found, Trouble)
    assert worker.hear() is None
    assert worker.end()[0] == 1
    return found


def test_hello_says_who_the_worker_is(start: Start) -> None:
    """HELLO holds what the master needs to know, and what it was handed is adopted."""
    worker = start()
    hello = worker.greet()
    assert (hello.pid, hello.python) == (worker.process.pid, sys.version_info[:3])
    assert (hello.meta, hello.codecs) == ("msgpack", ("pickle", "msgpack"))
    assert hello.cpus == len(os.sched_getaffinity(0)) and hello.memory is not None and hello.memory > 1 << 20
    assert (hello.page, hello.capture) == (True, True)


def test_accepted_comes_before_any_user_code(start: Start) -> None:
    """A worker whose module cannot be imported accepts all the same, and then is in trouble."""
    worker = start(*stub("no_such_module:f"))
    worker.set_up()
    assert worker.page.read()[4] in (page.PHASE_EXEC, page.PHASE_PREPARE)
    error = trouble(worker).error
    assert (error.kind, error.type) == ("function", "ModuleNotFoundError")
    assert "no_such_module" in error.message and error.traceback is not None


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("tests.stub.tasks:nothing", "function", "nothing"),
        ("tests.stub.tasks:TYPE_CHECKING", "function", "is a bool, not a function"),
    ],
)
def test_a_function_that_is_not_there_is_trouble(start: Start, spec: str, kind: str, message: str) -> None:
    """What the module does not have, or is no function, is told before any task is sent."""
    worker = start(*stub(spec))
    worker.set_up()
    error = trouble(worker).error
    assert error.kind == kind and message in error.message


def test_a_module_that_exits_is_trouble(start: Start, tmp_path: Path) -> None:
    """sys.exit while the user's module is imported does not end the worker without a word."""
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit('no licence')\n")
    worker = start(*stub("leaves:f"))
    worker.set_up(path=[str(tmp_path), *sys.path])
    error = trouble(worker).error
    assert (error.kind, error.type, error.message) == ("function", "SystemExit", "no licence")


def test_a_preparation_that_fails_is_trouble(start: Start) -> None:
    """What --prepare names raises: the worker tells, and what it printed is on its descriptor."""
    worker = start(*stub("tests.stub.tasks:run", "--prepare", "tests.stub.tasks:unprepared"))
    worker.set_up()
    worker.write(*messages.prelude(worker.meta, worker.sealer.seal("item")))
    error = trouble(worker).error
    assert (error.kind, error.type, error.message) == ("raised", "RuntimeError", "no licence")
    assert error.traceback is not None and "worker_stub" not in error.traceback
    assert worker.captured == b"tried with ['item']\n"


@pytest.mark.parametrize("item", [b"garbage", pickle.dumps(tasks.Exits(), 4)])
def test_a_prelude_that_cannot_be_read_is_trouble(start: Start, item: bytes) -> None:
    """An unreadable item of the prelude is told as an argument that cannot be read."""
    worker = start()
    worker.set_up()
    worker.write(*messages.prelude(worker.meta, (item, ())))
    assert trouble(worker).error.kind == "argument"


def test_the_prelude_reaches_the_function_and_the_preparation(start: Start) -> None:
    """The items are there for whoever asks, in order."""
    worker = start(*stub("tests.stub.tasks:run", "--prepare=tests.stub.tasks:prepared"))
    worker.begin(prelude=["a", 2])
    assert worker.value("prelude") == ["a", 2]
    assert worker.value("seen") == [["a", 2]]
    assert worker.leave() == (0, b"")


def test_a_function_is_sent_once(start: Start) -> None:
    """A function by value is sent under a digest, once, and serves all tasks; one more may come at any time."""
    worker = start(*stub())
    worker.set_up()
    for digest, function in ((b"a" * 16, lambda number: number + 1), (b"b" * 16, lambda number: number * 10)):
        worker.write(*messages.function(worker.meta, digest, worker.sealer.seal(function)))
    worker.write(*messages.prepare(worker.meta, b"a" * 16))
    assert isinstance(worker.hear(), messages.Ready)
    worker.send(1, 2)
    worker.send(3, function=b"b" * 16)
    worker.write(*messages.function(worker.meta, b"c" * 16, worker.sealer.seal(len)))
    worker.send("four", function=b"c" * 16)
    assert [worker.opened(worker.answer()) for _ in range(4)] == [2, 3, 30, 4]
    assert worker.leave() == (0, b"")


def test_a_function_that_cannot_be_read_is_trouble(start: Start) -> None:
    """A function that all tasks need is read in the preparation."""
    worker = start(*stub())
    worker.set_up()
    worker.write(*messages.function(worker.meta, b"a" * 16, (b"cno_such_module\nname\n.", ())))
    worker.write(*messages.prepare(worker.meta, b"a" * 16))
    found = worker.hear()
    assert isinstance(found, Trouble) and (found.error.kind, found.error.type) == ("function", "ModuleNotFoundError")
    worker.end()


def test_a_worker_without_a_function_says_so(start: Start) -> None:
    """A task without a function, on a worker without one, fails with a reason."""
    worker = start(*stub()).begin()
    answer = worker.run("double", 1)
    assert answer.error is not None and "no function of its own" in answer.error.message


def test_the_path_is_what_the_master_says(start: Start, tmp_path: Path) -> None:
    """SETUP's path becomes the worker's, with the current folder before it."""
    path = [str(ROOT), *[folder for folder in sys.path if "lib" in folder]]
    worker = start(*by_path("tests.stub.tasks:run"), cwd=tmp_path)
    worker.begin(path=path)
    assert worker.value("where")[0] == [str(tmp_path), *path]


def by_path(*arguments: str) -> list[str]:
    """The command line of a worker that is run by its path."""
    return [sys.executable, str(ROOT / "worker_stub" / "__main__.py"), *arguments]


def test_it_can_be_run_by_its_path(start: Start, tmp_path: Path) -> None:
    """Run by its path the stub finds itself, and the user's module in the current folder."""
    (tmp_path / "mine.py").write_text("import frames\ndef twice(x): return frames.TWO * x\n")
    (tmp_path / "frames.py").write_text("TWO = 2\n")
    worker = start(*by_path("mine:twice"), cwd=tmp_path).begin()
    worker.send(21)
    assert worker.opened(worker.answer()) == 42
    assert worker.leave() == (0, b"")


def test_the_tail_is_what_is_printed_behind_bye(start: Start) -> None:
    """At the end descriptor 1 is the output again, and atexit handlers run."""
    worker = start().begin()
    assert worker.value("at_exit", "so long") is None
    assert worker.leave() == (0, b"so long\n")
    assert worker.captured == b""


def test_msgpack_is_all_that_a_host_sees_that_is_not_trusted(start: Start) -> None:
    """With codec msgpack arguments and results are MessagePack, and an exception is text."""
    worker = start(*stub("tests.stub.tasks:run"), codec="msgpack").begin(prelude=[{"a": 1}])
    assert worker.value("double", 2) == 4
    assert worker.value("prelude") == [{"a": 1}]
    answer = worker.run("raised_odd")
    assert answer.error is not None and (answer.error.type, answer.payload) == ("Odd", b"")
    answer = worker.run("lock")
    assert answer.error is not None and answer.error.kind == "result"
    assert worker.leave() == (0, b"")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"hello\n", "begins with b'hello"),
        (b"#spreadjobs worker\n", "begins with b'#spreadjobs w"),
        (b"#spread", "begins with b'#spread'"),
        (frames.MASTER_MARKER + b"\xf7", "the input ended inside a frame"),
        (frames.MASTER_MARKER + b"noise" * 9, "this is no frame"),
        (frames.MASTER_MARKER + frames.pack(frames.PREPARE, b"\x80")[0], "PREPARE came at the wrong time"),
        (frames.MASTER_MARKER + frames.pack(frames.MASTER_HELLO, b"\xc1")[0], "metadata that cannot be read"),
        (frames.MASTER_MARKER + frames.pack(frames.MASTER_HELLO, b"\x90")[0], "metadata that is no map"),
        (frames.MASTER_MARKER + frames.pack(frames.MASTER_HELLO, b"\x81\xa5codec\xa1x")[0], "no payload codec 'x'"),
        (
            frames.MASTER_MARKER + frames.HEADER.pack(frames.MAGIC, 2, frames.MASTER_HELLO, 0, 0, 0, 0),
            "version 2 of the protocol; this side speaks version 1",
        ),
    ],
)
def test_what_is_no_master_gets_one_sentence(start: Start, data: bytes, sentence: str) -> None:
    """First bytes that are no master's, of our version, end the worker with status 2 and a sentence."""
    worker = start()
    worker.write(data)
    worker.close_input()
    status, out = worker.end()
    assert (status, out) == (2, b"")
    assert sentence in worker.err.decode() and worker.err.startswith(b"worker_stub: cannot go on: ")
    assert b"Traceback" not in worker.err


@pytest.mark.parametrize("data", [b"", frames.MASTER_MARKER])
def test_a_worker_that_is_sent_nothing_leaves(start: Start, data: bytes) -> None:
    """An input that ends before there was anything to answer is no error, and nothing is said."""
    worker = start()
    worker.write(data)
    worker.close_input()
    assert worker.end() == (0, b"")
    assert (worker.err, worker.captured) == (b"", b"")


def test_a_worker_leaves_when_its_input_ends_early(start: Start) -> None:
    """A master that goes before SETUP or PREPARE gets BYE."""
    worker = start()
    worker.greet()
    assert worker.leave() == (0, b"")
    worker = start()
    worker.set_up()
    assert worker.leave() == (0, b"")
    assert worker.page.read()[4] == page.PHASE_SHUTDOWN


@pytest.mark.parametrize("kind", [frames.SETUP, frames.PREPARE])
def test_a_frame_at_the_wrong_time_ends_the_worker(worker: PipeMaster, kind: int) -> None:
    """A master that does not keep to the order is told so."""
    worker.write(*frames.pack(kind, b"\x80"))
    assert worker.hear() is None
    assert worker.end()[0] == 2
    assert f"{frames.KIND_NAMES[kind]} came at the wrong time" in worker.err.decode()


def test_tasks_before_prepare_end_the_worker(start: Start) -> None:
    """Tasks belong to phase run."""
    worker = start()
    worker.set_up()
    worker.send(1)
    assert worker.hear() is None
    assert worker.end()[0] == 2


def test_a_worker_leaves_when_nobody_hears_it(start: Start) -> None:
    """When its output is closed the worker ends quietly with its next answer."""
    worker = start().begin()
    worker.deafen()
    worker.send(("double", 1))
    assert worker.end()[0] == 1
    assert worker.err == b""


@pytest.mark.parametrize("arguments", [["nocolon"], ["a:"], [":f"], ["a b:c"], ["a:b", "c:d"], ["--prepare"], ["-x"]])
def test_a_bad_command_line_is_told(start: Start, arguments: list[str]) -> None:
    """A name that is no module:function gets a sentence, the usage, and status 2."""
    worker = start(*stub(*arguments))
    worker.close_input()
    assert worker.end() == (2, b"")
    assert worker.err.startswith(b"worker_stub: ") and b"usage: python -m worker_stub" in worker.err
    assert b"Traceback" not in worker.err
