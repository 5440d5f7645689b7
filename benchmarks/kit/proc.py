"""What Linux tells of processes: memory and CPU time. Raises Cannot where there is no /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from glob import glob
from pathlib import Path

from benchmarks.kit.question import Cannot


def memory(what: str) -> int:
    """Bytes of our own memory: VmRSS is what is resident now, VmHWM the most that ever was."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        raise Cannot("there is no /proc") from None
    for line in lines:
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise Cannot(f"/proc/self/status has no {what}")


def family(pid: int) -> list[int]:
    """A process and all that are below it."""
    found = [pid]
    for parent in found:  # which grows
        for path in glob(f"/proc/{parent}/task/*/children"):
            with suppress(OSError):  # it has just ended
                found += map(int, Path(path).read_text(encoding="ascii").split())
    return found


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that these processes have used; those that have ended count nothing."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            # The command's name, in parentheses, may hold anything; user and system time are the 12th and 13th after.
            words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")
