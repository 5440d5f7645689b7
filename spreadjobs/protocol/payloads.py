"""Payloads at the master's end: sealed before they are sent, unsealed only when someone asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from spreadjobs.protocol.frames import Bytes
from worker_stub.codec import MsgpackCodec, PickleCodec, payload_codec
from worker_stub.frames import FRAME_CAP

CODECS: Final = ("pickle", "msgpack")

#: What a value became: its bytes, and the buffers that stand beside them.
Sealed = tuple[bytes, Sequence[memoryview]]

#: What header and metadata of a frame need for one sealed value, at most, in bytes.
OVERHEAD: Final = 128


def length_of(sealed: Sealed) -> int:
    """How many bytes a sealed value takes in a frame."""
    data, buffers = sealed
    return len(data) + sum([8 + len(buffer) for buffer in buffers]) if buffers else len(data)


class SealError(ValueError):
    """A value that cannot be sealed, or bytes that cannot be unsealed; its text is what was raised."""


class Sealer:
    """Seals and unseals in one codec: "pickle", for hosts that are trusted with our account, or "msgpack".

    cap: the longest frame, in bytes.
    """

    def __init__(self, codec: str, cap: int = FRAME_CAP) -> None:
        self.name = codec
        self._codec: PickleCodec | MsgpackCodec = payload_codec(codec)
        self._seal = self._codec.seal
        self._cap = cap
        #: Reads a value without buffers; raises whatever the code in a pickle raises. (For the hot path.)
        self.read = self._codec.read

    def seal(self, value: Any) -> Sealed:
        """The value as bytes, and the buffers that stand beside them: views of what is the value's own.

        Raises SealError, also when no frame may be so long.
        """
        try:
            sealed = self._seal(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SealError(_told(error)) from error
        if sealed[1] or len(sealed[0]) > self._cap - OVERHEAD:
            self._check(sealed)
        return sealed

    def older(self, sealed: Sealed) -> Sealed:
        """The same for a Python older than 3.8. Raises SealError."""
        older: Sealed = self._guarded(self._codec.older, sealed)
        self._check(older)
        return older

    def _check(self, sealed: Sealed) -> None:
        length = length_of(sealed)
        if length > self._cap - OVERHEAD:
            raise SealError(f"it takes {length} bytes; a frame may have {self._cap}")

    def unseal(self, data: Bytes, buffers: Sequence[Bytes] = ()) -> Any:
        """The value that the bytes hold. Raises SealError, whatever the code in a pickle raises."""
        return self._guarded(self._codec.unseal, data, buffers)

    def _guarded(self, make: Callable[..., Any], *of: Any) -> Any:
        try:
            return make(*of)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SealError(_told(error)) from error


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
