"""Processes are found by their mark and their session, and ended; nobody else is touched."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from worker_stub.supervise import ID_VARIABLE, Kin, kill_tagged, ladder, signal_group, tagged

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 10.0
#: Marks of these tests, which no run has.
TAG: Final = f"t{os.getpid()}"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that sleeps, or another; ``mark``: its mark; by default the leader of a session of its own."""
    children = []

    def start_one(*argv: str, mark: str | None = None, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **({} if mark is None else {ID_VARIABLE: mark})}
        settings = {"start_new_session": True, "env": environment, **options}
        child = subprocess.Popen(argv or ("sleep", "600"), **settings)
        children.append(child)
        return child

    yield start_one
    for child in children:
        end_session(child.pid)
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def end_session(session: int) -> None:
    """End those sleepers of a session of ours that a failed test has left: they may have no environment to tell."""
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        with suppress(OSError):
            if os.getsid(pid) == session and Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\000600\0":
                os.kill(pid, signal.SIGKILL)


def wait_for(condition: Callable[[], object]) -> None:
    """Return when a condition holds. Raises TimeoutError where it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.001)


def state(pid: int) -> str:
    """The state of a process as one letter; empty if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def ignores(pid: int, number: signal.Signals) -> bool:
    """Whether a process ignores a signal by now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any([line.startswith("SigIgn:") and int(line.split()[1], 16) >> (number - 1) & 1 for line in lines])


def stop(child: subprocess.Popen[bytes]) -> None:
    """Stop a process."""
    child.send_signal(signal.SIGSTOP)
    wait_for(lambda: state(child.pid) == "T")


# The ladder and groups.


def test_the_ladder_is_polite_first() -> None:
    """Interrupt, TERM at half the grace, KILL at its end; without grace nothing but KILL."""
    assert ladder(2.0) == [(0.0, signal.SIGINT), (1.0, signal.SIGTERM), (2.0, signal.SIGKILL)]
    assert ladder(0.0) == ladder(-1.0) == [(0.0, signal.SIGKILL)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_wakes_those_of_the_group_that_were_stopped(start: Start, number: signal.Signals) -> None:
    """A stopped process would keep a signal for later; so it is woken, and dies of it."""
    child = start()
    stop(child)
    assert signal_group(child.pid, number)
    assert child.wait(PATIENCE) == -number


def test_looking_whether_a_group_is_there_changes_nothing(start: Start) -> None:
    """Signal 0 tells whether there is such a group, and does not wake it."""
    child = start()
    stop(child)
    assert signal_group(child.pid, 0)
    assert state(child.pid) == "T"
    child.kill()
    child.wait()
    assert not signal_group(child.pid, 0)


# Who is found.


def test_marks_are_compared_as_wholes(start: Start) -> None:
    """A mark finds itself and what lies below it; neither one that begins alike, nor one that ends alike."""
    marks = ["ab", "ab.1", "ab.12", "ab.1/cd.3", "ab.1/cd", "ab.2", "abc.1", "x/ab.1", "AB.1", ""]
    pids = {mark: start(mark=f"{TAG}{mark}" if mark != "x/ab.1" else f"x/{TAG}ab.1").pid for mark in marks}
    found = {tag: {mark for mark in marks if pids[mark] in tagged(f"{TAG}{tag}")} for tag in ("ab", "ab.1", "ab.12")}
    assert found == {
        "ab": {"ab", "ab.1", "ab.12", "ab.1/cd.3", "ab.1/cd", "ab.2"},
        "ab.1": {"ab.1", "ab.1/cd.3", "ab.1/cd"},
        "ab.12": {"ab.12"},
    }


def test_only_the_variable_itself_is_the_mark(start: Start) -> None:
    """A variable whose name ends alike, or whose text holds a mark, is none; and a mark may stand anywhere."""
    start(env={"X" + ID_VARIABLE: TAG})
    start(env={"X": f"{ID_VARIABLE}={TAG}"})
    start("sh", "-c", "exec sleep 600", f"{ID_VARIABLE}={TAG}", env={})
    marked = start(env={"A": "1", ID_VARIABLE: TAG, "Z": "1"})
    assert tagged(TAG) == [marked.pid]


def test_a_mark_is_found_at_the_end_of_a_large_environment(start: Start) -> None:
    """However much there is before it."""
    large = {f"LARGE{number}": "x" * 100_000 for number in range(15)}
    assert tagged(TAG) == []
    child = start(env={**large, ID_VARIABLE: TAG})
    assert tagged(TAG) == [child.pid]


#: Starts a child in a group of its own, without environment, and one in a session of its own, then sleeps.
PARENT: Final = """
import os, subprocess, sys
group = subprocess.Popen(["sleep", "600"], env={}, preexec_fn=os.setpgrp)
print(group.pid, flush=True)
sys.stdin.read()
"""


def test_a_marked_leader_answers_for_its_session(start: Start) -> None:
    """Who has cleared its environment and left its group is found by the session, if that is led by a marked one."""
    leader = start(sys.executable, "-c", PARENT, mark=TAG, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    member = int(leader.stdout.readline())
    assert tagged(TAG) == sorted([leader.pid, member])
    assert kill_tagged(TAG)
    leader.wait(PATIENCE)
    assert state(member) in ("", "Z")


def test_a_marked_member_does_not_answer_for_its_session(start: Start) -> None:
    """A session whose leader bears no mark may be anybody's: of it only those are found that bear one."""
    code = PARENT.replace("env={}", f"env={{{ID_VARIABLE!r}: {TAG!r}}}")
    leader = start(sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    member = int(leader.stdout.readline())
    assert tagged(TAG) == [member]
    assert kill_tagged(TAG)
    assert leader.poll() is None


def test_a_known_session_is_ended_after_its_leader(start: Start) -> None:
    """What the leader of a session left in it is found by whoever knows the session's number."""
    leader = start(sys.executable, "-c", PARENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    member = int(leader.stdout.readline())
    leader.kill()
    leader.wait()
    kin = Kin(None, [leader.pid])
    assert kin.find() == [member]
    assert kin.kill()
    assert state(member) in ("", "Z")


def test_a_session_that_is_gone_is_never_signalled(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be that of a stranger by the next time: so it is forgotten as soon as it is seen to be empty."""
    gone, alive = start(), start()
    kin = Kin(None, [gone.pid, alive.pid])
    gone.kill()
    gone.wait()
    sent = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    assert kin.kill(patience=PATIENCE)
    assert alive.wait() == -signal.SIGKILL
    assert set(sent) == {(alive.pid, signal.SIGKILL)}


def test_the_dead_are_not_found(start: Start) -> None:
    """One that has ended and waits to be reaped cannot be ended again, and nobody waits for it."""
    child = start(mark=TAG)
    child.kill()
    wait_for(lambda: state(child.pid) == "Z")
    assert Kin(TAG, [child.pid]).find() == []
    assert Kin(TAG, [child.pid]).kill(patience=PATIENCE)


# How they are ended.


def test_each_is_signalled_once(start: Start) -> None:
    """A program may take a second interrupt for impatience; so nobody is sent one both alone and with its group."""
    code = (
        "import signal, time; signal.signal(signal.SIGINT, lambda *_: print('x', flush=True)); print('!', flush=True)"
    )
    child = start(sys.executable, "-c", f"{code}\nwhile True: time.sleep(1)", mark=TAG, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"!\n"
    kin = Kin(TAG, [child.pid])
    assert kin.signal(signal.SIGINT)
    assert child.stdout.readline() == b"x\n"
    assert kin.signal(signal.SIGTERM)
    assert child.stdout.read() == b""
    assert child.wait() == -signal.SIGTERM


def test_the_stopped_and_the_deaf_are_ended(start: Start) -> None:
    """Stopped ones are woken by what they can die of; KILL ends those that listen to nothing."""
    stopped, deaf = start(mark=TAG), start("sh", "-c", "trap '' INT TERM; sleep 600", mark=TAG)
    stop(stopped)
    wait_for(lambda: ignores(deaf.pid, signal.SIGTERM))
    assert Kin(TAG).signal(signal.SIGTERM)
    assert stopped.wait(PATIENCE) == -signal.SIGTERM
    assert deaf.poll() is None
    assert kill_tagged(TAG)
    assert deaf.wait(PATIENCE) == -signal.SIGKILL
    assert not Kin(TAG).signal(signal.SIGTERM)


#: A chain of processes, each of which lives for some milliseconds, and has forked the next before it ends.
CHAIN: Final = """
import os, time
print("!", flush=True)
for link in range(300):
    if os.fork():
        os._exit(0)
    if link % 2:
        os.setsid()
    time.sleep({pause})
"""


@pytest.mark.parametrize("pause", [0.02, 0.005, 0.002])
def test_a_chain_of_forks_is_ended(start: Start, pause: float) -> None:
    """Who forks faster than the whole machine can be searched is caught all the same, and it is known to be over."""
    for turn in range(5):
        tag = f"{TAG}.{turn}"
        first = start(sys.executable, "-c", CHAIN.format(pause=pause), mark=tag, stdout=subprocess.PIPE)
        assert first.stdout is not None
        assert first.stdout.readline() == b"!\n"
        assert kill_tagged(tag, patience=PATIENCE)
        assert first.stdout.read() == b""  # all of them hold the other end of the pipe


def test_what_cannot_be_ended_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience it says that some are left."""
    start(mark=TAG)

    def refuse(target: int, number: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(os, "killpg", refuse)
    assert not kill_tagged(TAG, patience=0.05)


def test_we_do_not_end_ourselves(start: Start) -> None:
    """A process that bears the mark, and leads its session, ends its children and goes on."""
    code = f"""
import os, subprocess
from worker_stub import supervise
child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
assert supervise.tagged({TAG!r}) == [child.pid]
assert supervise.kill_tagged({TAG!r})
print(child.wait(), os.getsid(0) == os.getpid())
"""
    ours = start(sys.executable, "-c", code, mark=TAG, cwd=ROOT, stdout=subprocess.PIPE)
    assert ours.stdout is not None
    assert ours.stdout.read() == b"-9 True\n"
    assert ours.wait() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_other_users_processes_are_left_alone(start: Start) -> None:
    """What belongs to another user is not found by its mark; nor hurt, nor stumbled over, where it is known."""
    victim = start(mark=TAG)
    nobody = 65534
    copy = os.fork()
    if not copy:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(nobody, nobody, nobody)
            os.setresuid(nobody, nobody, nobody)
            quiet = tagged(TAG) == [] and kill_tagged(TAG) and not signal_group(victim.pid, signal.SIGKILL)
            status = 0 if quiet and not Kin(None, [victim.pid]).kill(patience=0.05) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 0
    assert victim.poll() is None


def test_without_proc_groups_are_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, none is found; the known groups are signalled until they are gone."""

    def refuse(path: str) -> list[str]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    known, unknown, gone = start(mark=TAG), start(mark=TAG), start()
    gone.kill()
    gone.wait()
    monkeypatch.setattr(os, "listdir", refuse)
    assert tagged(TAG) == []
    assert kill_tagged(TAG)
    kin = Kin(TAG, [known.pid, gone.pid])
    assert kin.signal(0)
    assert kin.signal(signal.SIGTERM)
    assert known.wait(PATIENCE) == -signal.SIGTERM
    assert not kin.signal(0)
    assert unknown.poll() is None
