"""Frames: the units of docs/protocol.md, and the numbers that both ends share.

    | F7 53 | version | kind | M | P | B | 0 | B lengths | metadata | payload | buffers |

Rule: a length is checked against the cap before anything is done with it; memory is taken in proportion to what has
arrived.
"""

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Sequence, Union

    Part = Union[bytes, bytearray, memoryview]
    RawFrame = tuple[int, bytes, Union[bytes, memoryview], list[bytearray]]

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

#: A frame of this size is taken in where it will lie; smaller ones are copied out of a common buffer.
LARGE = 64 * 1024

_CHUNK = 64 * 1024
#: A large frame is given memory for LARGE bytes, or for so many times what has arrived of it.
_TRUST = 8
#: How many parts the system writes in one call, at least.
_PARTS_MAX = 512


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
        if size < LARGE:
            return [b"".join([head, metadata, *payload])]
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
    """Bytes in, frames out, in time linear in them.

    A frame of LARGE bytes or more is taken in where it will lie: see ``room``.
    kinds: those that may come. cap: the longest frame in bytes, its header included; may be changed between frames.
    """

    def __init__(self, kinds: "frozenset[int]", cap: int = FRAME_CAP) -> None:
        self.kinds = kinds
        self.cap = cap
        self._buffer = bytearray()
        self._start = 0
        self._needed = HEADER.size
        self._large: Optional[LargeFrame] = None

    def __len__(self) -> int:
        """How many bytes have arrived that belong to no frame yet taken."""
        return len(self._buffer) - self._start + (0 if self._large is None else HEADER.size + self._large.size)

    def room(self) -> "Optional[memoryview]":
        """Where what arrives next may be put at once, for ``filled``; None: it is for ``feed``."""
        return None if self._large is None else self._large.room

    def filled(self, count: int) -> None:
        """So many bytes have been put where ``room`` said, of which no view may be kept."""
        if self._large is not None:
            self._large.filled(count)

    def feed(self, data: "Part") -> None:
        """Add what has arrived."""
        if self._large is not None:
            data = memoryview(data)[self._large.take(data) :]
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

        The payload of a large frame is a view; its buffers are bytearrays that nobody else has. Of a smaller one the
        payload is bytes. Raises FrameError.
        """
        if self._large is not None:
            return self._finish_large()
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
        if total >= LARGE:
            self._large = LargeFrame(kind, metadata, payload, lengths)
            with memoryview(buffer) as view, view[body:] as here_now:
                self._start = body + self._large.take(here_now)
            self._needed = HEADER.size
            return self._finish_large()
        if here < total:
            self._needed = total
            self._wait()
            return None
        self._needed = HEADER.size
        self._start = start + total
        middle = body + metadata
        edge = middle + payload
        parts = []
        for length in lengths:
            parts.append(buffer[edge : edge + length])
            edge += length
        return kind, bytes(buffer[body:middle]), bytes(buffer[middle : middle + payload]), parts

    def _finish_large(self) -> "Optional[RawFrame]":
        large = self._large
        if large is None or large.room is not None:
            return None
        self._large = None
        return large.frame()

    def _wait(self) -> None:
        """Forget what was taken; tell bytes that cannot become a frame before the header is whole."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        head = bytes(self._buffer[:2])
        if not MAGIC_BYTES.startswith(head):
            raise FrameError(f"this is no frame: {excerpt(self._buffer)}")


class LargeFrame:
    """A frame that is taken in piece by piece, each into memory of its own: metadata and payload, then the buffers."""

    def __init__(self, kind: int, metadata: int, payload: int, lengths: "Sequence[int]") -> None:
        self._kind = kind
        self._metadata = metadata
        self._lengths = (metadata + payload, *lengths)
        self._pieces = [bytearray()]
        self._is_too_large = False
        #: How many bytes of it have arrived.
        self.size = 0
        #: Where what arrives next is to be put; None when the frame is whole, or cannot be had.
        self.room: Optional[memoryview] = None
        self._grow()

    def _grow(self) -> None:
        """Make room for what is to come, if anything is."""
        try:
            while True:
                piece, length = self._pieces[-1], self._lengths[len(self._pieces) - 1]
                begin = len(piece)
                if begin < length:
                    grown = self._pieces[-1] = bytearray(self._share(length))
                    grown[:begin] = piece
                    self.room = memoryview(grown)[begin:]
                    return
                if len(self._pieces) == len(self._lengths):
                    return
                self._pieces.append(bytearray())
        except MemoryError:
            self._pieces = []
            self._is_too_large = True

    def _share(self, length: int) -> int:
        """How much of a length to take memory for: such that the last step, to all of it, is from a small part."""
        while length > LARGE and length > _TRUST * self.size:
            length = (length + _TRUST - 1) // _TRUST
        return length

    def filled(self, count: int) -> None:
        """So many bytes of ``room`` have been written."""
        room = self.room
        if room is None:
            return
        self.size += count
        self.room = room[count:] if count < len(room) else None
        room.release()  # whoever gets the memory may wish to change its size
        if self.room is None:
            self._grow()

    def take(self, data: "Part") -> int:
        """Take what belongs to it; how many bytes that was."""
        begin = 0
        with memoryview(data) as view:
            while self.room is not None and begin < len(view):
                count = min(len(self.room), len(view) - begin)
                self.room[:count] = view[begin : begin + count]
                self.filled(count)
                begin += count
        return begin

    def frame(self) -> "RawFrame":
        """The whole of it, as FrameBuffer.next gives it. Raises FrameError when there was no memory for it."""
        if self._is_too_large:
            raise FrameError(f"a frame of {sum(self._lengths)} bytes, for which there is no memory")
        head = memoryview(self._pieces[0])
        return self._kind, bytes(head[: self._metadata]), head[self._metadata :], self._pieces[1:]


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
            room = frames.room()
            if room is not None:
                count = os.readv(self.fd, [room])
                frames.filled(count)
            else:
                chunk = os.read(self.fd, _CHUNK)
                count = len(chunk)
                frames.feed(chunk)
            if not count:
                if len(frames):
                    raise FrameError("the input ended inside a frame")
                return None


def joined(parts: "Sequence[Part]") -> "list[Part]":
    """The same bytes in few parts: short ones are joined, large ones are not copied, and none is empty."""
    found: list[Part] = []
    short: list[Part] = []
    for part in parts:
        if len(part) < LARGE:
            short.append(part)
            continue
        if short:
            found.append(b"".join(short))
            short = []
        found.append(part)
    if short:
        found.append(b"".join(short))
    return [part for part in found if len(part)]


def write(fd: int, parts: "Sequence[Part]") -> None:
    """Write all, waiting as long as it takes. Raises OSError (BrokenPipeError when nobody reads)."""
    if len(parts) == 1:
        done = os.write(fd, parts[0])
        if done == len(parts[0]):
            return
        parts = [memoryview(parts[0])[done:]]
    left = joined(parts)
    first = 0
    while first < len(left):
        done = os.writev(fd, left[first : first + _PARTS_MAX])
        while done and done >= len(left[first]):
            done -= len(left[first])
            first += 1
        if done:
            left[first] = memoryview(left[first])[done:]
