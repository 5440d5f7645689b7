"""What tasks do in the tests: misdeeds, mostly. Workers import this file, so it imports little."""

from __future__ import annotations

import collections
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

from tests.frontends.processes import is_first, note, noted, wait_for_file, wait_until_gone

MEGABYTE: Final = 10**6


def do(order: tuple[str | Callable[[Any], Any], Any]) -> Any:
    """Do what the order says: a function, or the name of one of this file, and its argument."""
    deed, argument = order
    return (globals()[deed] if isinstance(deed, str) else deed)(argument)


def square(x: int) -> int:
    """What a good task does."""
    return x * x


def slow_square(x: int) -> int:
    """What a good task does that has more to do."""
    time.sleep(0.15)
    return x * x


# --- that kill their worker


def kill_itself(x: object) -> None:
    """By a signal that nobody can catch."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash(x: object) -> None:
    """As C code does."""
    ctypes.string_at(0)


def exit_at_once(x: object) -> NoReturn:
    """Without a word."""
    os._exit(0)


def kill_itself_once(order: tuple[str, int]) -> int:
    """The first time only; a marker file remembers."""
    marker, x = order
    if is_first(marker):
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def send_much_and_be_killed(x: object) -> bytes:
    """Return 400 MB; a helper kills the worker as soon as the master has begun to read them."""
    worker, master = os.getpid(), os.getppid()
    before = _read_by(master)
    if not os.fork():
        while _read_by(master) < before + MEGABYTE:
            pass
        os.kill(worker, signal.SIGKILL)
        os._exit(0)
    return bytes(400 * MEGABYTE)


def _read_by(pid: int) -> int:
    with open(f"/proc/{pid}/io") as file:
        return int(file.readline().split()[1])


def die_while_a_grandchild_holds_the_pipes(path: str) -> None:
    """Kill the worker, with all its descriptors open in a process of another session without our mark."""
    for number in os.listdir("/proc/self/fd"):
        try:
            os.set_inheritable(int(number), True)
        except OSError:
            pass  # the one that listed the folder
    hold = subprocess.Popen(["sleep", "60"], env={}, start_new_session=True, close_fds=False)
    with open(path, "w") as file:
        file.write(f"{hold.pid} {time.time()}")
    os.kill(os.getpid(), signal.SIGKILL)


# --- that end in another way


def leave(code: Any) -> NoReturn:
    """In the way in which programs do."""
    sys.exit(code)


def interrupt(x: object) -> NoReturn:
    """As if somebody had pressed Ctrl-C."""
    raise KeyboardInterrupt


class Refusal(Exception):
    """An exception like others."""


def refuse(x: object) -> NoReturn:
    """An ordinary failure."""
    raise Refusal("not with me", x)


class Locked(Exception):
    """An exception that cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def raise_unpicklable(x: object) -> NoReturn:
    """What cannot be sent."""
    raise Locked("with a lock in it")


class Odd(Exception):
    """An exception that pickle writes, and cannot read: it forgets what ``__init__`` needs."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"odd: {what}")


def raise_odd(x: object) -> NoReturn:
    """What can be sent and not be read."""
    raise Odd(what="keywords only")


class Guarded(Exception):
    """An exception that has names of ours, and lets nobody set them."""

    @property
    def report(self) -> str:
        """Its own."""
        return "its own report"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("hands off")


def raise_guarded(x: object) -> NoReturn:
    """What cannot be told anything."""
    raise Guarded("closed")


class Mute(Exception):
    """An exception that has no text."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    __repr__ = __str__


def raise_mute(x: object) -> NoReturn:
    """What cannot be told about."""
    raise Mute(x)


def return_lock(x: object) -> Any:
    """What cannot be sent."""
    return threading.Lock()


class Grenade:
    """Explodes where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return int, ("boom",)


def return_grenade(x: object) -> Any:
    """What can be sent and not be read."""
    return Grenade()


# --- that do something that should harm nobody


def fork_and_return(x: int) -> tuple[int, int]:
    """The copy returns, too; the original waits for that, and gives its status."""
    copy = os.fork()
    return (x, 0) if copy == 0 else (x * x, os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))


def fork_and_raise(x: int) -> tuple[int, int]:
    """The copy raises."""
    copy = os.fork()
    if copy == 0:
        raise Refusal("a copy")
    return x * x, os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


def fork_and_exit(x: int) -> tuple[int, int]:
    """The copy exits as programs do."""
    copy = os.fork()
    if copy == 0:
        sys.exit(7)
    return x * x, os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


def fork_and_forget(x: int) -> int:
    """The copy stays, and does nothing for a long time."""
    if os.fork() == 0:
        time.sleep(600)
    return x * x


def print_from_c(x: int) -> int:
    """5 MB to descriptor 1, in one call that holds the interpreter lock."""
    assert ctypes.PyDLL(None).write(1, b"x" * (5 * MEGABYTE), 5 * MEGABYTE) == 5 * MEGABYTE
    return x * x


def leave_a_thread(x: int) -> int:
    """One that the interpreter would wait for at its end."""
    threading.Thread(target=time.sleep, args=(600,)).start()
    return x * x


def close_low_descriptors(x: int) -> int:
    """As daemons do that were written long ago."""
    os.closerange(0, 21)
    return x * x


# --- that do not end


def stop_itself(x: object) -> None:
    """As if by Ctrl-Z."""
    os.kill(os.getpid(), signal.SIGSTOP)


def sleep_for_ever(x: object) -> None:
    """In Python."""
    time.sleep(600)


def spin_in_c(x: object) -> None:
    """Never comes back to the interpreter, and never lets go of its lock."""
    collections.deque(itertools.repeat(None), maxlen=0)


def raise_a_family(folder: str) -> None:
    """Two children and their children, all deaf to INT and TERM, most in sessions of their own; all are noted."""
    start = (
        "import os, signal, subprocess, sys, time\n"
        "for number in (2, 15): signal.signal(number, signal.SIG_IGN)\n"
        f"open({folder!r} + '/' + str(os.getpid()), 'w')\n"
    )
    child = (
        f"{start}subprocess.Popen([*sys.orig_argv[:-1], {start + 'time.sleep(600)'!r}], start_new_session=True).wait()"
    )
    note(folder)
    for apart in (False, True):
        subprocess.Popen([sys.executable, "-I", "-S", "-c", child], start_new_session=apart)
    wait_for_notes((folder, 5))


def wait_for_notes(order: tuple[str, int]) -> None:
    """Return when so many processes are noted in a folder."""
    folder, count = order
    end = time.monotonic() + 10
    while len(noted(folder)) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"only {noted(folder)} are there")
        time.sleep(0.001)


def seconds_until_gone(folder: str) -> float:
    """How long it takes from now on until all that are noted in a folder are gone."""
    began = time.monotonic()
    for pid in noted(folder):
        wait_until_gone(pid)
    return time.monotonic() - began


def write_when_interrupted(path: str) -> None:
    """Stop, and when woken tell why."""
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(600)
    except KeyboardInterrupt:
        with open(path, "w") as file:
            file.write("interrupted")
        raise


def stay_when_interrupted(x: object) -> None:
    """Let no exception and no signal but one end it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            continue


# --- together with others


def meet(order: tuple[str, int]) -> int:
    """Note who does this, and return when so many workers have: so all of them are at work."""
    note(order[0])
    wait_for_notes(order)
    return os.getpid()


def kill_those_who_met(order: tuple[str, str]) -> int:
    """Kill all workers that met in a folder, and this one, the first time; then return how many they were."""
    folder, marker = order
    if is_first(marker):
        for pid in sorted(noted(folder), key=lambda pid: pid == os.getpid()):
            os.kill(pid, signal.SIGKILL)
    return len(noted(folder))


def wait(seconds: float) -> float:
    """Take some time."""
    time.sleep(seconds)
    return seconds


def give_back(x: Any) -> Any:
    """The argument itself."""
    return x


def return_refusal(x: object) -> Refusal:
    """A value that happens to be an exception."""
    return Refusal(x)


def make_file(path: str) -> str:
    """Leave a sign."""
    is_first(path)
    return "made"


def wait_and_refuse(path: str) -> NoReturn:
    """Fail, not before a sign has been left."""
    wait_for_file(path)
    raise Refusal("now")


def succeed_later(path: str) -> str:
    """Fail twice; and, if the path is that of a bad one, always."""
    with open(path, "a") as file:
        file.write("x")
    if os.path.getsize(path) < 3 or path.endswith("bad"):
        raise Refusal("not yet")
    return "at last"


class Counter:
    """A function that counts how often it was called."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, x: object) -> int:
        self.count += 1
        return self.count
