"""The master's end of its guardian (worker_stub.guardian): kept alive, told of each group, dismissed at the end."""

from __future__ import annotations

import os
import subprocess
import sys

from spreadjobs.engine.loop import READ, Loop, Timer
from worker_stub import guardian as script

#: Seconds until a guardian that has ended is replaced, doubled each time in a row.
PAUSE = 0.05


class Guardian:
    """Starts a guardian, and another one whenever it ends before its time. To be dismissed."""

    def __init__(self, loop: Loop, tag: str) -> None:
        self._loop = loop
        self._tag = tag
        self._groups: dict[int, None] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._ended: int | None = None
        self._retry: Timer | None = None
        self._pause = PAUSE
        self._start()

    @property
    def pid(self) -> int | None:
        """The process id of the present one, None while there is none."""
        return self._child.pid if self._child is not None else None

    def _start(self) -> None:
        argv = [sys.executable, "-I", "-S", script.__file__, self._tag, str(os.getpid())]
        quiet = subprocess.DEVNULL
        self._child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, bufsize=0, start_new_session=True, cwd="/"
        )
        assert self._child.stdin is not None
        os.set_blocking(self._child.stdin.fileno(), False)
        if hasattr(os, "pidfd_open"):
            self._ended = os.pidfd_open(self._child.pid)
            self._loop.watch(self._ended, READ, self._replace)
        self._say("".join([f"+{group}\n" for group in self._groups]))

    def _replace(self) -> None:
        self._release()
        self._retry = self._loop.call_later(self._pause, self._restart)
        self._pause *= 2

    def _restart(self) -> None:
        try:
            self._start()
        except OSError:  # no process or descriptor to be had just now
            self._replace()

    def add(self, group: int) -> None:
        """There is a further process group to be looked after."""
        self._groups[group] = None
        self._say(f"+{group}\n")

    def discard(self, group: int) -> None:
        """This group is gone."""
        self._groups.pop(group, None)
        self._say(f"-{group}\n")

    def _say(self, text: str) -> None:
        if text and self._child is not None and self._child.stdin is not None:
            try:
                self._child.stdin.write(text.encode())
            except (BrokenPipeError, BlockingIOError):  # it has just ended, and the next one is told all; or it is
                return  # stopped, and finds by their mark those that it is not told of

    def dismiss(self) -> None:
        """All is well: it goes, and nothing is killed."""
        if self._retry is not None:
            self._retry.cancel()
        if self._child is not None:
            self._child.kill()
        self._release()

    def _release(self) -> None:
        if self._child is None:
            return
        if self._ended is not None:
            self._loop.unwatch(self._ended)
            os.close(self._ended)
            self._ended = None
        self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child = None
