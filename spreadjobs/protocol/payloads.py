"""Payloads at the master's end: sealed before they are sent, unsealed only when someone asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker_stub.codec import MsgpackCodec, PickleCodec, payload_codec

CODECS = ("pickle", "msgpack")


class SealError(ValueError):
    """A value that cannot be sealed, or bytes that cannot be unsealed; its text is what was raised."""


class Sealer:
    """Seals and unseals in one codec: "pickle", for hosts that are trusted with our account, or "msgpack"."""

    def __init__(self, codec: str) -> None:
        self.name = codec
        self._codec: PickleCodec | MsgpackCodec = payload_codec(codec)

    def seal(self, value: Any) -> bytes:
        """The value as bytes. Raises SealError."""
        try:
            return self._codec.seal(value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SealError(_told(error)) from error

    def unseal(self, data: bytes | memoryview, buffers: Sequence[bytes | memoryview] = ()) -> Any:
        """The value that the bytes hold. Raises SealError, whatever the code in a pickle raises."""
        try:
            return self._codec.unseal(data, buffers)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SealError(_told(error)) from error


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
