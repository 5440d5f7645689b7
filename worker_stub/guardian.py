"""The guardian: a small process beside a master that kills what is left when the master dies.

    master ──pipe──> guardian     lines: "+123" there is a group 123; "-123" it is gone; "." all is well, good night

Rule 1: it acts when the pipe closes, or its parent ends, without a "." before.
Rule 2: it is in a session of its own, deaf to all signals that a terminal or a supervisor sends to a whole group.
Run as ``python -I -S guardian.py TAG PARENT``: the run's mark, and the master's process id.
"""

import os
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from worker_stub import supervise

#: Seconds from the interrupt to the kill.
GRACE = 0.5
#: Seconds in which nothing is found until it goes before that: a worker that the master had just begun to start is not
#: marked yet.
CALM = 0.1
#: How often the parent is looked for where there is no pidfd, in seconds.
LOOK = 0.5


def watch(parent: int) -> "set[int] | None":
    """Wait until the master is gone: the groups that it has left, or None if it said good night."""
    groups = set()  # type: set[int]
    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    os.set_blocking(0, False)
    handle = _pidfd(parent)
    if handle is not None:
        poller.register(handle, select.POLLIN)
    text = b""
    while True:
        is_over = os.getppid() != parent  # before it is read, so that its last words are
        data = _read()
        while data:
            *lines, text = (text + data).split(b"\n")
            if b"." in lines:
                return None
            for line in lines:
                (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
            data = _read()
        if is_over or data is not None:
            return groups
        poller.poll(None if handle is not None else LOOK * 1000)


def _read() -> "bytes | None":
    """What is in the pipe now: None for nothing, empty when it is closed."""
    try:
        return os.read(0, 65536)
    except BlockingIOError:
        return None


def _pidfd(pid: int) -> "int | None":
    try:
        # Missing or typed otherwise in older Pythons than the one that mypy runs on.
        return os.pidfd_open(pid)  # type: ignore[attr-defined,no-any-return,unused-ignore]
    except (AttributeError, OSError):
        return None


def end(tag: str, groups: "set[int]") -> None:
    """Climb the kill ladder on all that is left, until nothing is or the ladder ends."""
    left = supervise.Kin(tag, groups)
    started = seen = time.monotonic()
    for delay, number in supervise.ladder(GRACE):
        while time.monotonic() < started + delay:
            if left.signal(0):
                seen = time.monotonic()
            elif time.monotonic() > seen + CALM:
                return
            time.sleep(0.01)
        left.signal(number)
    left.kill()


def main() -> None:
    """Guard the run that is named in the arguments."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    tag, parent = sys.argv[1], int(sys.argv[2])
    groups = watch(parent)
    if groups is not None:
        end(tag, groups)


if __name__ == "__main__":
    main()
