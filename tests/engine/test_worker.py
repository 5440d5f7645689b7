from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from spreadjobs.core.actions import Cause
from spreadjobs.engine.lines import LinesDialect
from spreadjobs.engine.loop import Loop
from spreadjobs.engine.worker import DOUBT, Worker, describe
from spreadjobs.protocol.messages import Answer
from spreadjobs.transports.base import Running, Spot
from spreadjobs.transports.local import LocalTransport
from tests.frontends.processes import is_there, wait_until_gone
from worker_stub.page import STEP_RUN, Page

#: Seconds after which a test gives up what it waits for.
PATIENCE: Final = 20.0
TAG: Final = "tests-of-a-worker"


class Stage:
    """One worker, a real process, and all that it tells."""

    def __init__(self, script: str, watched: bool = True) -> None:
        self.told: list[str] = []
        self.loop = Loop()
        transport = LocalTransport()
        spot = Spot(3, "ant", ("sh", "-c", script), transport)
        process = transport.start(spot.argv, TAG)
        if not watched:
            assert process.ended is not None
            os.close(process.ended)
            process.ended = None
        self.worker = Worker(7, spot, process, self.loop, broken=self._broken, ended=self._ended)
        self.dialect = self.worker.dialect = LinesDialect(self.worker, b"", self)
        self.dialect.open()

    def _broken(self, worker: Worker, sentence: str) -> None:
        assert worker is self.worker
        self.told.append(sentence)

    def _ended(self, worker: Worker, status: int | None) -> None:
        assert worker is self.worker
        self.told.append(f"ended: {status}; {describe(worker, status)}")

    def until(self, is_so: Callable[[], bool]) -> None:
        """Turn the loop until something is so. Fails where it takes too long."""
        end = self.loop.clock() + PATIENCE
        while not is_so():
            assert self.loop.clock() < end, self.told
            self.loop.turn(min(end, self.loop.clock() + 0.05))

    def until_line(self, line: str) -> None:
        """Turn the loop until the worker has printed a line."""
        self.until(lambda: line + "\n" in self.dialect.tail())

    def until_end(self) -> None:
        """Turn the loop until the worker has ended."""
        self.until(lambda: bool(self.told) and self.told[-1].startswith("ended"))

    def close(self) -> None:
        """End the process, and let go of everything."""
        self.worker.process.signal(signal.SIGKILL)
        self.worker.release()
        self.loop.close()

    # The rest of a listener: nothing of it is looked at here.

    def accepted(self, worker: Worker) -> None: ...
    def ready(self, worker: Worker) -> None: ...
    def answered(self, worker: Worker, answers: list[Answer]) -> None: ...
    def printed(self, worker: Worker) -> None: ...
    def faulted(self, worker: Worker, sentence: str, permanent: bool) -> None: ...
    def ended(self, worker: Worker, status: int | None) -> None: ...


@pytest.fixture
def stages() -> Iterator[list[Stage]]:
    """Those that a test has set, to be struck after it."""
    stages: list[Stage] = []
    yield stages
    for stage in stages:
        stage.close()


@pytest.fixture
def start(stages: list[Stage]) -> Callable[[str], Stage]:
    """Start a shell script as a worker."""

    def start(script: str, watched: bool = True) -> Stage:
        stages.append(Stage(script, watched))
        return stages[-1]

    return start


Start = Callable[..., Stage]


def test_its_end_comes_after_all_that_it_has_printed(start: Start) -> None:
    """However much lies in its pipes when it ends, everything has been read when its end is told."""
    stage = start("seq 10000; echo trouble >&2; exit 3")
    stage.until_end()
    assert stage.told == ["ended: 3; it ended by itself with exit status 3"]
    assert len(stage.dialect.tail()) == 10_000
    assert stage.worker.own_err.take() == (b"trouble\n", 0)


@pytest.mark.parametrize("watched", [True, False], ids=["pidfd", "polled"])
def test_its_end_is_seen_from_its_process(start: Start, watched: bool, tmp_path: Path) -> None:
    """Its pipes may stay open in a child; where the system cannot tell us its end, it is looked for."""
    stage = start(f"setsid sleep 600 & echo $! > {tmp_path}/pid; sleep 0.05; kill -9 $$", watched)
    stage.until_end()
    assert stage.told == ["ended: -9; it was killed by signal 9 (SIGKILL)"]
    wait_until_gone(int((tmp_path / "pid").read_text()), 2.0)


def test_the_ladder_is_climbed(start: Start) -> None:
    """Interrupt at once, TERM at half of the grace, KILL at its end, for whoever stays so long."""
    stage = start("trap 'echo int' INT; trap 'echo term' TERM; echo up; while :; do sleep 0.01; done")
    stage.until_line("up")
    began = time.monotonic()
    stage.worker.kill(0.4, Cause.STOP)
    stage.until_line("int")
    stage.until_line("term")
    assert time.monotonic() - began >= 0.2
    stage.until_end()
    assert time.monotonic() - began >= 0.4
    assert stage.told == ["ended: -9; it was killed: the run was stopped"]
    assert stage.dialect.tail() == ["up\n", "int\n", "term\n"]


def test_who_goes_early_is_not_waited_for(start: Start) -> None:
    """A worker that obeys the interrupt ends there; its exit status is kept."""
    stage = start("trap 'exit 4' INT; echo up; while :; do sleep 0.01; done")
    stage.until_line("up")
    stage.worker.kill(60.0, Cause.TIMEOUT)
    stage.until_end()
    assert stage.told == ["ended: 4; it was killed: its task ran longer than its timeout"]


def test_no_grace_is_a_kill(start: Start) -> None:
    """Its children go with it, those too that have left its session."""
    stage = start("trap '' INT TERM; sleep 600 & a=$!; setsid sleep 600 & echo $a $!; wait")
    stage.until(lambda: bool(stage.dialect.tail()) and stage.dialect.tail()[0].endswith("\n"))
    pids = [int(word) for word in stage.dialect.tail()[0].split()]
    assert len(pids) == 2 and all(map(is_there, pids))
    stage.worker.kill(0.0, Cause.CONNECT)
    stage.until_end()
    for pid in pids:
        wait_until_gone(pid, 2.0)
    assert stage.told == ["ended: -9; it printed text within the connect time"]


def test_one_that_is_stopped_is_woken_to_be_told(start: Start) -> None:
    """A worker that was stopped climbs the ladder like any other."""
    stage = start("trap 'exit 5' INT; echo up; kill -STOP $$; while :; do sleep 0.01; done")
    stage.until_line("up")
    stage.worker.kill(60.0, Cause.STOP)
    stage.until_end()
    assert stage.told == ["ended: 5; it was killed: the run was stopped"]


def test_a_second_kill_keeps_the_first_cause(start: Start) -> None:
    """It can only come sooner."""
    stage = start("trap '' INT TERM; echo up; while :; do sleep 0.01; done")
    stage.until_line("up")
    stage.worker.kill(60.0, Cause.TIMEOUT)
    stage.worker.kill(0.0, Cause.STOP)
    stage.until_end()
    assert stage.told == ["ended: -9; it was killed: its task ran longer than its timeout"]


@pytest.mark.parametrize("which", ["input", "output"])
def test_one_that_closes_a_pipe_and_stays_is_told(start: Start, which: str) -> None:
    """What can be seen from a pipe is held against a process only when it has not ended a while later."""
    stage = start("exec <&-; echo up; sleep 600" if which == "input" else "echo up; exec >&-; sleep 600")
    stage.until_line("up")
    began = time.monotonic()
    stage.worker.writer.write([b"x"])
    stage.until(lambda: bool(stage.told))
    assert stage.told == [f"it closed its {which}, and did not end"]
    assert time.monotonic() - began >= DOUBT * 0.9


def test_one_that_is_to_end_may_close_its_pipes(start: Start) -> None:
    """After its input was closed nothing of that is a fault."""
    stage = start("read x; exec >&- <&-; sleep 0.4")
    stage.worker.close_input()
    stage.until_end()
    assert stage.told == ["ended: 0; it ended by itself with exit status 0"]


def test_one_that_ends_with_its_pipes_is_no_doubt(start: Start) -> None:
    """A process that closes its output because it ends has just ended."""
    stage = start("exec >&- <&-; exit 0")
    stage.worker.writer.write([b"x" * 10**6])
    stage.until_end()
    ended = stage.loop.clock()
    stage.until(lambda: stage.loop.clock() > ended + 2 * DOUBT)
    assert stage.told == ["ended: 0; it ended by itself with exit status 0"]


def test_what_it_runs_is_known_from_its_page(start: Start) -> None:
    """With a page it is what the page says, without one it is what it was sent first, if that is anything."""
    stage = start("echo $SPREADJOBS_PAGE_FD; read x")
    worker = stage.worker
    assert worker.running() is None
    worker.sent = 12.5
    worker.hand.update({4: 2, 5: 1})
    assert worker.running() == Running(4, 2, 12.5, STEP_RUN)
    worker.has_page = True
    assert worker.running() is None
    stage.until(lambda: bool(stage.dialect.tail()) and stage.dialect.tail()[0].endswith("\n"))
    fd = os.open(f"/proc/{worker.process.pid}/fd/{int(stage.dialect.tail()[0])}", os.O_RDWR)
    page = Page(fd)
    os.close(fd)
    page.begin(5, 1)
    page.step(STEP_RUN)
    running = worker.running()
    assert running is not None
    assert (running.task, running.attempt, running.step) == (5, 1, STEP_RUN)
    assert abs(running.began - time.monotonic()) < 5
    page.end()
    assert worker.running() is None
    page.close()


def test_what_it_prints_belongs_to_whoever_has_it(start: Start) -> None:
    """With a task in hand, what it prints on descriptor 2 is the task's; else it is its own."""
    stage = start("echo own >&2; echo 1; read x; echo task >&2; echo 2; read x")
    stage.until_line("1")
    stage.worker.drain_prints()
    stage.worker.hand[0] = 1
    stage.worker.writer.write([b"go\n"])
    stage.until_line("2")
    stage.worker.drain_prints()
    assert stage.worker.err.take() == (b"task\n", 0)
    assert stage.worker.own_err.take() == (b"own\n", 0)


def test_it_introduces_itself(start: Start) -> None:
    """In messages it has its place, its host, and its command, which is cut where it is long."""
    assert str(start("true").worker) == "worker 3 of ant (sh -c true)"
    assert len(str(start("true " + "x" * 200).worker)) < 110


def test_it_keeps_nothing(start: Start, stages: list[Stage]) -> None:
    """When it has ended, or was let go of, each of its descriptors is closed; twice does no harm."""
    before = sorted(os.listdir("/proc/self/fd"))
    start("exit 0").until_end()
    start("sleep 600")
    for stage in stages:
        stage.close()
        stage.worker.release()
    stages.clear()
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_program_that_cannot_be_started_keeps_nothing() -> None:
    """Whatever was opened for it is closed when its start has failed."""
    before = sorted(os.listdir("/proc/self/fd"))
    for argv in (["/no/such"], ["/"], ["a" * 10**6]):
        with pytest.raises(OSError, match=r"\[Errno"):
            LocalTransport().start(argv, TAG)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_zombie_is_no_process() -> None:
    """What the tests of this folder take for gone is gone, or dead and not reaped yet."""
    child = subprocess.Popen(["true"])
    wait_until_gone(child.pid)
    assert child.wait() == 0
    assert not is_there(child.pid)
