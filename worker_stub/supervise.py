"""How processes are found and ended, the same on this machine and on every host.

A worker is the leader of a session and of a process group of its own, and its environment holds SPREADJOBS_ID, which
all its descendants inherit. So whatever it leaves is found by its group, or by that mark, or (if it both left the
session and cleared its environment) not at all.
"""

import os
import signal
import time

#: The mark: ``run.worker``; of a run inside a task, ``run.worker/run.worker`` and so on.
ID_VARIABLE = "SPREADJOBS_ID"


def ladder(grace: float) -> "list[tuple[float, int]]":
    """The rungs of the kill ladder as (seconds from its start, signal): interrupt, TERM at half of it, KILL."""
    if grace <= 0:
        return [(0.0, signal.SIGKILL)]
    return [(0.0, signal.SIGINT), (grace / 2, signal.SIGTERM), (grace, signal.SIGKILL)]


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group, and wake those of it that were stopped; False where there is none."""
    try:
        os.killpg(group, number)
        if number != signal.SIGKILL:
            os.killpg(group, signal.SIGCONT)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def tagged(tag: str) -> "list[int]":
    """The process ids whose mark is ``tag`` or lies below it, our own left out; empty where there is no /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    start = (ID_VARIABLE + "=" + tag).encode()
    ours = os.getpid()
    return [int(name) for name in names if name.isdigit() and int(name) != ours and _carries(name, start)]


def _carries(pid: str, start: bytes) -> bool:
    try:
        with open("/proc/" + pid + "/environ", "rb", buffering=0) as file:
            text = b"\0" + (file.read(1 << 20) or b"")
    except OSError:  # gone, or another user's
        return False
    at = text.find(b"\0" + start)
    return at >= 0 and text[at + 1 + len(start) :][:1] in (b"", b"\0", b".", b"/")


def signal_tagged(tag: str, number: int) -> int:
    """Send a signal to each process that ``tagged`` finds; how many there were."""
    found = tagged(tag)
    for pid in found:
        try:
            os.kill(pid, number)
            if number != signal.SIGKILL:
                os.kill(pid, signal.SIGCONT)
        except (ProcessLookupError, PermissionError):
            continue
    return len(found)


def kill_tagged(tag: str, patience: float = 1.0) -> bool:
    """Kill all that carry the mark, those too that are forked meanwhile; False if some are left after ``patience``."""
    end = time.monotonic() + patience
    while signal_tagged(tag, signal.SIGKILL):
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True
