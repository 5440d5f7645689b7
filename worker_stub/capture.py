"""What Python prints during a task is collected for its answer; at any other time it goes to the descriptor.

Collected up to a cap per stream, with a count of what was dropped. In a forked copy it goes to the descriptor, too.
"""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional


class _Sink(io.RawIOBase):
    """The bytes of one stream."""

    mode = "wb"

    def __init__(self, fd: int, name: str) -> None:
        super().__init__()
        self._fd = fd
        self.name = name
        self._pid = os.getpid()
        self._chunks: list[bytes] = []
        self._size = 0
        self._dropped = 0
        self.cap = 0
        self.is_collecting = False
        #: Whether anything was collected since the last ``take``.
        self.is_dirty = False

    def write(self, data: "Any") -> int:
        if not self.is_collecting or os.getpid() != self._pid:
            self._pass_on(bytes(data))
            return len(data)
        self.is_dirty = True
        chunk = bytes(data)[: self.cap - self._size]
        self._dropped += len(data) - len(chunk)
        if chunk:
            self._size += len(chunk)
            self._chunks.append(chunk)
        return len(data)

    def _pass_on(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError:
                return  # nobody reads it any more, or the user's code closed it

    def take(self, name: str, found: "dict[str, Any]") -> None:
        """Add what was collected to ``found``."""
        self.is_dirty = False
        if self._size:
            found[name] = b"".join(self._chunks)
        if self._dropped:
            found[name + "_dropped"] = self._dropped
        self._chunks = []
        self._size = self._dropped = 0

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing: the next task prints as well."""


def _text(sink: _Sink) -> io.TextIOWrapper:
    """Text in, bytes out at once."""
    return io.TextIOWrapper(
        sink,
        encoding="utf-8",
        errors="backslashreplace",
        newline="\n",
        write_through=True,
    )


class Capture:
    """sys.stdout and sys.stderr of a worker, from now on until they are given back."""

    def __init__(self) -> None:
        self._before = sys.stdout, sys.stderr
        for stream in self._before:
            flush(stream)
        self._out = _Sink(1, "<stdout>")
        self._err = _Sink(2, "<stderr>")
        sys.stdout = _text(self._out)
        sys.stderr = _text(self._err)
        self.limit(1024 * 1024)

    def limit(self, cap: int) -> None:
        """Keep so many bytes of each stream per task."""
        self._out.cap = self._err.cap = cap

    def start(self) -> None:
        """A task begins."""
        self._out.is_collecting = self._err.is_collecting = True

    def take(self) -> "Optional[dict[str, Any]]":
        """A task has ended: what it printed, as the fields of an answer's ``extra``; None when that is nothing."""
        out, err = self._out, self._err
        out.is_collecting = err.is_collecting = False
        if not (out.is_dirty or err.is_dirty):
            return None
        found: dict[str, Any] = {}
        out.take("out", found)
        err.take("err", found)
        return found

    def give_back(self) -> None:
        """Make sys.stdout and sys.stderr what they were."""
        sys.stdout, sys.stderr = self._before


def flush(stream: "Any") -> None:
    """Flush a stream that may be missing or closed."""
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass
