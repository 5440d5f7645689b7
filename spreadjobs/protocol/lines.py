"""The lines dialect: text in, lines of text out; for commands, and for the tail of any worker."""

from __future__ import annotations

from collections.abc import Iterable

from spreadjobs.errors import UsageError


class LineReader:
    """Bytes as they come in, lines out, each with its line break (the last one may have none).

    Bytes that are not UTF-8 become surrogates, as in file names.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, data: bytes | memoryview) -> list[str]:
        """The lines that are whole now."""
        head, line_break, tail = bytes(data).rpartition(b"\n")
        if not line_break:
            self._parts.append(tail)
            return []
        whole = b"".join([*self._parts, head])
        self._parts = [tail]
        return [_text(line + b"\n") for line in whole.split(b"\n")]

    def close(self) -> list[str]:
        """What is left when the stream has ended: one line or none."""
        last = b"".join(self._parts)
        self._parts = []
        return [_text(last)] if last else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def encode_prelude(items: Iterable[object]) -> bytes:
    """The prelude of a worker that reads lines: text as UTF-8, bytes as they are, nothing between them.

    Raises UsageError for an item that is neither.
    """
    return b"".join([_encode(item) for item in items])


def _encode(item: object) -> bytes:
    if isinstance(item, str):
        try:
            return item.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise UsageError(f"stdin: text that is not UTF-8: {error}") from None
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    raise UsageError(f"stdin: a command reads text or bytes, not a {type(item).__name__}")
