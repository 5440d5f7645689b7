"""Metadata at the master's end: a map with text keys, from bytes that are not trusted."""

from __future__ import annotations

import pickletools
import re
from typing import Any, Final

from spreadjobs.errors import ProtocolError
from worker_stub.codec import metadata_functions

METAS: Final = ("msgpack", "pickle")

#: What could be an opcode that makes the unpickler's memo as large as its number says: LONG_BINPUT, PUT.
_MEMO_BOMB: Final = re.compile(rb"r(?:..[^\x00].|...[^\x00])|p[0-9]{6}", re.DOTALL)


_FUNCTIONS: Final = {name: metadata_functions(name) for name in METAS}


def encode(meta: str, values: dict[str, Any]) -> bytes:
    """A map as bytes, in the encoding that a worker's HELLO names as ``meta``: one of METAS."""
    return _FUNCTIONS[meta][0](values)


def decode(meta: str, data: bytes) -> dict[str, Any]:
    """The map that the bytes hold. Raises ProtocolError, and nothing else, when they hold none."""
    try:
        if meta == "pickle":
            _refuse_memo_bomb(data)
        values = _FUNCTIONS[meta][1](data)
    except Exception as error:  # what a decoder raises for bad bytes may be of any type
        raise ProtocolError(f"metadata that cannot be read: {type(error).__name__}: {error}") from None
    if type(values) is not dict:
        raise ProtocolError(f"metadata that is a {type(values).__name__}, not a map")
    return values


def _refuse_memo_bomb(data: bytes) -> None:
    """Raise ValueError for a pickle that numbers a value higher than it has bytes: memory would be taken for all."""
    if _MEMO_BOMB.search(data) is None:
        return
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(data):
            raise ValueError(f"it names value number {argument} in {len(data)} bytes")
