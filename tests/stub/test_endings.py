"""How a task ended: each way is told apart, and the worker goes on where it can."""

from __future__ import annotations

import os
import pickle
import signal

import pytest

from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import Bytes
from tests.stub import tasks
from tests.stub.conftest import Start
from tests.stub.pipes import PipeMaster
from worker_stub.page import PHASE_RUN, STEP_ARGUMENT, STEP_RUN


def goes_on(worker: PipeMaster) -> bool:
    """The worker still computes, and leaves as it should."""
    return worker.value("double", 21) == 42 and worker.leave() == (0, b"")


def test_a_result_comes_back(worker: PipeMaster) -> None:
    """A task that returns is answered with its result, the time that it took, and nothing printed."""
    answer = worker.run("double", 4)
    assert worker.opened(answer) == 8
    assert (answer.task, answer.attempt, answer.out, answer.err, answer.dropped) == (0, 1, b"", b"", 0)
    assert 0 < answer.seconds < 10
    assert goes_on(worker)


def test_many_tasks_in_one_frame_are_answered_in_order(worker: PipeMaster) -> None:
    """Each task of a batch is answered, in the order in which they came, failures among them."""
    worker.send(("double", 1), ("raised", ValueError("no")), ("double", 3))
    answers = [worker.answer() for _ in range(3)]
    assert [answer.task for answer in answers] == [0, 1, 2]
    assert [answer.error and answer.error.kind for answer in answers] == [None, "raised", None]
    assert goes_on(worker)


def test_an_exception_is_sealed_with_its_traceback(worker: PipeMaster) -> None:
    """What a task raised comes back as it was, and as a text without any of our own frames."""
    answer = worker.run("raised", ValueError("no", 3))
    error = answer.error
    assert error is not None
    assert (error.kind, error.type, error.message) == ("raised", "ValueError", "('no', 3)")
    again = worker.sealer.unseal(answer.payload)
    assert isinstance(again, ValueError) and again.args == ("no", 3)
    assert error.traceback is not None
    assert "in raised" in error.traceback and "raise exception" in error.traceback
    assert "worker_stub" not in error.traceback
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("name", "type_", "message"),
    [
        ("raised_odd", "Odd", "odd"),
        ("raised_unsendable", "Unsendable", "unsendable"),
        ("raised_mute", "Mute", "<Mute that cannot be printed>"),
    ],
)
def test_an_exception_that_cannot_travel_is_sent_as_text(
    worker: PipeMaster, name: str, type_: str, message: str
) -> None:
    """An exception that cannot be pickled, or not be rebuilt, is told by type, message and traceback."""
    answer = worker.run(name)
    assert answer.error is not None and answer.error.kind == "raised"
    assert answer.error.type == type_ and message in answer.error.message
    assert (answer.payload == b"") == (name != "raised_mute")
    assert goes_on(worker)


def test_what_is_no_exception_ends_the_task_only(worker: PipeMaster) -> None:
    """A BaseException of the user's, or GeneratorExit, is raised like any other."""
    for name, type_ in (("raised_base", "Base"), ("raised", "GeneratorExit")):
        answer = worker.run(name, *([GeneratorExit()] if name == "raised" else []))
        assert answer.error is not None and (answer.error.kind, answer.error.type) == ("raised", type_)
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("code", "told"), [(None, None), (3, 3), (True, 1), ("why", "why"), (1 << 70, str(1 << 70)), ([1], "[1]")]
)
def test_sys_exit_ends_the_task_only(worker: PipeMaster, code: object, told: object) -> None:
    """SystemExit is told with its code, and the worker goes on."""
    answer = worker.run("left", code)
    assert answer.error is not None
    assert (answer.error.kind, answer.error.code) == ("exit", told)
    assert goes_on(worker)


def test_a_raised_keyboard_interrupt_is_told(worker: PipeMaster) -> None:
    """KeyboardInterrupt that the code raises itself is an interrupt."""
    answer = worker.run("raised", KeyboardInterrupt())
    assert answer.error is not None and answer.error.kind == "interrupt"
    assert goes_on(worker)


def test_sigint_interrupts_the_task_that_runs(worker: PipeMaster) -> None:
    """SIGINT raises KeyboardInterrupt in the task, and the worker goes on; between tasks it does nothing."""
    worker.send(("waited", 1))
    worker.wait_for(b"waiting\n")
    worker.process.send_signal(signal.SIGINT)
    answer = worker.answer()
    assert answer.error is not None and answer.error.kind == "interrupt"
    worker.process.send_signal(signal.SIGINT)
    worker.process.send_signal(signal.SIGINT)
    assert goes_on(worker)
    assert b"interrupted\n" in worker.captured


def test_a_task_may_catch_the_interrupt(worker: PipeMaster) -> None:
    """A task that goes on after SIGINT has a result."""
    assert worker.value("interrupted") == "went on"
    assert goes_on(worker)


@pytest.mark.parametrize("payload", [b"", b"garbage", pickle.dumps(tasks.Exits(), 4), b"\x80\x04cno_such\nname\n."])
def test_an_argument_that_cannot_be_read_fails_its_task_only(worker: PipeMaster, payload: bytes) -> None:
    """Whatever unpickling raises, the task alone fails, and it is told that its argument was the reason."""
    worker.send_sealed(payload)
    answer = worker.answer()
    assert answer.error is not None and answer.error.kind == "argument"
    assert goes_on(worker)


def test_a_result_that_cannot_be_sealed_fails_its_task_only(worker: PipeMaster) -> None:
    """A lock cannot be sent back: neither by plain pickle nor by value."""
    answer = worker.run("lock")
    assert answer.error is not None and answer.error.kind == "result"
    assert "cannot pickle" in answer.error.message
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("cap", "good", "bad"),
    [
        (10_000, ("many", 9000), ("many", 11_000)),
        (100_000, ("many", 99_000), ("many", 100_000)),
        (300_000, ("large", 70_000, 4), ("large", 70_000, 5)),
    ],
)
def test_a_result_longer_than_a_frame_fails_its_task_only(
    start: Start, cap: int, good: tuple[object, ...], bad: tuple[object, ...]
) -> None:
    """What would break the cap is not sent, whether it is in the pickle or beside it."""
    worker = start().begin(frame=cap)
    assert worker.run(*good).error is None
    answer = worker.run(*bad)
    assert answer.error is not None and answer.error.kind == "result"
    assert f"a frame may have {cap}" in answer.error.message
    assert (answer.payload, list(answer.buffers)) == (b"", [])
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("function", "type_"), [(b"g" * 16, "UnpicklingError"), (b"n" * 16, "TypeError"), (b"?", "LookupError")]
)
def test_a_function_that_cannot_be_read_fails_its_tasks(worker: PipeMaster, function: bytes, type_: str) -> None:
    """A function that is garbage, no function, or was never sent, is the reason of each task that asks for it."""
    worker.write(*_function(worker, b"g" * 16, b"garbage"), *_function(worker, b"n" * 16, pickle.dumps(3, 4)))
    for _ in range(2):
        worker.send(1, function=function)
        answer = worker.answer()
        assert answer.error is not None and (answer.error.kind, answer.error.type) == ("function", type_)
    assert goes_on(worker)


def _function(worker: PipeMaster, digest: bytes, sealed: bytes) -> list[Bytes]:
    return messages.function(worker.meta, digest, (sealed, ()))


def test_nothing_of_a_failed_task_stays_alive(worker: PipeMaster) -> None:
    """What the frames of a task held is gone when its answer has been written."""
    assert worker.run("failed_with_local").error is not None
    assert worker.value("alive") == [False]
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("how", "told", "status"),
    [("returned", "returned", 0), ("raised", "raised ValueError", 1), ("exited", "exited", 7)],
)
def test_a_forked_copy_does_not_answer(worker: PipeMaster, how: str, told: str, status: int) -> None:
    """A task that forks is answered once: its copy ends where it would answer, with a line that says so."""
    assert worker.value("forked", how) == status
    assert goes_on(worker)
    assert f"a forked copy of task 0 {told}; it ends here" in worker.err.decode()


def test_a_result_that_forks_is_sent_once(worker: PipeMaster) -> None:
    """Even a copy that is made while the result is sealed does not answer."""
    assert worker.value("forks_when_sealed") == 5
    assert goes_on(worker)


@pytest.mark.parametrize(
    ("payload", "status"),
    [(("killed", 9), -9), (("killed", 15), -15), (("ended",), 0), (("crashed",), -11)],
)
def test_a_death_leaves_the_task_on_the_page(worker: PipeMaster, payload: tuple[object, ...], status: int) -> None:
    """However a worker dies, the page says which task it had begun, and that it ran."""
    worker.send(("double", 1), payload)
    assert worker.opened(worker.answer()) == 2
    assert worker.hear() is None
    assert worker.end()[0] == status
    task, attempt, began, step, phase = worker.page.read()
    assert (task, attempt, step, phase) == (1, 1, STEP_RUN, PHASE_RUN)
    assert began > 0
    if status == -11:
        assert b"Segmentation fault" in worker.err and b"in crashed" in worker.err


def test_the_page_says_what_runs(worker: PipeMaster) -> None:
    """While a task runs it is on the page; when it has been answered it is not."""
    worker.send(("waited", 1))
    worker.wait_for(b"waiting\n")
    task, attempt, _, step, phase = worker.page.read()
    assert (task, attempt, step, phase) == (0, 1, STEP_RUN, PHASE_RUN)
    os.kill(worker.process.pid, signal.SIGINT)
    assert worker.answer().error is not None
    assert worker.value("double", 1) == 2
    assert worker.leave() == (0, b"")
    assert worker.page.read()[0] is None


def test_a_death_while_the_argument_is_read_is_told(worker: PipeMaster) -> None:
    """The step on the page tells an argument that kills from a task that does."""
    worker.send_sealed(b"cos\n_exit\n(I9\ntR.")
    assert worker.hear() is None
    assert worker.end()[0] == 9
    assert worker.page.read()[::3] == (0, STEP_ARGUMENT)


def test_a_thread_that_is_left_does_not_keep_the_worker(worker: PipeMaster) -> None:
    """At the end nobody waits for a task's threads."""
    assert worker.value("thread") is None
    assert goes_on(worker)


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_a_task_may_use_multiprocessing(worker: PipeMaster, how: str) -> None:
    """Worker processes of a task's own start, compute and end."""
    assert worker.value("pooled", how) == [1, 2, 3]
    assert goes_on(worker)
    assert worker.err == b""


def test_long_messages_are_shortened(worker: PipeMaster) -> None:
    """A message of a megabyte is cut in its middle, and what cannot be UTF-8 is escaped."""
    answer = worker.run("raised", ValueError("a" * 1_000_000 + "\udcff"))
    assert answer.error is not None
    assert len(answer.error.message) < 70_000 and "characters left out" in answer.error.message
    assert answer.error.message.endswith("a\\udcff")
    assert goes_on(worker)
