"""Workers on this machine: direct children, each the leader of a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence

from spreadjobs.transports.base import Running
from worker_stub import supervise
from worker_stub.page import create


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
        self._page, page_fd = create()
        self.capture, capture_in = os.pipe()
        environment = dict(os.environ)
        environment[supervise.ID_VARIABLE] = tag
        environment["SPREADJOBS_PAGE_FD"] = str(page_fd)
        environment["SPREADJOBS_CAPTURE_FD"] = str(capture_in)
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(page_fd, capture_in),
                start_new_session=True,
                env=environment,
            )
        except BaseException:
            self._page.close()
            os.close(self.capture)
            raise
        finally:
            os.close(page_fd)
            os.close(capture_in)
        child = self._child
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        self.pid = child.pid
        self.input, self.output, self.errors = (
            os.dup(pipe.fileno()) for pipe in (child.stdin, child.stdout, child.stderr)
        )
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()
        self.ended = _pidfd(child.pid)

    def poll(self) -> int | None:
        """Its exit status once it has ended; what was left in its group is then killed."""
        if self._child.returncode is None and self._has_ended():
            supervise.signal_group(self.pid, signal.SIGKILL)  # before it is reaped: till then its number is its own
            self._child.wait()
        return self._child.returncode

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._child.poll() is not None
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def signal(self, number: int) -> None:
        """Send a signal to its whole group; SIGKILL reaches those too that left it."""
        if self._child.returncode is None:
            supervise.signal_group(self.pid, number)
        if number == signal.SIGKILL:
            supervise.signal_tagged(self._tag, number)

    def running(self) -> Running:
        """What it says that it runs."""
        task, attempt, began, step, _ = self._page.read()
        return Running(task, attempt, began, step)

    def forget(self) -> None:
        """Let go of the page and of the descriptor that tells the end."""
        if not self._closed:
            self._closed = True
            self._page.close()
            if self.ended is not None:
                os.close(self.ended)


def _pidfd(pid: int) -> int | None:
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
