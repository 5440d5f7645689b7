"""What the engine knows of a worker's process, whichever way it was started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Running(NamedTuple):
    """What a worker has noted that it runs.

    task, attempt: None, 0: nothing. began: seconds of the monotonic clock. step: see worker_stub.page.
    """

    task: int | None
    attempt: int
    began: float
    step: int


class WorkerProcess(Protocol):
    """A process that was started to be a worker: descriptors that the engine owns, and how to watch and end it.

    input: to write to. output, errors: to read from. capture: to read what user code prints on a worker's descriptor
    1; None where the transport has none. ended: readable once the process has ended; None where it must be polled.
    """

    @property
    def pid(self) -> int: ...
    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def capture(self) -> int | None: ...
    @property
    def ended(self) -> int | None: ...

    def poll(self) -> int | None:
        """Its exit status (negative for a signal) once it has ended, with all that was left in its group killed."""

    def signal(self, number: int) -> None:
        """Send a signal to its whole group; SIGKILL reaches those too that left it."""

    def running(self) -> Running:
        """What it says that it runs."""

    def recall(self, sent: int) -> int:
        """Take back what it has not begun of all the ``sent`` tasks that it was ever sent; how many, the last ones."""

    def forget(self) -> None:
        """Let go of what ``poll`` and ``running`` need. The descriptors are closed by whoever reads them."""


class Transport(Protocol):
    """A way to start workers on one host."""

    def start(self, argv: Sequence[str], tag: str) -> WorkerProcess:
        """Start a worker whose environment carries the mark ``tag``.

        Raises OSError where it cannot be started.
        """


@dataclass(frozen=True, slots=True)
class Spot:
    """A slot as the engine sees it: what to start there, on which host, through which transport."""

    slot: int
    host: str
    argv: tuple[str, ...]
    transport: Transport
