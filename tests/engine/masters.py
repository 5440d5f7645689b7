"""Masters that a test starts and ends, and all that comes from them, found without any code of ours.

Ours is who carries the case's mark (see tests.engine.master_scripts) in its environment or its arguments.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.engine.master_scripts import CASE, FACTS, KINDS

ROOT: Final = Path(__file__).resolve().parents[2]
#: Seconds after which something that should have come fails the test.
PATIENCE: Final = 30.0
#: Seconds until nothing is left behind a master, as promised, and as held here: a busy machine is not a defect.
PROMISED: Final = 2.0
HELD: Final = 4 * PROMISED


def wait_for(condition: Callable[[], object], patience: float = PATIENCE, what: str = "it") -> None:
    """Return when a condition holds. Raises TimeoutError where it never does."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} is not so after {patience} s")
        time.sleep(0.002)


def state(pid: int) -> str:
    """The state of a process as one letter: R, S, T (stopped), Z; empty if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def is_alive(pid: int) -> bool:
    """Whether a process runs, or could run on."""
    return state(pid) not in ("", "Z", "X")


def arguments(pid: int) -> list[str]:
    """A process's argument list; empty if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    return []


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty if it is gone."""
    with suppress(OSError):
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        return dict(entry.partition("=")[::2] for entry in entries if entry)
    return {}


class Watch:
    """Some processes, each held by a descriptor, so that no other can be taken for one of them. To be closed."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._handles: dict[int, int] = {}
        for pid in pids:
            with suppress(ProcessLookupError):
                self._handles[os.pidfd_open(pid)] = pid

    def left(self) -> list[int]:
        """Those that have not ended."""
        poller = select.poll()
        for handle in self._handles:
            poller.register(handle, select.POLLIN)
        ended = {handle for handle, _ in poller.poll(0)}
        return [pid for handle, pid in self._handles.items() if handle not in ended]

    def wait(self, patience: float) -> float:
        """Wait until all have ended: the seconds that it took. Raises AssertionError, with those that are left."""
        began = time.monotonic()
        while left := self.left():
            assert time.monotonic() < began + patience, {pid: (state(pid), arguments(pid)) for pid in left}
            time.sleep(0.002)
        return time.monotonic() - began

    def close(self) -> None:
        """Let go of the descriptors."""
        for handle in self._handles:
            os.close(handle)
        self._handles.clear()


class Master:
    """A process that runs a function of tests.engine.master_scripts. ``facts``: the folder of what has been noted."""

    def __init__(self, folder: Path, program: str, *words: object, **options: Any) -> None:
        self.case = f"600.{uuid.uuid4().int % 10**15:015}"
        self.facts = folder / self.case
        self.facts.mkdir()
        code = f"from tests.engine import master_scripts; master_scripts.{program}({', '.join(map(repr, words))})"
        self._errors = (self.facts / "stderr").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, CASE: self.case, FACTS: str(self.facts), "PYTHONPATH": str(ROOT)},
            **{"stdin": subprocess.DEVNULL, "stderr": self._errors, "start_new_session": True, **options},
        )

    @property
    def pid(self) -> int:
        """The master's own process id."""
        return self.process.pid

    def pids(self) -> list[int]:
        """All that are ours, the master left out, dead or not yet reaped ones too where they can be told."""
        mark = self.case.encode()
        found = []
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            with suppress(OSError):
                if pid != self.pid and any(
                    [mark in Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline")]
                ):
                    found.append(pid)
        return found

    def guardians(self) -> list[int]:
        """The guardians of all masters of this case."""
        return [pid for pid in self.pids() if any([word.endswith("guardian.py") for word in arguments(pid)])]

    def guardian(self, *former: int) -> int:
        """The master's guardian, once it has one that is none of the former ones and listens."""
        found: list[int] = []

        def look() -> bool:
            found[:] = [pid for pid in self.guardians() if pid not in former and str(self.pid) in arguments(pid)]
            return bool(found) and is_deaf(found[0])

        wait_for(look, what="a guardian")
        return found[0]

    def workers(self) -> list[int]:
        """All processes that are workers of ours, and lead their sessions (copies of them do not)."""
        return [
            pid
            for pid in self.pids()
            if any([word.endswith("worker_stub/__main__.py") for word in arguments(pid)]) and os.getsid(pid) == pid
        ]

    def has(self, *facts: str) -> bool:
        """Whether all these facts have been noted."""
        return all([(self.facts / fact).exists() for fact in facts])

    def wait_for(self, *facts: str) -> None:
        """Wait until these facts have been noted."""
        wait_for(lambda: self.has(*facts) or self.process.poll() is not None, what=f"{facts} of {self}")
        assert self.has(*facts), f"{facts} of {self}"

    def end(self) -> None:
        """Wait until the program has ended by itself, without complaint."""
        assert self.process.wait(PATIENCE) == 0, str(self)

    def noted(self, fact: str) -> int:
        """The process id that a fact is about."""
        return int((self.facts / fact).read_text())

    def note(self, fact: str) -> None:
        """Let the programs know a fact."""
        (self.facts / fact).touch()

    def wait_until_busy(self, *tasks: int) -> None:
        """Wait until tasks of ``busy`` have all their children."""
        self.wait_for(*[f"task {task}" for task in tasks])
        wait_for(lambda: self.sleepers() == len(KINDS) * len(tasks), what=f"children of {self}")

    def sleepers(self) -> int:
        """How many processes sleep as the tasks' children do."""
        return len([pid for pid in self.pids() if arguments(pid) == ["sleep", self.case]])

    def __str__(self) -> str:
        return f"master {self.pid} ({self.process.poll()}): {(self.facts / 'stderr').read_text()[-2000:]}"

    def close(self) -> None:
        """End whatever is left, so that it does not spoil the tests that follow."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._errors.close()


def is_deaf(pid: int, number: signal.Signals = signal.SIGTSTP) -> bool:
    """Whether a process ignores a signal by now; a guardian listens once it is deaf to SIGTSTP."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigIgn:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


@contextmanager
def started(folder: Path, program: str, *words: object, **options: Any) -> Iterator[Master]:
    """A master, as long as the block lasts."""
    master = Master(folder, program, *words, **options)
    try:
        yield master
    finally:
        master.close()


def seconds_until_gone(master: Master, end: Callable[[], object], but: Iterable[int] = ()) -> float:
    """End a master in some way: the seconds until it and all that is ours is gone, but for some."""
    spared = set(but)

    def left() -> list[str]:
        return [f"{pid}: {arguments(pid)}" for pid in master.pids() if pid not in spared and is_alive(pid)]

    with closing(Watch([master.pid, *[pid for pid in master.pids() if pid not in spared]])) as watch:
        began = time.monotonic()
        end()
        watch.wait(HELD)
    while found := left() or left():  # one that is just becoming another program is not seen by a single look
        assert time.monotonic() < began + HELD, found
    return time.monotonic() - began
