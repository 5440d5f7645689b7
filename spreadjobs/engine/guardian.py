"""The master's end of its guardian (worker_stub.guardian): kept alive, told of each group, dismissed at the end."""

from __future__ import annotations

import os
import subprocess
import sys

from spreadjobs.engine.channel import Writer
from spreadjobs.engine.loop import READ, Loop, Timer
from worker_stub import guardian as script

#: Seconds until a guardian that has ended is replaced: none for the first in a row, then doubled each time, up to a
#: limit; one that has lived for longer than the limit begins a new row.
PAUSE = 0.05
PAUSE_MAX = 1.0
#: How often it is looked at where the system cannot tell us its end, in seconds.
LOOK = 0.5


class Guardian:
    """Starts a guardian, and another one whenever it ends before its time. To be dismissed."""

    def __init__(self, loop: Loop, tag: str) -> None:
        self._loop = loop
        self._tag = tag
        self._groups: dict[int, None] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._input: Writer | None = None
        self._ended: int | None = None
        self._timer: Timer | None = None
        self._pause = 0.0
        self._began = 0.0
        self._restart()

    @property
    def pid(self) -> int | None:
        """The process id of the present one, None while there is none."""
        return self._child.pid if self._child is not None else None

    def _start(self) -> None:
        argv = [sys.executable, "-I", "-S", script.__file__, self._tag, str(os.getpid())]
        quiet = subprocess.DEVNULL
        self._began = self._loop.clock()
        end, ours = os.pipe()
        try:
            self._child = subprocess.Popen(argv, stdin=end, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/")
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(end)
        self._input = Writer(self._loop, ours, lambda: None)
        self._say("".join([f"+{group}\n" for group in self._groups]))
        self._watch(self._child.pid)

    def _watch(self, pid: int) -> None:
        try:
            self._ended = os.pidfd_open(pid)
        except (AttributeError, OSError):  # not on this system, or no descriptor to be had
            self._look()
        else:
            self._loop.watch(self._ended, READ, self._replace)

    def _look(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._replace()
        else:
            self._timer = self._loop.call_later(LOOK, self._look)

    def _replace(self) -> None:
        if self._loop.clock() > self._began + PAUSE_MAX:
            self._pause = 0.0
        self._release()
        self._timer = self._loop.call_later(self._pause, self._restart)
        self._pause = min(2 * self._pause or PAUSE, PAUSE_MAX)

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
        if self._input is not None:
            self._input.write([text.encode()])

    def dismiss(self) -> None:
        """All is well: it goes, and nothing is killed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._child is not None:
            self._child.kill()
        self._release()

    def _release(self) -> None:
        if self._ended is not None:
            self._loop.unwatch(self._ended)
            os.close(self._ended)
            self._ended = None
        if self._input is not None:
            self._input.close()
            self._input = None
        if self._child is not None:
            self._child.wait()
            self._child = None
