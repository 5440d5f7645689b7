"""The incremental reader of frames: bytes as they come in, whole frames out.

It shares its rules with the worker's blocking reader. Bad bytes raise ProtocolError and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spreadjobs.errors import ProtocolError
from worker_stub.frames import BYE, FRAME_CAP, FROM_WORKER, FrameBuffer, FrameError

Bytes = bytes | bytearray | memoryview


class Frame(NamedTuple):
    """One frame. payload and buffers are views of single bytes where the frame is large, else bytes."""

    kind: int
    metadata: bytes
    payload: Bytes = b""
    buffers: Sequence[Bytes] = ()  # a default that nobody changes


class FrameReader:
    """What comes after the worker's marker line.

    cap: the longest frame in bytes, its header included. kinds: those that may come.
    last: the kind behind which no frame follows: what comes then is kept for ``rest``.
    """

    def __init__(self, cap: int = FRAME_CAP, kinds: frozenset[int] = FROM_WORKER, last: int = BYE) -> None:
        self._frames = FrameBuffer(kinds, cap)
        self._last = last
        self.is_finished = False

    def feed(self, data: Bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises ProtocolError, behind those that were good."""
        self._frames.feed(data)
        return self._take()

    def _take(self) -> Iterator[Frame]:
        try:
            while not self.is_finished and (raw := self._frames.next()) is not None:
                self.is_finished = raw[0] == self._last
                yield Frame(*raw)
        except FrameError as error:
            raise ProtocolError(str(error)) from None

    def room(self) -> memoryview | None:
        """Where what arrives next may be put at once, for ``filled``; None: it is for ``feed``."""
        return self._frames.room()

    def filled(self, count: int) -> None:
        """So many bytes have been put where ``room`` said; ``feed`` gives what has become whole."""
        self._frames.filled(count)

    @property
    def is_between(self) -> bool:
        """Whether all that has come was whole frames, and another may come."""
        return not self.is_finished and not len(self._frames)

    def rest(self) -> bytes:
        """Take what has come behind the last frame."""
        return self._frames.rest()

    def close(self) -> None:
        """The stream has ended. Raises ProtocolError when that was inside a frame."""
        if not self.is_finished and len(self._frames):
            raise ProtocolError("the stream ended inside a frame")
