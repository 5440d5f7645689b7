"""The worker's marker line, behind whatever a login shell or the program has printed before it."""

from __future__ import annotations

from spreadjobs.errors import ProtocolError
from worker_stub.frames import MASTER_MARKER, WORKER_MARKER, excerpt


class MarkerScanner:
    """Skips what comes before the marker line. ``skipped`` is that, for messages.

    limit: how many bytes may be skipped.
    """

    def __init__(self, limit: int = 64 * 1024) -> None:
        self._limit = limit
        self._seen = bytearray()
        self._looked = 0
        self.is_found = False

    @property
    def skipped(self) -> bytes:
        """What has come so far and is not the marker."""
        return bytes(self._seen)

    def feed(self, data: bytes | memoryview) -> bytes | None:
        """What follows the marker, once it has come; None until then.

        Raises ProtocolError when the worker echoes the master, or has sent too much that is no marker.
        """
        seen = self._seen
        seen += data
        begin = self._find(WORKER_MARKER)
        if self._is_echo(begin):
            raise ProtocolError("it only echoes what it is sent, so it is no worker")
        skipped = len(seen) if begin is None else begin
        if skipped > self._limit:
            raise ProtocolError(f"it sent more than {self._limit} bytes without a marker line: {excerpt(seen)}")
        self._looked = max(0, len(seen) - len(WORKER_MARKER))
        if begin is None:
            return None
        rest = bytes(seen[begin + len(WORKER_MARKER) :])
        del seen[begin:]
        self.is_found = True
        return rest

    def _is_echo(self, end: int | None) -> bool:
        """The master's own marker line stands before ``end``."""
        begin = self._find(MASTER_MARKER)
        return begin is not None and (end is None or begin < end)

    def _find(self, marker: bytes) -> int | None:
        """Where a line that is ``marker`` begins, in what has not been looked through."""
        if not self._looked and self._seen.startswith(marker):
            return 0
        begin = self._seen.find(b"\n" + marker, max(0, self._looked - 1))
        return None if begin < 0 else begin + 1
