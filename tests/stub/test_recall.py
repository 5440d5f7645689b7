"""What is sent ahead can be taken back, without a word, as long as it has not begun."""

from __future__ import annotations

import os
import signal
import time

from tests.stub.pipes import PATIENCE, PipeMaster
from worker_stub import page


def interrupt(worker: PipeMaster) -> None:
    """End the task that waits."""
    os.kill(worker.process.pid, signal.SIGINT)
    answer = worker.answer()
    assert answer.error is not None and answer.error.kind == "interrupt"


def wait_until_it_runs(worker: PipeMaster, task: int) -> None:
    """Until the page says so."""
    end = time.monotonic() + PATIENCE
    while worker.page.read()[::3] != (task, page.STEP_RUN):
        assert time.monotonic() < end


def test_what_has_not_begun_is_taken_back_and_not_answered(worker: PipeMaster) -> None:
    """A busy worker loses what is behind its task, goes on with what is sent later, and leaves as it should."""
    worker.send(("waited", 1), ("double", 1), ("killed", 9), ("double", 3))
    worker.wait_for(b"waiting\n")
    assert worker.page.recall(4) == 3
    assert worker.page.recall(4) == 0
    interrupt(worker)
    assert worker.value("double", 21) == 42
    assert worker.page.recall(5) == 0
    assert worker.leave() == (0, b"")
    assert worker.page.read() == (None, *worker.page.read()[1:3], page.STEP_NONE, page.PHASE_SHUTDOWN)


def test_what_is_recalled_while_user_code_holds_the_interpreter_is_not_run(worker: PipeMaster) -> None:
    """The page is read when the next task begins, not when somebody has time for it."""
    worker.send(("killed", 19), ("double", 1), ("double", 2))  # it stops itself
    wait_until_it_runs(worker, 0)
    assert worker.page.recall(3) == 2
    worker.send(("double", 5))
    os.kill(worker.process.pid, signal.SIGCONT)
    assert worker.opened(worker.answer()) is None
    assert worker.opened(worker.answer()) == 10
    assert worker.leave() == (0, b"")


def test_a_second_recall_does_not_undo_the_first(worker: PipeMaster) -> None:
    """While one task runs, what is sent is recalled, and sent again, and recalled again."""
    worker.send(("waited", 1), ("killed", 9))
    worker.wait_for(b"waiting\n")
    assert worker.page.recall(2) == 1
    worker.send(("killed", 9), ("killed", 9))
    assert worker.page.recall(4) == 2
    worker.send(("double", 1), ("killed", 19), ("killed", 9))  # the middle one stops it
    interrupt(worker)
    assert worker.opened(worker.answer()) == 2
    wait_until_it_runs(worker, 1)
    assert worker.page.recall(7) == 1
    os.kill(worker.process.pid, signal.SIGCONT)
    assert worker.opened(worker.answer()) is None
    assert worker.value("double", 2) == 4
    assert worker.leave() == (0, b"")


def test_nothing_is_recalled_of_a_worker_that_keeps_up(worker: PipeMaster) -> None:
    """What has begun is not taken back."""
    for number in range(1, 5):
        assert worker.value("double", number) == 2 * number
        assert worker.page.recall(number) == 0
    assert worker.leave() == (0, b"")
