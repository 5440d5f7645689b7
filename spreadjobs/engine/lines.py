"""Plain commands: text in, text out, nothing in between."""

from __future__ import annotations

from spreadjobs.engine.listener import Listener
from spreadjobs.engine.worker import Worker
from spreadjobs.errors import InternalError
from spreadjobs.protocol.lines import LineReader


class LinesDialect:
    """Writes the prelude as it is, and keeps what is printed as the tail. Knows no tasks."""

    def __init__(self, worker: Worker, prelude: bytes, listener: Listener) -> None:
        self._worker = worker
        self._prelude = prelude
        self._listener = listener
        self._lines = LineReader()
        self._tail: list[str] = []

    def open(self) -> None:
        """Write the prelude: the command is then as ready as it will ever be."""
        self._worker.prepared = True
        self._worker.writer.write([self._prelude])
        self._listener.ready(self._worker)

    def received(self, data: bytes) -> None:
        """What it prints is its tail."""
        self._tail += self._lines.feed(data)
        if self._worker.closing:
            self._listener.printed(self._worker)

    def room(self) -> memoryview | None:
        """Lines are never large."""
        return None

    def filled(self, count: int) -> None:
        """There is no such thing."""
        raise InternalError(f"{self._worker} speaks in lines, and has {count} bytes of a frame")

    def send(self, tasks: tuple[tuple[int, int], ...]) -> None:
        """There is no such thing."""
        raise InternalError(f"{self._worker} speaks in lines and was to be sent {len(tasks)} tasks")

    def so_far(self) -> str:
        """What it has done and not done."""
        return "it printed text"

    def tail(self) -> list[str]:
        """All lines that it printed."""
        return self._tail + self._lines.close()
