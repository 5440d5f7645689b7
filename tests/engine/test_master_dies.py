"""However a master ends, nothing of ours is left behind it."""

from __future__ import annotations

import os
import pty
import random
import signal
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from fcntl import ioctl
from pathlib import Path
from typing import Final

import pytest

from tests.engine.master_scripts import HIDDEN
from tests.engine.masters import HELD, ROOT, Master, Watch, is_alive, seconds_until_gone, started, state, wait_for

SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: How often the long tests do what the short ones do once.
MANY: Final = 20


def name(number: signal.Signals) -> str:
    """What a signal is called in the name of a test."""
    return number.name


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Master]:
    """A master with two workers in the middle of tasks that have children of every kind."""
    with started(tmp_path, "two_busy") as master:
        master.wait_until_busy(0, 1)
        yield master


def replace_guardian(master: Master) -> None:
    """Kill a master's guardian, and wait for the next."""
    first = master.guardian()
    os.kill(first, signal.SIGKILL)
    master.guardian(first)


@pytest.mark.parametrize("number", SIGNALS, ids=name)
def test_nothing_is_left_when_the_master_dies(busy: Master, number: signal.Signals) -> None:
    """Workers, their children in whatever session, deaf or stopped, the guardian: all end with the master."""
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


@pytest.mark.parametrize("number", SIGNALS, ids=name)
def test_nothing_is_left_when_the_guardian_dies_before_the_master(busy: Master, number: signal.Signals) -> None:
    """A guardian that is killed is replaced in time to see its master die."""
    replace_guardian(busy)
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


@pytest.mark.parametrize("number", SIGNALS, ids=name)
def test_nothing_is_left_when_the_guardian_dies_after_the_master(busy: Master, number: signal.Signals) -> None:
    """A second after the master, its guardian has done its work, or the master has."""
    with closing(Watch([busy.guardian()])) as guardian:

        def end() -> None:
            busy.process.send_signal(number)
            with suppress(AssertionError):
                guardian.wait(1.0)
            for pid in guardian.left():
                os.kill(pid, signal.SIGKILL)

        seconds_until_gone(busy, end)


@pytest.mark.chaos
@pytest.mark.parametrize("number", SIGNALS, ids=name)
@pytest.mark.parametrize("turn", range(MANY))
def test_nothing_is_left_time_after_time(busy: Master, number: signal.Signals, turn: int) -> None:
    """What holds once holds always; every other time the guardian is killed first."""
    if turn % 2:
        replace_guardian(busy)
    seconds_until_gone(busy, lambda: busy.process.send_signal(number))


def test_a_child_that_hid_is_not_found_and_the_docs_say_so(tmp_path: Path) -> None:
    """Who has both left its session and cleared its environment stays, as the page of faults says."""
    with started(tmp_path, "one_hiding") as master:
        master.wait_for("task 0")
        hidden = master.noted(f"{HIDDEN} of 0")
        seconds_until_gone(master, master.process.kill, but=[hidden])
        assert is_alive(hidden)
    text = " ".join((ROOT / "docs" / "faults.md").read_text(encoding="utf-8").split())
    assert "both left its session *and* cleared its environment" in text


def test_a_copy_of_the_master_does_not_hide_its_death(tmp_path: Path) -> None:
    """A forked copy holds the guardian's pipe and the workers' open; the master is seen to be gone all the same."""
    with started(tmp_path, "forking") as master:
        master.wait_until_busy(0, 1)
        copy = master.noted("copy")
        seconds_until_gone(master, master.process.kill, but=[copy])
        assert is_alive(copy)


@pytest.mark.parametrize("count", [1, 10, 30])
def test_commands_end_with_a_master_that_was_just_starting_them(tmp_path: Path, count: int) -> None:
    """Plain commands cannot see that their input is closed, and one that is just being started bears no mark yet."""
    with started(tmp_path, "commands", 40) as master:
        wait_for(lambda: master.sleepers() >= count)
        seconds_until_gone(master, master.process.kill)


@pytest.mark.parametrize("seed", [*range(3), *[pytest.param(seed, marks=pytest.mark.chaos) for seed in range(3, 100)]])
def test_nothing_is_left_at_whatever_moment_the_master_dies(tmp_path: Path, seed: int) -> None:
    """Runs start and end, guardians and workers come and go; the master dies somewhere in between."""
    with started(tmp_path, "restless") as master:
        master.wait_for("run 2")
        time.sleep(random.Random(seed).uniform(0.0, 0.15))  # not to wait for anything: any moment will do
        seconds_until_gone(master, master.process.kill)


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
        guardian = master.guardian()
        with closing(Watch([pid for pid in master.pids() if pid != guardian])) as inner:
            master.wait_for("task later")
            inner.wait(HELD)
        assert sorted(master.pids()) == sorted([guardian, *master.workers()])
        master.note("go")
        master.end()
        assert master.has("TaskTimeout")


def test_nothing_is_left_when_the_program_leaves_by_an_exception(tmp_path: Path) -> None:
    """When a signal handler raises into a run, its workers have been killed and reaped before the program goes on."""
    with started(tmp_path, "abrupt") as master:
        master.wait_until_busy(0, 1)
        master.process.terminate()
        master.wait_for("over")
        assert Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text() == ""
        assert [pid for pid in master.pids() if is_alive(pid)] == []
        master.note("go")
        master.end()


def test_a_run_needs_no_word_of_its_children(tmp_path: Path) -> None:
    """Where SIGCHLD is ignored the system reaps them, and tells no status; that a task was lost is seen anyway."""
    with started(tmp_path, "careless") as master:
        master.end()
        assert master.has("fine fine TaskLost fine")
        assert master.pids() == []


def test_a_worker_that_cannot_be_started_leaves_nothing(tmp_path: Path) -> None:
    """However few descriptors are to be had, a start succeeds, or fails and takes everything back."""
    with started(tmp_path, "poor") as master:
        master.end()
        assert master.has("some failures")
        assert not master.has("something left")


@pytest.fixture
def terminal() -> Iterator[tuple[int, ExitStack, int, ExitStack]]:
    """The two ends of a terminal, ours and that of programs, and what closes each."""
    ours, theirs = pty.openpty()
    with ExitStack() as close_ours, ExitStack() as close_theirs:
        close_ours.callback(os.close, ours)
        close_theirs.callback(os.close, theirs)
        yield ours, close_ours, theirs, close_theirs


@pytest.mark.parametrize("how", ["Ctrl-C", "hang up"])
def test_nothing_is_left_when_the_terminal_says_so(
    tmp_path: Path, terminal: tuple[int, ExitStack, int, ExitStack], how: str
) -> None:
    """Ctrl-C at a terminal, or its end, reaches the master; all others are ended by those whose duty it is."""
    ours, close_ours, theirs, close_theirs = terminal
    with started(tmp_path, "two_busy", stdin=theirs, preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0)) as master:
        master.wait_until_busy(0, 1)
        assert os.tcgetpgrp(ours) == master.pid
        close_theirs.close()
        seconds_until_gone(master, close_ours.close if how == "hang up" else lambda: os.write(ours, b"\x03"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=name)
def test_a_signal_to_the_masters_group_does_not_reach_the_guardian(tmp_path: Path, number: signal.Signals) -> None:
    """Who signals the master's whole process group, as supervisors do, ends the master but not its guardian."""
    with started(tmp_path, "two_lonely") as master:
        master.wait_for("task 0", "task 1")
        guardian = master.guardian()
        assert os.getsid(guardian) == guardian != os.getsid(master.pid)
        seconds_until_gone(master, lambda: os.killpg(master.pid, number))


def test_workers_leave_when_nobody_is_left_to_end_them(tmp_path: Path) -> None:
    """Where master and guardian die at the same instant, an idle worker goes at once, a busy one after its task."""
    with started(tmp_path, "one_idle") as master:
        master.wait_for("idle", "task 1")
        idle, at_work = master.noted("idle"), master.noted("task 1")
        with closing(Watch([idle])) as first, closing(Watch([at_work])) as second:
            kill_both(master)
            first.wait(HELD)
            assert second.left() == [at_work]
            master.note("go")
            second.wait(HELD)


def kill_both(master: Master) -> None:
    """Kill master and guardian so that neither can do anything about the other's death."""
    guardian = master.guardian()
    os.kill(master.pid, signal.SIGSTOP)
    wait_for(lambda: state(master.pid) == "T")
    os.kill(guardian, signal.SIGKILL)
    os.kill(master.pid, signal.SIGKILL)
