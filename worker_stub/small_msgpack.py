"""A small MessagePack, for where the library is missing: the first frame each way, and hosts that see nothing else.

nil, booleans, integers of 64 bits, floats, text, bytes, lists (arrays) and dicts (maps). Ext types are refused.
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Union

#: How deep lists and maps may lie in one another.
DEPTH = 128


class MsgpackError(ValueError):
    """What cannot be written as MessagePack, or read from it."""


def packb(value: "Any") -> bytes:
    """``value`` as MessagePack. Raises MsgpackError for what has no place in it."""
    out: list[bytes] = []
    _pack(value, out, DEPTH)
    return b"".join(out)


def unpackb(data: "Union[bytes, bytearray, memoryview]") -> "Any":
    """The one value that ``data`` holds. Raises MsgpackError when it holds anything else."""
    reader = _Reader(bytes(data))
    value = reader.value(DEPTH)
    if reader.at != len(reader.data):
        raise MsgpackError(f"{len(reader.data) - reader.at} bytes behind the value")
    return value


# --- writing

#: For integers: the first and the last value of a width, and its format.
_INTEGERS: "tuple[Any, ...]" = (
    (0, 0x7F, "B"),
    (-0x20, -1, "b"),
    (0, 0xFF, "!BB", 0xCC),
    (0, 0xFFFF, "!BH", 0xCD),
    (0, 0xFFFFFFFF, "!BI", 0xCE),
    (0, 0xFFFFFFFFFFFFFFFF, "!BQ", 0xCF),
    (-0x80, -1, "!Bb", 0xD0),
    (-0x8000, -1, "!Bh", 0xD1),
    (-0x80000000, -1, "!Bi", 0xD2),
    (-0x8000000000000000, -1, "!Bq", 0xD3),
)

#: For what has a length: the short form's first byte and number of values, then (code, format) of 8, 16, 32 bits.
_TEXT = (0xA0, 32, (0xD9, 0xDA, 0xDB))
_BYTES = (0, 0, (0xC4, 0xC5, 0xC6))
_ARRAY = (0x90, 16, (None, 0xDC, 0xDD))
_MAP = (0x80, 16, (None, 0xDE, 0xDF))


def _pack(value: "Any", out: "list[bytes]", depth: int) -> None:
    if depth < 0:
        raise MsgpackError(f"lists and maps lie more than {DEPTH} deep in one another")
    if value is None:
        out.append(b"\xc0")
    elif value is True or value is False:
        out.append(b"\xc3" if value else b"\xc2")
    elif isinstance(value, int):
        out.append(_integer(value))
    elif isinstance(value, float):
        out.append(struct.pack("!Bd", 0xCB, value))
    elif isinstance(value, str):
        try:
            encoded = value.encode("utf-8")
        except UnicodeError as error:
            raise MsgpackError(f"text that is not UTF-8: {error}") from None
        out.append(_head(_TEXT, len(encoded)) + encoded)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        encoded = bytes(value)
        out.append(_head(_BYTES, len(encoded)) + encoded)
    elif isinstance(value, (list, tuple)):
        out.append(_head(_ARRAY, len(value)))
        for item in value:
            _pack(item, out, depth - 1)
    elif isinstance(value, dict):
        out.append(_head(_MAP, len(value)))
        for key, item in value.items():
            _pack(key, out, depth - 1)
            _pack(item, out, depth - 1)
    else:
        raise MsgpackError(f"cannot write a {type(value).__name__} as MessagePack")


def _integer(value: int) -> bytes:
    for row in _INTEGERS:
        if row[0] <= value <= row[1]:
            return struct.pack(row[2], *row[3:], value)
    raise MsgpackError("an integer of more than 64 bits")


def _head(form: "tuple[int, int, tuple[Any, ...]]", length: int) -> bytes:
    short, limit, codes = form
    if length < limit:
        return bytes((short | length,))
    for code, width, top in zip(codes, "BHI", (0xFF, 0xFFFF, 0xFFFFFFFF)):
        if code is not None and length <= top:
            return struct.pack("!B" + width, code, length)
    raise MsgpackError(f"something of {length} items or bytes; at most {0xFFFFFFFF} fit")


# --- reading


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> "Any":
        if depth < 0:
            raise MsgpackError(f"lists and maps lie more than {DEPTH} deep in one another")
        code = self.take(1)[0]
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code < 0x90:
            return self.map(code & 0x0F, depth)
        if code < 0xA0:
            return self.array(code & 0x0F, depth)
        if code < 0xC0:
            return self.text(code & 0x1F, depth)
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            form = _NUMBERS[code]
            return form.unpack(self.take(form.size))[0]
        if code in _LENGTHS:
            form, read = _LENGTHS[code]
            return read(self, form.unpack(self.take(form.size))[0], depth)
        raise MsgpackError(f"the byte {code:#04x}, which begins nothing that may stand here")

    def take(self, size: int) -> bytes:
        begin, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise MsgpackError("the bytes end inside a value")
        return self.data[begin : self.at]

    def bytes(self, size: int, depth: int) -> bytes:
        return self.take(size)

    def text(self, size: int, depth: int) -> str:
        try:
            return self.take(size).decode("utf-8")
        except UnicodeError as error:
            raise MsgpackError(f"text that is not UTF-8: {error}") from None

    def array(self, size: int, depth: int) -> "list[Any]":
        self.expect(size)
        return [self.value(depth - 1) for _ in range(size)]

    def map(self, size: int, depth: int) -> "dict[Any, Any]":
        self.expect(2 * size)
        found = {}
        for _ in range(size):
            key = self.value(depth - 1)
            if isinstance(key, (list, dict)):
                raise MsgpackError("a map with a list or a map as a key")
            found[key] = self.value(depth - 1)
        return found

    def expect(self, count: int) -> None:
        """Refuse a number of values that cannot be here: each takes a byte at least."""
        if count > len(self.data) - self.at:
            raise MsgpackError("the bytes end inside a list or a map")


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}

_NUMBERS = {
    0xCA: struct.Struct("!f"),
    0xCB: struct.Struct("!d"),
    0xCC: struct.Struct("!B"),
    0xCD: struct.Struct("!H"),
    0xCE: struct.Struct("!I"),
    0xCF: struct.Struct("!Q"),
    0xD0: struct.Struct("!b"),
    0xD1: struct.Struct("!h"),
    0xD2: struct.Struct("!i"),
    0xD3: struct.Struct("!q"),
}

_LENGTHS: "dict[int, tuple[struct.Struct, Callable[..., Any]]]" = {
    0xC4: (struct.Struct("!B"), _Reader.bytes),
    0xC5: (struct.Struct("!H"), _Reader.bytes),
    0xC6: (struct.Struct("!I"), _Reader.bytes),
    0xD9: (struct.Struct("!B"), _Reader.text),
    0xDA: (struct.Struct("!H"), _Reader.text),
    0xDB: (struct.Struct("!I"), _Reader.text),
    0xDC: (struct.Struct("!H"), _Reader.array),
    0xDD: (struct.Struct("!I"), _Reader.array),
    0xDE: (struct.Struct("!H"), _Reader.map),
    0xDF: (struct.Struct("!I"), _Reader.map),
}
