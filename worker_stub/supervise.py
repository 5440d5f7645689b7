"""How processes are found and ended, the same on this machine and on every host.

A worker is the leader of a session and of a process group of its own, and its environment holds SPREADJOBS_ID, which
all its descendants inherit. So whatever it leaves is found by its session, or by that mark, or (if it both left the
session and cleared its environment) not at all.
"""

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, Optional

#: The mark: ``run.worker``; of a run inside a task, ``run.worker/run.worker`` and so on.
ID_VARIABLE = "SPREADJOBS_ID"

#: How often processes are looked at, at most, while a look may have missed one, and the seconds between.
TRIES = 3
PAUSE = 0.001


def ladder(grace: float) -> "list[tuple[float, int]]":
    """The rungs of the kill ladder as (seconds from its start, signal): interrupt, TERM at half of it, KILL."""
    if grace <= 0:
        return [(0.0, signal.SIGKILL)]
    return [(0.0, signal.SIGINT), (grace / 2, signal.SIGTERM), (grace, signal.SIGKILL)]


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group, and wake those of it that were stopped; False where there is none."""
    return _send(os.killpg, group, number)


def _send(send: "Callable[[int, int], None]", target: int, number: int) -> bool:
    try:
        send(target, number)
        if number not in (0, signal.SIGKILL):
            send(target, signal.SIGCONT)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Kin:
    """All that descend from a worker or a run, as far as that can be told; to be found and ended.

    They carry the mark ``tag`` or one below it, or are in a session that is led by one of these, or in one of
    ``sessions``, which are known to be ours; with None for the tag, in one of these only. Our own process is never one
    of them, nor is one that is dead and not yet reaped. Where there is no /proc, none is found, but the process groups
    with the numbers of ``sessions`` are ended.
    """

    def __init__(self, tag: "Optional[str]", sessions: "Iterable[int]" = ()) -> None:
        self._entry = None if tag is None else (ID_VARIABLE + "=" + tag).encode()
        self._sessions = set(sessions)

    def find(self) -> "list[int]":
        """Their process ids."""
        return sorted(self._reach(None))

    def signal(self, number: int) -> bool:
        """Send a signal to each, once, and wake those that were stopped; False where there was none."""
        return bool(self._reach(number))

    def kill(self, patience: float = 1.0) -> bool:
        """Kill them all, those too that are forked meanwhile; False if some are left after ``patience`` seconds."""
        looks = Looks()
        end = time.monotonic() + patience
        while self._tell(signal.SIGKILL, self._find(looks)) or looks.missed:
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE)
        return True

    def _reach(self, number: "Optional[int]") -> "set[int]":
        """Those that are found, after a signal, if that is not None; where there is no /proc, their groups."""
        looks = Looks()
        reached = set()  # type: set[int]
        for _ in range(TRIES):
            found = self._find(looks)
            if number is not None:
                found = self._tell(number, None if found is None else found - reached)
            reached.update(found or ())
            if not looks.missed:
                break
            time.sleep(PAUSE)
        return reached

    def _tell(self, number: int, pids: "Optional[set[int]]") -> "set[int]":
        if pids is None or number == signal.SIGKILL:  # a whole group is killed before it can fork
            groups = {session for session in self._sessions if signal_group(session, number)}
            if pids is None:
                self._sessions = groups
                return groups
        for pid in sorted(pids):
            _send(os.kill, pid, number)
        return pids

    def _find(self, looks: "Looks") -> "Optional[set[int]]":
        """None where there is no /proc."""
        try:
            names = os.listdir("/proc")
        except OSError:
            return None
        ours = os.getpid()
        sessions = {int(name): _session(int(name)) for name in names if name.isdigit()}
        sessions = {pid: session for pid, session in sessions.items() if session and pid != ours}
        found = looks.marked(self._entry, sessions) if self._entry else set()
        # The number of a session is that of its leader, and nobody else's while the session has members.
        known = self._sessions | found
        members = {pid for pid, session in sessions.items() if session in known}
        self._sessions = {sessions[pid] for pid in members}
        found.update([pid for pid in members if pid not in found and not _is_dead(pid)])
        return found


class Looks:
    """One look after the other at the environments of processes, with a short time between them."""

    def __init__(self) -> None:
        #: Whether the last look may have missed one.
        self.missed = False
        self._strangers = set()  # type: set[int]
        self._empty = set()  # type: set[int]

    def marked(self, entry: bytes, pids: "Iterable[int]") -> "set[int]":
        """Those of some processes that have this entry, or one below it."""
        self._strangers.intersection_update(pids)
        self._empty.intersection_update(pids)
        self.missed = False
        return {pid for pid in pids if pid not in self._strangers and self._has(entry, pid)}

    def _has(self, entry: bytes, pid: int) -> bool:
        text = b""
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                text = file.readall() or b""
        except FileNotFoundError:  # it is gone, and may have forked
            self.missed = True
            return False
        except PermissionError:  # another user's
            self._strangers.add(pid)
            return False
        except OSError:  # it has just died, or did so long ago and was not reaped
            pass
        if not text and pid not in self._empty:  # or it is just becoming another program
            self._empty.add(pid)
            self.missed = True
            return False
        text = b"\0" + text
        at = text.find(b"\0" + entry)
        if at >= 0 and text[at + 1 + len(entry) :][:1] in (b"", b"\0", b".", b"/"):
            return True
        self._strangers.add(pid)
        return False


def _session(pid: int) -> int:
    """0 for a thread of the kernel, -1 for a process that is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _is_dead(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return (file.readall() or b"").rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"])
    except OSError:
        return True


def tagged(tag: str) -> "list[int]":
    """The process ids of all that descend from what carries the mark ``tag``, as far as that can be told (see Kin)."""
    return Kin(tag).find()


def kill_tagged(tag: str, patience: float = 1.0) -> bool:
    """Kill all of them, those too that are forked meanwhile; False if some are left after ``patience`` seconds."""
    return Kin(tag).kill(patience)
