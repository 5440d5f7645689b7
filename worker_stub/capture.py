"""What Python prints during a task is collected for its answer; at any other time it goes to the descriptor.

Collected up to a cap per stream, with a count of what was dropped. In a forked copy it goes to the descriptor, too.
"""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Sink(io.RawIOBase):
    """The bytes of one stream."""

    mode = "wb"

    def __init__(self, fd: int, name: str) -> None:
        super().__init__()
        self._fd = fd
        self.name = name
        self._pid = os.getpid()
        self._chunks: list[bytes] = []
        self._room = 0
        self._dropped = 0
        self.is_collecting = False

    def write(self, data: "Any") -> int:
        if not self.is_collecting or os.getpid() != self._pid:
            self._pass_on(bytes(data))
            return len(data)
        chunk = bytes(data)
        if len(chunk) > self._room:
            self._dropped += len(chunk) - self._room
            chunk = chunk[: self._room]
        if chunk:
            self._room -= len(chunk)
            self._chunks.append(chunk)
        return len(data)

    def _pass_on(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError:
                return  # nobody reads it any more, or the user's code closed it

    def start(self, cap: int) -> None:
        self._room = cap
        self.is_collecting = True

    def take(self, name: str, found: "dict[str, Any]") -> None:
        """Add what was collected to ``found``, and collect no more."""
        self.is_collecting = False
        if self._chunks:
            found[name] = b"".join(self._chunks)
            self._chunks = []
        if self._dropped:
            found[name + "_dropped"] = self._dropped
            self._dropped = 0

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
    """sys.stdout and sys.stderr of a worker, from now on until they are given back.

    cap: how many bytes of each to keep per task.
    """

    def __init__(self, cap: int = 1024 * 1024) -> None:
        self.cap = cap
        self._before = sys.stdout, sys.stderr
        for stream in self._before:
            flush(stream)
        self._out = _Sink(1, "<stdout>")
        self._err = _Sink(2, "<stderr>")
        sys.stdout = _text(self._out)
        sys.stderr = _text(self._err)

    def start(self) -> None:
        """A task begins."""
        self._out.start(self.cap)
        self._err.start(self.cap)

    def take(self) -> "dict[str, Any]":
        """What was printed since, as the fields of an answer's ``extra``; empty when nothing was."""
        found: dict[str, Any] = {}
        self._out.take("out", found)
        self._err.take("err", found)
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
