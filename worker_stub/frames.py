"""Frames: the units of docs/protocol.md, and the numbers that both ends share.

    | F7 53 | version | kind | M | P | B | 0 | B lengths | metadata | payload | buffers |

Rule: a length is checked against the cap before anything is done with it; memory is taken for what has arrived only.
"""

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Optional, Sequence, Union

    Part = Union[bytes, bytearray, memoryview]
    RawFrame = tuple[int, bytes, Union[bytes, memoryview], list[Union[bytes, memoryview]]]

MASTER_MARKER = b"#spreadjobs master\n"
WORKER_MARKER = b"#spreadjobs worker\n"

MAGIC = 0xF753
MAGIC_BYTES = b"\xf7\x53"
VERSION = 1
HEADER = struct.Struct("!HBBIQII")
BUFFERS_MAX = 65535
FRAME_CAP = 4 * 1024**3

MASTER_HELLO, SETUP, PRELUDE, FUNCTION, PREPARE, TASKS = 1, 2, 3, 4, 5, 6
WORKER_HELLO, ACCEPTED, READY, TROUBLE, RESULTS, BYE = 16, 17, 18, 19, 20, 21

FROM_MASTER = frozenset((MASTER_HELLO, SETUP, PRELUDE, FUNCTION, PREPARE, TASKS))
FROM_WORKER = frozenset((WORKER_HELLO, ACCEPTED, READY, TROUBLE, RESULTS, BYE))

KIND_NAMES = {
    MASTER_HELLO: "HELLO",
    SETUP: "SETUP",
    PRELUDE: "PRELUDE",
    FUNCTION: "FUNCTION",
    PREPARE: "PREPARE",
    TASKS: "TASKS",
    WORKER_HELLO: "HELLO",
    ACCEPTED: "ACCEPTED",
    READY: "READY",
    TROUBLE: "TROUBLE",
    RESULTS: "RESULTS",
    BYE: "BYE",
}

#: The ways in which a task may fail, as the error's ``kind`` has them.
ERROR_KINDS = frozenset(("raised", "exit", "interrupt", "argument", "result", "function"))

#: A frame of this size is handed over as views of the buffer in which it arrived; smaller ones are copied out.
LARGE = 64 * 1024

_CHUNK = 64 * 1024
_LARGE_CHUNK = 1024 * 1024


class FrameError(ValueError):
    """Bytes that are not a frame, with what is wrong about them."""


def pack(kind: int, metadata: bytes, payload: "Sequence[Part]" = (), buffers: "Sequence[Part]" = ()) -> "list[Part]":
    """A frame, as byte strings to be written one behind the other.

    payload: the parts of the payload; buffers: one part each. All are bytes, or views of single bytes.
    """
    size = 0
    for part in payload:
        size += len(part)
    head = HEADER.pack(MAGIC, VERSION, kind, len(metadata), size, len(buffers), 0)
    if not buffers:
        return [head + metadata, *payload]
    lengths = struct.pack(f"!{len(buffers)}Q", *[len(part) for part in buffers])
    return [head + lengths + metadata, *payload, *buffers]


def unpack_header(
    data: "Union[bytes, bytearray]", offset: int, kinds: "frozenset[int]", cap: int
) -> "tuple[int, int, int, int]":
    """Kind, length of the metadata, length of the payload, number of buffers of the frame that begins at ``offset``.

    The whole header must be there. Raises FrameError when it is not one of ``kinds``, or longer than ``cap`` bytes.
    """
    magic, version, kind, metadata, payload, count, zero = HEADER.unpack_from(data, offset)
    if magic != MAGIC:
        raise FrameError(f"this is no frame: {excerpt(data, offset)}")
    if version != VERSION:
        raise FrameError(f"a frame of version {version} of the protocol; this side speaks version {VERSION}")
    if kind not in kinds:
        raise FrameError(f"a frame of kind {kind}, which has no place here")
    if zero:
        raise FrameError(f"a frame whose last field is {zero}, not 0")
    if count > BUFFERS_MAX:
        raise FrameError(f"a frame of {count} buffers; at most {BUFFERS_MAX} are allowed")
    check_length(HEADER.size + 8 * count + metadata + payload, cap)
    return kind, metadata, payload, count


def check_length(length: int, cap: int) -> None:
    """Raise FrameError for a frame of ``length`` bytes where at most ``cap`` are allowed."""
    if length > cap:
        raise FrameError(f"a frame of {length} bytes; at most {cap} are allowed")


def excerpt(data: "Union[bytes, bytearray]", offset: int = 0, size: int = 60) -> str:
    """The first bytes from ``offset`` on, for a message."""
    part = bytes(data[offset : offset + size])
    return repr(part) + ("..." if len(data) > offset + size else "")


class FrameBuffer:
    """Bytes in, frames out. Takes memory for what has arrived, and time linear in it.

    kinds: those that may come. cap: the longest frame in bytes, its header included; may be changed between frames.
    """

    def __init__(self, kinds: "frozenset[int]", cap: int = FRAME_CAP) -> None:
        self.kinds = kinds
        self.cap = cap
        self._buffer = bytearray()
        self._start = 0
        self._needed = HEADER.size

    def __len__(self) -> int:
        """How many bytes have arrived that belong to no frame yet taken."""
        return len(self._buffer) - self._start

    @property
    def missing(self) -> int:
        """How many bytes must arrive at least until there can be another frame."""
        return max(self._needed - len(self), 0)

    def feed(self, data: "Part") -> None:
        """Add what has arrived."""
        self._buffer += data

    def rest(self) -> bytes:
        """Take all that has arrived and is no frame yet."""
        rest = bytes(self._buffer[self._start :])
        self._buffer = bytearray()
        self._start = 0
        self._needed = HEADER.size
        return rest

    def next(self) -> "Optional[RawFrame]":
        """The next frame: kind, metadata, payload, buffers; None when it is not whole yet.

        The payload and the buffers of a frame of LARGE bytes or more are views, of smaller ones bytes.
        """
        buffer = self._buffer
        start = self._start
        here = len(buffer) - start
        if here < self._needed:
            self._wait()
            return None
        kind, metadata, payload, count = unpack_header(buffer, start, self.kinds, self.cap)
        body = start + HEADER.size
        lengths: tuple[int, ...] = ()
        if count:
            if here < HEADER.size + 8 * count:
                self._needed = HEADER.size + 8 * count
                self._wait()
                return None
            lengths = struct.unpack_from(f"!{count}Q", buffer, body)
            body += 8 * count
        total = body - start + metadata + payload + sum(lengths)
        check_length(total, self.cap)
        if here < total:
            self._needed = total
            self._wait()
            return None
        self._needed = HEADER.size
        source: Union[bytearray, memoryview] = buffer
        if total < LARGE:
            self._start = start + total
            take: type = bytes
        else:
            self._buffer = buffer[start + total :]
            self._start = 0
            source = memoryview(buffer)
            take = memoryview
        edge = body + metadata + payload
        parts = []
        for length in lengths:
            parts.append(take(source[edge : edge + length]))
            edge += length
        middle = body + metadata
        return kind, bytes(source[body:middle]), take(source[middle : middle + payload]), parts

    def _wait(self) -> None:
        """Forget what was taken; tell bytes that cannot become a frame before the header is whole."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        head = bytes(self._buffer[:2])
        if not MAGIC_BYTES.startswith(head):
            raise FrameError(f"this is no frame: {excerpt(self._buffer)}")


class Reader:
    """Frames from a descriptor, waiting for each."""

    def __init__(self, fd: int, kinds: "frozenset[int]", cap: int = FRAME_CAP) -> None:
        self.fd = fd
        self.frames = FrameBuffer(kinds, cap)

    def read_marker(self, marker: bytes) -> bytes:
        """The first bytes: ``marker``, or as much as shows that they are something else, or b"" at the end of input."""
        seen = b""
        while len(seen) < len(marker) and marker.startswith(seen):
            chunk = os.read(self.fd, len(marker) - len(seen))
            if not chunk:
                break
            seen += chunk
        return seen

    def read(self) -> "Optional[RawFrame]":
        """The next frame, as FrameBuffer.next gives it, or None when the input has ended.

        Raises FrameError when the bytes are no frame, or the input ends inside one.
        """
        frames = self.frames
        while True:
            frame = frames.next()
            if frame is not None:
                return frame
            missing = frames.missing
            chunk = os.read(self.fd, _CHUNK if missing <= _CHUNK else min(missing, _LARGE_CHUNK))
            if not chunk:
                if len(frames):
                    raise FrameError("the input ended inside a frame")
                return None
            frames.feed(chunk)


def write(fd: int, parts: "Iterable[Part]") -> None:
    """Write all, waiting as long as it takes. Raises OSError (BrokenPipeError when nobody reads)."""
    small = []
    for part in parts:
        if len(part) < LARGE:
            small.append(part)
        else:
            _write_all(fd, b"".join(small))
            small = []
            _write_all(fd, part)
    _write_all(fd, b"".join(small))


def _write_all(fd: int, data: "Part") -> None:
    written = 0
    while written < len(data):
        with memoryview(data) as view:
            written += os.write(fd, view[written:])
