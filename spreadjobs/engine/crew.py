"""The workers' processes of a run: started, killed, and in the end all gone, with all that they have left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Final

from spreadjobs.core.actions import Cause
from spreadjobs.engine.guardian import Guardian
from spreadjobs.engine.listener import Listener
from spreadjobs.engine.loop import Loop
from spreadjobs.engine.worker import Dialect, Worker
from spreadjobs.errors import UsageError
from spreadjobs.transports.base import Spot
from worker_stub import supervise

#: How deep a run may lie inside tasks of other runs.
DEEPEST: Final = 3


def new_tag() -> str:
    """A mark for a run: unlike any other, and below that of the task in which we are, if we are in one."""
    mine = os.urandom(8).hex()
    outer = os.environ.get(supervise.ID_VARIABLE, "")
    if outer.count("/") >= DEEPEST:
        raise UsageError(
            f"runs are nested {DEEPEST + 1} deep: does a module that the workers import call main? Let it do so only"
            " under 'if __name__ == \"__main__\":'"
        )
    return f"{outer}/{mine}" if outer else mine


class Crew:
    """Starts workers in slots, and ends them. To be closed.

    dialect: makes what is to understand the bytes of a worker.
    """

    def __init__(
        self, loop: Loop, spots: Sequence[Spot], dialect: Callable[[Worker], Dialect], listener: Listener
    ) -> None:
        self._loop = loop
        self._spots = spots
        self._dialect = dialect
        self._listener = listener
        self._tag = new_tag()
        self._guardian = Guardian(loop, self._tag)
        #: The live ones, by the number that the machine gave them.
        self.workers: dict[int, Worker] = {}

    def start(self, number: int, slot: int) -> None:
        """Start a worker. Raises OSError where that fails."""
        spot = self._spots[slot]
        process = spot.transport.start(spot.argv, f"{self._tag}.{number}")
        self._guardian.add(process.pid)
        worker = self.workers[number] = Worker(
            number, spot, process, self._loop, broken=self._broken, ended=self._ended
        )
        worker.dialect = self._dialect(worker)
        worker.dialect.open()

    def kill(self, number: int, grace: float, cause: Cause) -> None:
        """Climb the kill ladder on a worker's process tree."""
        if number in self.workers:
            self.workers[number].kill(grace, cause)

    def _broken(self, worker: Worker, sentence: str) -> None:
        self._listener.faulted(worker, sentence, permanent=False)

    def _ended(self, worker: Worker, status: int | None) -> None:
        del self.workers[worker.number]
        self._guardian.discard(worker.process.pid)
        self._listener.ended(worker, status)

    def close(self) -> None:
        """Kill whatever is left, at once, and let go of everything."""
        for worker in self.workers.values():
            worker.process.signal(signal.SIGKILL)
        for worker in self.workers.values():
            worker.release()
        self.workers.clear()
        supervise.kill_tagged(self._tag)
        self._guardian.dismiss()
