"""What a test has left behind: threads, descriptors, processes, temporary files.

Every process that a test starts inherits MARK in its environment, however far below, so that orphans are found too.
Linux only: where there is no /proc, nothing is found but threads and files.
"""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Final, TypeAlias

#: What this process has at one moment: each thing, and what a reader is told of it.
Belongings: TypeAlias = dict[tuple[str, object], str]

#: Names the processes of this run of pytest.
MARK: Final = f"SPREADJOBS_TESTS={os.getpid()}-{secrets.token_hex(8)}"

#: Seconds that what a test has ended may take to be gone.
PATIENCE: Final = 2.0

#: What the interpreter and the C library open once, at the first use, and keep.
KEPT_OPEN: Final = ("/dev/urandom", "/dev/random")


def mark_processes(folder: Path) -> None:
    """From now on each process that is started can be told as ours, and has its temporary files in a folder."""
    name, _, value = MARK.partition("=")
    os.environ[name] = value
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def belongings(look_far: bool) -> Belongings:
    """What there is now; ``look_far``: grandchildren and orphans as well, which takes a few milliseconds."""
    found: Belongings = {("thread", thread): f"thread {thread.name!r}" for thread in threading.enumerate()}
    found.update({("file", path): f"temporary file {path}" for path in glob(tempfile.gettempdir() + "/*")})
    found.update(_descriptors())
    found.update({("process", pid): _process(pid) for pid in _children()})
    if look_far:
        found.update({("process", pid): _process(pid) for pid in _marked()})
    return found


def changes(before: Belongings, look_far: bool) -> Belongings:
    """What there is now and was not before, and what is closed that was open; after as much patience as that takes."""
    end = time.monotonic() + PATIENCE
    while True:
        now = belongings(look_far)
        left = {thing: f"{text} is left" for thing, text in now.items() if thing not in before}
        lost = {
            thing: f"{text} was closed, by whom it does not belong to"
            for thing, text in before.items()
            if thing[0] == "descriptor" and thing not in now
        }
        if not (left or lost) or time.monotonic() > end:
            return left | lost
        time.sleep(0.005)


def end_processes(left: Belongings) -> None:
    """Kill what was found, so that it does not spoil the tests that follow."""
    for kind, pid in left:
        if kind == "process" and isinstance(pid, int):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _descriptors() -> Iterator[tuple[tuple[str, object], str]]:
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with suppress(FileNotFoundError):  # the one that listed the folder
            target = os.readlink(f"/proc/self/fd/{number}")
            if target not in KEPT_OPEN:
                yield ("descriptor", (number, target)), f"descriptor {number} ({target})"


def _children() -> Iterator[int]:
    for path in glob("/proc/self/task/*/children"):
        with suppress(OSError):  # a thread that has just ended
            yield from map(int, Path(path).read_text().split())


def _marked() -> Iterator[int]:
    mark, ours = MARK.encode(), str(os.getpid())
    for pid in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if pid.isdigit() and pid != ours:
            with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
                if mark in environ.read():
                    yield int(pid)


def _process(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return f"process {pid} ({words[:200] or 'a zombie'})"
    return f"process {pid}"
