"""However a master ends, nothing of ours is left behind it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Final

import pytest

from tests.engine.master_scripts import HIDDEN
from tests.engine.masters import ROOT, Master, Watch, is_alive, seconds_until_gone, started, wait_for

SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Times that the long tests do what the short ones do once.
MANY: Final = 20


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Master]:
    """A master with two workers in the middle of tasks that have children of every kind."""
    with started(tmp_path, "two_busy") as master:
        master.wait_until_busy(0, 1)
        yield master


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_nothing_is_left_when_the_master_dies(busy: Master, number: signal.Signals) -> None:
    """Workers, their children in whatever session, deaf or stopped, the guardian: all end with the master."""
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_nothing_is_left_when_the_guardian_dies_before_the_master(busy: Master, number: signal.Signals) -> None:
    """A guardian that is killed is replaced in time to see its master die."""
    first = busy.guardian()
    os.kill(first, signal.SIGKILL)
    busy.guardian(first)
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_nothing_is_left_when_the_guardian_dies_after_the_master(busy: Master, number: signal.Signals) -> None:
    """A second after its master, the guardian has done its work, or its master has."""
    guardian = Watch([busy.guardian()])

    def end() -> None:
        busy.process.send_signal(number)
        try:
            guardian.wait(1.0)
        except AssertionError:
            for pid in guardian.left():
                os.kill(pid, signal.SIGKILL)

    try:
        seconds_until_gone(busy, end)
    finally:
        guardian.close()


@pytest.mark.chaos
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("time", range(MANY))
def test_nothing_is_left_time_after_time(busy: Master, number: signal.Signals, time: int) -> None:
    """What holds once holds always; every other time the guardian is killed first."""
    if time % 2:
        first = busy.guardian()
        os.kill(first, signal.SIGKILL)
        busy.guardian(first)
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


def test_a_child_that_hid_is_not_found_and_the_docs_say_so(tmp_path: Path) -> None:
    """Who has both left its session and cleared its environment stays, as the page of faults says."""
    with started(tmp_path, "one_hiding") as master:
        master.wait_for("task 0")
        hidden = master.noted(f"{HIDDEN} of 0")
        seconds_until_gone(master, master.process.kill, but=[hidden])
        assert is_alive(hidden)
    text = " ".join((ROOT / "docs" / "faults.md").read_text(encoding="utf-8").split())
    assert "What is not found: a process that has both left its session *and* cleared its environment." in text


def test_a_copy_of_the_master_does_not_hide_its_death(tmp_path: Path) -> None:
    """A forked copy holds the guardian's pipe and the workers' open; the master is seen to be gone all the same."""
    with started(tmp_path, "forking") as master:
        master.wait_until_busy(0, 1)
        copy = master.noted("copy")
        seconds_until_gone(master, master.process.kill, but=[copy])
        assert is_alive(copy)


def test_nested_runs_end_with_the_outermost_master(tmp_path: Path) -> None:
    """A run inside a task, with workers, guardian and children of its own, ends with the outer run's master."""
    with started(tmp_path, "nested") as master:
        master.wait_until_busy(10, 11)
        assert len(master.guardians()) == 2
        seconds_until_gone(master, master.process.kill)


def test_a_timeout_ends_the_run_inside_a_task_wholly(tmp_path: Path) -> None:
    """Of a task that was itself a run nothing is left when its time is over, while the outer run goes on."""
    with started(tmp_path, "nested_until_timeout", 2.5) as master:
        master.wait_until_busy(10, 11)
        inner = Watch([pid for pid in master.pids() if pid != master.guardian()])
        try:
            master.wait_for("task later")
            inner.wait(8 * 0.2)
        finally:
            inner.close()
        assert sorted(master.pids()) == sorted([master.guardian(), *master.workers()])
        master.note("go")
        assert master.process.wait() == 0
        assert master.has("TaskTimeout")


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: ours, and that of programs."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    for end in (ours, theirs):
        try:
            os.close(end)
        except OSError:  # the test has closed it
            continue


@pytest.mark.parametrize("how", ["Ctrl-C", "hang up"])
def test_nothing_is_left_when_the_terminal_says_so(tmp_path: Path, terminal: tuple[int, int], how: str) -> None:
    """Ctrl-C at a terminal, or its end, reaches the master; all others are ended by those whose duty it is."""
    ours, theirs = terminal
    with started(
        tmp_path,
        "two_busy",
        stdin=theirs,
        preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
    ) as master:
        master.wait_until_busy(0, 1)
        assert os.tcgetpgrp(ours) == master.pid
        os.close(theirs)
        seconds_until_gone(master, lambda: os.write(ours, b"\x03") and None if how == "Ctrl-C" else os.close(ours))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_the_masters_group_does_not_reach_the_guardian(tmp_path: Path, number: signal.Signals) -> None:
    """Who signals the master's whole process group, as supervisors do, ends the master but not its guardian."""
    with started(tmp_path, "two_lonely") as master:
        master.wait_for("task 0", "task 1")
        guardian = master.guardian()
        assert os.getsid(guardian) == guardian != os.getsid(master.pid)
        seconds_until_gone(master, lambda: os.killpg(master.pid, number))


def test_idle_workers_leave_when_nobody_is_left_to_end_them(tmp_path: Path) -> None:
    """Where master and guardian die at the same instant, an idle worker goes at once, since its input is closed."""
    with started(tmp_path, "one_idle") as master:
        master.wait_for("idle", "task 1")
        idle = Watch([master.noted("idle")])
        at_work = Watch([master.noted("task 1")])
        try:
            kill_both(master)
            idle.wait(4.0)
            assert at_work.left()
            master.note("go")
            at_work.wait(4.0)
        finally:
            idle.close()
            at_work.close()


def kill_both(master: Master) -> None:
    """Kill master and guardian so that neither can do anything about the other's death."""
    guardian = master.guardian()
    os.kill(master.pid, signal.SIGSTOP)
    wait_for(lambda: not is_running(master.pid))
    os.kill(guardian, signal.SIGKILL)
    os.kill(master.pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether a process is not stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"


def test_a_plain_command_ends_with_the_master(tmp_path: Path) -> None:
    """A command that reads no input, and so cannot see it closed, is ended as well."""
    code = f"from spreadjobs import main; main([], [['sleep', '{600.123}']])"
    del code
    assert subprocess
