"""Workers on this machine: direct children, each the leader of a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from spreadjobs.transports.base import Running
from worker_stub import supervise
from worker_stub.page import create

#: Seconds for which the others wait, at most, while what a worker has left in its session is being killed.
PATIENCE: Final = 0.05
#: Seconds that a process which was killed may take to end.
DYING: Final = 1.0


class LocalTransport:
    """Starts processes here."""

    def start(self, argv: Sequence[str], tag: str) -> LocalProcess:
        """Start ``argv`` as a worker. Raises OSError where that fails."""
        return LocalProcess(argv, tag)


class LocalProcess:
    """A child of ours; see transports.base.WorkerProcess."""

    def __init__(self, argv: Sequence[str], tag: str) -> None:
        self._tag = tag
        self._closed = False
        with ExitStack() as theirs, ExitStack() as ours:  # what the child has is closed, what we have only on failure
            self._page, page = create()
            theirs.callback(os.close, page)
            ours.callback(self._page.close)
            stdin, self.input = _pipe(theirs, ours)
            self.output, stdout = _pipe(ours, theirs)
            self.errors, stderr = _pipe(ours, theirs)
            self.capture, capture = _pipe(ours, theirs)
            environment = dict(os.environ)
            environment[supervise.ID_VARIABLE] = tag
            environment["SPREADJOBS_PAGE_FD"] = str(page)
            environment["SPREADJOBS_CAPTURE_FD"] = str(capture)
            self._child = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(page, capture),
                start_new_session=True,
                env=environment,
            )
            ours.pop_all()
        self.pid = self._child.pid
        self.ended = _pidfd(self.pid)

    def poll(self) -> int | None:
        """Its exit status once it has ended; what was left in its session is then killed."""
        if self._child.returncode is None and self._waits_to_be_reaped():
            left = supervise.Kin(None, [self.pid])  # before it is reaped: till then its number is its own
            if left.signal(signal.SIGKILL):
                left.kill(PATIENCE)
            self._child.wait()
        return self._child.returncode

    def _waits_to_be_reaped(self) -> bool:
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except (AttributeError, ChildProcessError):  # not on this system; or reaped by others: SIGCHLD is ignored
            self._child.poll()
            return False

    def signal(self, number: int) -> None:
        """Send a signal to its whole group; SIGKILL reaches those too that left it."""
        if self._child.returncode is None:
            supervise.signal_group(self.pid, number)
        if number == signal.SIGKILL:
            supervise.Kin(self._tag, [self.pid] if self._child.returncode is None else []).signal(number)

    def running(self) -> Running:
        """What it says that it runs."""
        task, attempt, began, step, _ = self._page.read()
        return Running(task, attempt, began, step)

    def recall(self, sent: int) -> int:
        """Take back what it has not begun of all the ``sent`` tasks that it was ever sent; how many, the last ones."""
        return self._page.recall(sent)

    def forget(self) -> None:
        """Let go of the page and of the descriptor that tells the end. One that is being killed is waited for."""
        if not self._closed:
            self._closed = True
            end = time.monotonic() + DYING
            try:
                while self.poll() is None and time.monotonic() < end:
                    time.sleep(0.001)
            finally:  # Ctrl-C may end the wait
                self._page.close()
                if self.ended is not None:
                    os.close(self.ended)


def _pipe(reading: ExitStack, writing: ExitStack) -> tuple[int, int]:
    """A pipe, and who closes its ends."""
    ends = os.pipe()
    reading.callback(os.close, ends[0])
    writing.callback(os.close, ends[1])
    return ends


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not on this system, or no descriptor to be had
        return None
