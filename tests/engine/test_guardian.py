"""The guardian acts when its master is gone without a good night, and on nothing else."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from spreadjobs.engine import guardian as engine_guardian
from spreadjobs.engine.guardian import PAUSE, PAUSE_MAX, Guardian
from spreadjobs.engine.loop import Loop
from tests.engine.masters import (
    HELD,
    ROOT,
    Watch,
    environment,
    is_alive,
    is_deaf,
    seconds_until_gone,
    started,
    state,
    wait_for,
)
from worker_stub import guardian as script
from worker_stub.supervise import ID_VARIABLE

#: A mark of these tests, which no run has.
TAG: Final = f"g{os.getpid()}"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that sleeps, or another, in a session of its own. marked: it bears the mark TAG."""
    children = []

    def start_one(*argv: str, marked: bool = False) -> subprocess.Popen[bytes]:
        env = {**os.environ, **({ID_VARIABLE: f"{TAG}.1"} if marked else {})}
        child = subprocess.Popen(argv or ("sleep", "600"), env=env, start_new_session=True)
        children.append(child)
        return child

    yield start_one
    for child in children:
        child.kill()
        child.wait()


@contextmanager
def guarding(path: str | Path = script.__file__) -> Iterator[subprocess.Popen[bytes]]:
    """A guardian whose master we are: it listens; ``stdin``: what we tell it; ``stdout``: all that it prints."""
    argv = [sys.executable, "-I", "-S", str(path), TAG, str(os.getpid())]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as child:
        try:
            wait_for(lambda: is_deaf(child.pid) or not is_alive(child.pid))
            yield child
        finally:
            child.kill()


def say(guardian: subprocess.Popen[bytes], text: str) -> None:
    """Tell a guardian something."""
    assert guardian.stdin is not None
    guardian.stdin.write(text.encode())
    guardian.stdin.flush()


def die(guardian: subprocess.Popen[bytes]) -> None:
    """Do what a dying master does, wait until its guardian has done its work, and see that it said nothing."""
    assert guardian.stdin is not None and guardian.stdout is not None
    guardian.stdin.close()
    assert guardian.wait(HELD) == 0
    assert guardian.stdout.read() == b""


# The script by itself.


def test_a_good_night_is_the_end_of_it(start: Start) -> None:
    """After a good night nothing is killed, and the guardian goes, quietly."""
    known, marked = start(), start(marked=True)
    with guarding() as guardian:
        say(guardian, f"+{known.pid}\n.\n")
        assert guardian.wait(HELD) == 0
        die(guardian)
    assert known.poll() is None and marked.poll() is None


def test_what_the_master_leaves_is_ended(start: Start) -> None:
    """Groups that it has been told of, and all that bears the mark; not what is gone, nor anybody else."""
    known, marked, gone, stranger = start(), start(marked=True), start(), start()
    with guarding() as guardian:
        say(guardian, f"+{gone.pid}\n+{known.pid}\n-{gone.pid}\n")
        die(guardian)
    assert known.wait(HELD) == marked.wait(HELD) == -signal.SIGINT
    assert gone.poll() is None and stranger.poll() is None


def test_the_guardian_is_as_polite_as_it_can_be(start: Start) -> None:
    """Each is asked in the way that it listens to; who was stopped is woken for it."""
    traps = {signal.SIGTERM: "INT", signal.SIGKILL: "INT TERM"}
    patient = {number: start("sh", "-c", f"trap '' {trap}; sleep 600") for number, trap in traps.items()}
    stopped = start()
    stopped.send_signal(signal.SIGSTOP)
    wait_for(lambda: state(stopped.pid) == "T")
    wait_for(lambda: all([is_deaf(child.pid, signal.SIGINT) for child in patient.values()]))
    wait_for(lambda: is_deaf(patient[signal.SIGKILL].pid, signal.SIGTERM))
    with guarding() as guardian:
        say(guardian, "".join([f"+{child.pid}\n" for child in [*patient.values(), stopped]]))
        die(guardian)
    assert stopped.wait(HELD) == -signal.SIGINT
    assert {number: child.wait(HELD) for number, child in patient.items()} == {number: -number for number in traps}


def test_the_guardian_is_deaf(start: Start) -> None:
    """What a terminal or a supervisor sends to everybody does not end it, or stop it."""
    child = start(marked=True)
    with guarding() as guardian:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
            guardian.send_signal(number)
        assert guardian.poll() is None and state(guardian.pid) != "T"
        die(guardian)
    assert child.wait(HELD) == -signal.SIGINT


#: Guardians in systems that lack something, or that are slow to begin.
WRAPPER: Final = """
import os, signal, sys
sys.path.insert(0, {root!r})
from worker_stub import guardian
{change}
guardian.main()
"""
NO_PIDFD: Final = "del os.pidfd_open"
NO_PROC: Final = """
def refuse(path):
    raise FileNotFoundError(path)
os.listdir = refuse
"""
LATE: Final = "os.kill(os.getpid(), signal.SIGSTOP)"


@pytest.fixture
def wrap(tmp_path: Path) -> Callable[[str], str]:
    """A guardian with a change: the path of its script."""

    def write(change: str) -> str:
        path = tmp_path / "other" / "guardian.py"
        path.parent.mkdir()
        path.write_text(WRAPPER.format(root=str(ROOT), change=change), encoding="utf-8")
        return str(path)

    return write


def test_without_proc_groups_are_ended(start: Start, wrap: Callable[[str], str]) -> None:
    """Where there is no /proc the guardian knows nothing but groups; the whole ladder is climbed on them."""
    deaf = start("sh", "-c", "trap '' INT TERM; sleep 600")
    wait_for(lambda: is_deaf(deaf.pid, signal.SIGTERM))
    polite, marked = start(), start(marked=True)
    with guarding(wrap(NO_PROC)) as guardian:
        say(guardian, f"+{deaf.pid}\n+{polite.pid}\n")
        die(guardian)
    assert (deaf.wait(HELD), polite.wait(HELD)) == (-signal.SIGKILL, -signal.SIGINT)
    assert marked.poll() is None


@pytest.mark.parametrize("change", [NO_PIDFD, ""], ids=["without pidfd", "with pidfd"])
def test_the_guardian_sees_the_masters_end_behind_a_copy(
    tmp_path: Path, start: Start, wrap: Callable[[str], str], change: str
) -> None:
    """Where a copy of the master holds its pipe open, the guardian sees that its parent is gone; without pidfd too."""
    child = start()
    with started(tmp_path, "with_script", wrap(change), "last_words", child.pid) as master:
        master.wait_for("copy")
        master.guardian()
        seconds_until_gone(master, master.process.kill, but=[master.noted("copy")])
        assert child.wait(HELD) == -signal.SIGINT


def test_a_masters_last_words_are_heard(tmp_path: Path, start: Start, wrap: Callable[[str], str]) -> None:
    """What the master said before it died counts, even if its guardian only begins to listen when it is dead."""
    child = start()
    with started(tmp_path, "with_script", wrap(LATE), "last_words", child.pid) as master:
        master.wait_for("copy")
        wait_for(lambda: [state(pid) for pid in master.guardians()] == ["T"])
        (guardian,) = master.guardians()
        master.process.kill()
        master.process.wait()
        os.kill(guardian, signal.SIGCONT)
        assert child.wait(HELD) == -signal.SIGINT


def test_nothing_is_left_where_there_is_no_pidfd(tmp_path: Path, wrap: Callable[[str], str]) -> None:
    """Neither master nor guardian needs pidfd, with copies of the master about or not."""
    path = wrap(NO_PIDFD)
    with started(tmp_path, "with_script", path, "without_pidfd") as master:
        master.wait_until_busy(0, 1)
        first = master.guardian()
        os.kill(first, signal.SIGKILL)
        master.guardian(first)
        seconds_until_gone(master, master.process.kill)


# The master's end of it.


@pytest.fixture
def now() -> list[float]:
    """A clock that stands still: its time."""
    return [1000.0]


@pytest.fixture
def loop(now: list[float]) -> Iterator[Loop]:
    """A loop with that clock."""
    with closing(Loop(lambda: now[0])) as loop:
        yield loop


@pytest.fixture
def guardian(loop: Loop) -> Iterator[Guardian]:
    """A guardian, kept alive by that loop."""
    guardian = Guardian(loop, TAG)
    yield guardian
    guardian.dismiss()


def turn_until(loop: Loop, condition: Callable[[], bool]) -> None:
    """Let a loop with a standing clock work until a condition holds."""

    def look() -> bool:
        loop.turn(loop.clock())
        return condition()

    wait_for(look)


def kill(loop: Loop, guardian: Guardian) -> int:
    """Kill a guardian, and let its master notice: its process id."""
    pid = guardian.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    turn_until(loop, lambda: guardian.pid != pid)
    return pid


def test_a_guardian_is_replaced_at_once_and_then_ever_later(loop: Loop, now: list[float], guardian: Guardian) -> None:
    """One that dies again and again is started again and again, with pauses that grow up to a limit."""
    kill(loop, guardian)
    loop.turn(now[0])
    pauses = []
    for _ in range(7):
        kill(loop, guardian)
        died = now[0]
        while guardian.pid is None:
            now[0] += PAUSE / 2
            loop.turn(now[0])
        pauses.append(now[0] - died)
    assert pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, PAUSE_MAX, PAUSE_MAX], abs=PAUSE * 0.6)
    now[0] += 2 * PAUSE_MAX
    last = kill(loop, guardian)
    loop.turn(now[0])
    assert guardian.pid not in (None, last)


def test_a_guardian_that_cannot_be_started_is_tried_again(
    loop: Loop, now: list[float], guardian: Guardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no process is to be had just now, there may be one later."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        kill(loop, guardian)
        for _ in range(100):
            now[0] += PAUSE
            loop.turn(now[0])
        assert guardian.pid is None
    now[0] += PAUSE_MAX
    loop.turn(now[0])
    assert guardian.pid is not None


@pytest.mark.parametrize("why", [AttributeError(), OSError(errno.ENOSYS, "no such call")], ids=["Python", "kernel"])
def test_a_guardians_end_is_seen_without_pidfd(
    loop: Loop, now: list[float], monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    """Where Python or the kernel has no pidfd_open, the guardian is looked at now and then."""

    def refuse(pid: int) -> int:
        raise why

    monkeypatch.setattr(os, "pidfd_open", refuse)
    guardian = Guardian(loop, TAG)
    try:
        first = guardian.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: state(first) == "Z")
        now[0] += engine_guardian.LOOK
        loop.turn(now[0])
        loop.turn(now[0])
        assert guardian.pid not in (None, first)
    finally:
        guardian.dismiss()


@pytest.mark.parametrize("how", ["listening", "just started", "stopped", "dead", "dead and noticed"])
def test_dismissal_leaves_nothing(loop: Loop, guardian: Guardian, how: str) -> None:
    """Whatever the guardian is doing, it is gone when it has been dismissed, and does not come back."""
    pid = guardian.pid
    assert pid is not None
    if how == "listening":
        wait_for(lambda: is_deaf(pid))
    elif how == "stopped":
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: state(pid) == "T")
    elif how == "dead":
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: state(pid) == "Z")
    elif how == "dead and noticed":
        kill(loop, guardian)
    guardian.dismiss()
    assert guardian.pid is None
    assert state(pid) == ""
    loop.turn(loop.clock())
    assert guardian.pid is None


def test_the_guardian_takes_nothing_with_it(loop: Loop, guardian: Guardian) -> None:
    """It leads a session of its own, holds no folder and no descriptor of its master's, and does not bear the mark."""
    pid = guardian.pid
    assert pid is not None
    wait_for(lambda: is_deaf(pid))
    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert TAG not in environment(pid).get(ID_VARIABLE, "")
    links = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert {fd: link.partition(":")[0] for fd, link in links.items()} == {
        "0": "pipe",
        "1": os.devnull,
        "2": os.devnull,
        "3": "anon_inode",
    }


# In real runs.


def test_a_guardian_that_is_killed_again_and_again_still_does_its_work(tmp_path: Path) -> None:
    """Each new one is told of all that there is."""
    with started(tmp_path, "two_busy") as master:
        master.wait_until_busy(0, 1)
        former: list[int] = []
        for _ in range(3):
            former.append(master.guardian(*former))
            os.kill(former[-1], signal.SIGKILL)
        master.guardian(*former)
        seconds_until_gone(master, master.process.kill)


@pytest.mark.parametrize("how", ["as usual", "with a stopped guardian", "with a dead guardian"])
def test_a_run_ends_normally(tmp_path: Path, how: str) -> None:
    """Whatever becomes of its guardian, a run ends as it should, and leaves nothing."""
    with started(tmp_path, "two_lonely") as master:
        master.wait_for("task 0", "task 1")
        guardian = master.guardian()
        if how == "with a stopped guardian":
            os.kill(guardian, signal.SIGSTOP)
            wait_for(lambda: state(guardian) == "T")
        elif how == "with a dead guardian":
            os.kill(guardian, signal.SIGKILL)
        seconds_until_gone(master, lambda: master.note("go"))
        master.end()


def test_what_a_stopped_guardian_has_missed_it_hears_later(tmp_path: Path, start: Start) -> None:
    """A master never waits for its guardian, and nothing is lost: so a group that is gone is not signalled."""
    bystander = start()
    with started(tmp_path, "chatty", bystander.pid) as master:
        master.wait_for("all told")
        with closing(Watch([master.noted("all told")])) as guardian:
            guardian.wait(HELD)
        assert bystander.poll() is None
