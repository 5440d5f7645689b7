"""The pipes of one worker, never waited for: what does not fit is written when the descriptor has room.

    write() ──> [queue] ──> input        output ──> received(data)
                                         errors, capture ──> Text

Rule: no call here blocks, and none raises because the other side is gone: ``broken`` is told instead.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from spreadjobs.engine.loop import READ, WRITE, Loop

#: How much is read at a time, in bytes, and how often in a row before others have their turn.
CHUNK: Final = 256 * 1024
TURNS: Final = 8
#: How many pieces one vectored write takes.
PIECES: Final = 512

Bytes = bytes | bytearray | memoryview


#: A payload of this size is worth a wider pipe; how wide; and how many of them at a time: an ordinary user who has 64
#: such gets only tiny pipes from then on, for all that he does.
LARGE: Final = 256 * 1024
WIDE: Final = 1024 * 1024
MOST_WIDE: Final = 16


class Pipe:
    """A pipe that is made wide at its first large payload, as long as there are few such in this process."""

    _wide = 0

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_wide = False

    def widen(self) -> None:
        """There is something large to go through it."""
        if self._is_wide or Pipe._wide >= MOST_WIDE or not hasattr(fcntl, "F_SETPIPE_SZ"):
            return
        try:
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, WIDE)
        except OSError:  # it is no pipe, or this user has too many already
            return
        self._is_wide = True
        Pipe._wide += 1

    def narrow(self) -> None:
        """It is about to be closed."""
        if self._is_wide:
            self._is_wide = False
            Pipe._wide -= 1


class Writer:
    """What is to be written to a worker, in order."""

    def __init__(self, loop: Loop, fd: int, broken: Callable[[], None]) -> None:
        self._loop = loop
        self._fd: int | None = fd
        self._pipe = Pipe(fd)
        self._broken = broken
        self._queue: deque[memoryview] = deque()
        self._watching = False
        self._ending = False
        #: How many bytes have gone out.
        self.written = 0
        os.set_blocking(fd, False)

    def write(self, pieces: Sequence[Bytes]) -> None:
        """Write these, now or when there is room; in vain once the other side is gone."""
        if self._fd is None or self._ending:
            return
        idle = not self._queue
        self._queue.extend([memoryview(piece).cast("B") for piece in pieces if len(piece)])
        if self._queue and len(self._queue[-1]) >= LARGE:
            self._pipe.widen()
        if idle:
            self._flush()

    def finish(self) -> None:
        """Close the descriptor once all is out."""
        self._ending = True
        if not self._queue:
            self.close()

    def _flush(self) -> None:
        assert self._fd is not None
        try:
            while self._queue:
                self._advance(os.writev(self._fd, [self._queue[i] for i in range(min(PIECES, len(self._queue)))]))
        except BlockingIOError:
            if not self._watching:
                self._watching = True
                self._loop.watch(self._fd, WRITE, self._flush)
            return
        except (BrokenPipeError, ConnectionResetError):
            self.close()
            self._broken()
            return
        if self._ending:
            self.close()
        elif self._watching:
            self._watching = False
            self._loop.unwatch(self._fd)

    def _advance(self, count: int) -> None:
        self.written += count
        while self._queue and count >= len(self._queue[0]):
            count -= len(self._queue.popleft())
        if count:
            self._queue[0] = self._queue[0][count:]

    def close(self) -> None:
        """Close the descriptor, whatever has not gone out yet."""
        if self._fd is not None:
            if self._watching:
                self._loop.unwatch(self._fd)
            self._pipe.narrow()
            os.close(self._fd)
            self._fd = None
            self._queue.clear()


class Basin(Protocol):
    """Where large things are read to at once, without a copy in between."""

    def room(self) -> memoryview | None:
        """The place for what comes next; None: there is none, and it goes to ``received``."""

    def filled(self, count: int) -> None:
        """So many bytes have been put there."""


class Reader:
    """What comes from one descriptor, as it comes."""

    def __init__(
        self,
        loop: Loop,
        fd: int,
        received: Callable[[bytes], None],
        ended: Callable[[], None],
        basin: Basin | None = None,
    ) -> None:
        self._loop = loop
        self._fd: int | None = fd
        self._pipe = Pipe(fd)
        self._basin = basin
        self._received = received
        self._ended = ended
        os.set_blocking(fd, False)
        loop.watch(fd, READ, self._readable)

    def _readable(self) -> None:
        if self._read() == 0:
            self.close()
            self._ended()

    def _read(self) -> int | None:
        """Take in a chunk: how many bytes it had, 0 at the end; None: there is nothing now."""
        if self._fd is None:
            return None
        room = None if self._basin is None else self._basin.room()
        try:
            if room is None or self._basin is None:
                data = os.read(self._fd, CHUNK)
                if data:
                    self._received(data)
                return len(data)
            self._pipe.widen()
            count = os.readv(self._fd, [room[:WIDE]])
        except BlockingIOError:
            return None
        if count:
            self._basin.filled(count)
        return count

    def drain(self, turns: int = TURNS) -> None:
        """Take in what lies in the pipe now; no more than so many chunks, since others may go on writing."""
        for _ in range(turns):
            if not self._read():
                return

    def close(self) -> None:
        """Read no more."""
        if self._fd is not None:
            self._loop.unwatch(self._fd)
            self._pipe.narrow()
            os.close(self._fd)
            self._fd = None


class Text:
    """Text that somebody printed: its beginning up to a cap, its very end, and how much there was between."""

    TAIL: Final = 4096

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._head = bytearray()
        self._tail = b""
        #: How many bytes were not kept.
        self.dropped = 0

    def add(self, data: bytes) -> None:
        """Take this in."""
        room = self._cap - len(self._head)
        if room > 0:
            self._head += data[:room]
        if len(data) > room:
            self.dropped += len(data) - max(room, 0)
            self._tail = (self._tail + data)[-self.TAIL :]

    def __bool__(self) -> bool:
        return bool(self._head or self.dropped)

    def take(self) -> tuple[bytes, int]:
        """What was kept and how many bytes were not; begins anew."""
        kept, dropped = bytes(self._head), self.dropped
        self._head.clear()
        self._tail, self.dropped = b"", 0
        return kept, dropped

    def last_lines(self, count: int) -> str:
        """The last lines of it, for a message; empty if there is nothing."""
        end = (self._tail or bytes(self._head[-self.TAIL :])).decode("utf-8", "backslashreplace")
        return "\n".join([line for line in end.splitlines() if line.strip()][-count:])
