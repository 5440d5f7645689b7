"""How metadata and payloads become bytes, at both ends.

Metadata is read with nothing that could run code; payloads are sealed once and unsealed where they are used.
"""

import io
import pickle
import re

from worker_stub import small_msgpack
from worker_stub.frames import BUFFERS_MAX, LARGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn, Optional, Sequence, Union

    Data = Union[bytes, bytearray, memoryview]
    #: What a value became: its bytes, and the buffers that stand beside them.
    Sealed = tuple[bytes, Sequence[memoryview]]

#: From 5 (Python 3.8) on, large buffers stand beside the pickle.
PICKLE_PROTOCOL = min(5, pickle.HIGHEST_PROTOCOL)

#: Metadata is read by every Python that the stub runs on.
_METADATA_PROTOCOL = 4

#: The pickles of bytes and of a bytearray that are one buffer.
_WHOLE: "dict[type, bytes]" = {
    bytes: b"\x80\x05\x8c\x08builtins\x8c\x05bytes\x93\x97\x85R.",
    bytearray: b"\x80\x05\x8c\x08builtins\x8c\x09bytearray\x93\x97\x85R.",
}

#: Of these pickle makes the shortest work: nothing stands beside them, nothing in them could live in ``__main__``.
_SIMPLE = frozenset((type(None), bool, int, float, str, bytes))

#: The first bytes of a pickle; what could be an instruction that protocol 4 does not have.
_PROTOCOL_4, _PROTOCOL_5 = b"\x80\x04", b"\x80\x05"
_SINCE_5 = re.compile(b"[\x96\x97\x98]")

#: A packer keeps as much memory as the longest that it ever packed: one that packed more than this is not kept.
_PACKER_MAX = 1024 * 1024


class _Refuser(pickle.Unpickler):
    """Reads basic types; refuses every name, so that nothing can be run."""

    def find_class(self, module: str, name: str) -> "NoReturn":
        raise pickle.UnpicklingError(f"metadata must not name {module}.{name}")

    def persistent_load(self, pid: "Any") -> "NoReturn":
        raise pickle.UnpicklingError("metadata must not refer to anything outside")


def refusing_loads(data: bytes) -> "Any":
    """The value of a pickle of basic types. Raises an exception for any other, and runs nothing of it."""
    return _Refuser(io.BytesIO(data)).load()


def _pickle_dumps(value: "Any") -> bytes:
    return pickle.dumps(value, _METADATA_PROTOCOL)


def _refuse_ext(code: int, data: bytes) -> "NoReturn":
    raise ValueError("a MessagePack ext type, which may not stand here")


def msgpack_functions() -> "tuple[Callable[[Any], bytes], Callable[[Data], Any], bool]":
    """How to write MessagePack, how to read it, and whether it is the library that does so."""
    try:
        import msgpack

        unpack = msgpack.unpackb
        pack = msgpack.Packer().pack  # one for all: packb makes a new one each time, which takes longer than packing
    except Exception:  # it is missing, or broken, or something else has its name
        return small_msgpack.packb, small_msgpack.unpackb, False

    def load(data: "Data") -> "Any":
        return unpack(data, strict_map_key=False, ext_hook=_refuse_ext)

    return pack, load, True


def metadata_functions(name: str) -> "tuple[Callable[[Any], bytes], Callable[[bytes], Any]]":
    """How to write and how to read the metadata that a worker's HELLO calls ``name``: msgpack or pickle.

    The reader raises an exception for bad bytes, of any type.
    """
    if name == "pickle":
        return _pickle_dumps, refusing_loads
    return msgpack_functions()[:2]


class PickleCodec:
    """Payloads as pickles; by value (cloudpickle) what plain pickle cannot write, or what lives in ``__main__``.

    Large buffers (arrays, bytes) are not copied into the pickle but stand beside it.
    """

    name = "pickle"
    #: Reads a pickle that has no buffers.
    read = staticmethod(pickle.loads)

    def seal(self, value: "Any") -> "Sealed":
        """The pickle, and its buffers.

        Raises what cloudpickle raises when it cannot write it either, or plain pickle where there is no other.
        """
        kind = type(value)
        if kind in _WHOLE and PICKLE_PROTOCOL >= 5 and len(value) >= LARGE:
            return _WHOLE[kind], [memoryview(value)]
        if kind in _SIMPLE:
            return pickle.dumps(value, PICKLE_PROTOCOL), ()
        return _pickled(value, PICKLE_PROTOCOL)

    def unseal(self, data: "Data", buffers: "Sequence[Data]" = ()) -> "Any":
        """Raises whatever the pickle's code raises. A buffer that is a bytearray may become part of the value."""
        if not buffers:
            return pickle.loads(data)
        if data == _WHOLE[bytearray] and type(buffers[0]) is bytearray:
            return buffers[0]
        return pickle.loads(data, buffers=buffers)

    def older(self, sealed: "Sealed") -> "Sealed":
        """The same for a Python that knows no buffers. Raises whatever reading and writing it raises."""
        data, buffers = sealed
        if not buffers and data.startswith(_PROTOCOL_5) and _SINCE_5.search(data) is None:
            return _PROTOCOL_4 + data[2:], ()
        return _pickled(self.unseal(data, buffers), 4)


def _pickled(value: "Any", protocol: int) -> "Sealed":
    """By plain pickle where that can write it, and nothing in it lives in ``__main__``; else by value."""
    try:
        data, buffers = _dump(pickle.dumps, value, protocol)
    except RecursionError:
        raise
    except Exception:
        by_value = _cloudpickle()
        if by_value is None:
            raise
        return _dump(by_value, value, protocol)  # its reason goes deeper than that of plain pickle
    if b"__main__" not in data:
        return data, buffers
    by_value = _cloudpickle()
    try:
        return (data, buffers) if by_value is None else _dump(by_value, value, protocol)
    except Exception:
        return data, buffers


def _dump(dumps: "Callable[..., bytes]", value: "Any", protocol: int) -> "Sealed":
    if protocol < 5:
        return dumps(value, protocol), ()
    buffers: list[memoryview] = []

    def keep(buffer: "Any") -> bool:
        """Whether a buffer is small, and goes into the pickle."""
        view: memoryview = buffer.raw()
        if len(view) < LARGE or len(buffers) == BUFFERS_MAX:
            return True
        buffers.append(view)
        return False

    try:
        return dumps(value, protocol, buffer_callback=keep), buffers
    except BufferError:  # not contiguous, so it cannot stand beside
        return dumps(value, protocol), ()


class MsgpackCodec:
    """Payloads as MessagePack: for workers in other languages, and for hosts that are not trusted."""

    name = "msgpack"

    def __init__(self) -> None:
        self._pack, self._unpack, _ = msgpack_functions()
        #: Reads a value.
        self.read = self._unpack

    def seal(self, value: "Any") -> "Sealed":
        """Raises an exception for what has no place in MessagePack."""
        data = self._pack(value)
        if len(data) > _PACKER_MAX:
            self._pack = msgpack_functions()[0]
        return data, ()

    def older(self, sealed: "Sealed") -> "Sealed":
        """The same for an older Python: MessagePack has one form for all."""
        return sealed

    def unseal(self, data: "Data", buffers: "Sequence[Data]" = ()) -> "Any":
        """Raises an exception for bad bytes, and for buffers, which MessagePack has no use for."""
        if buffers:
            raise ValueError("a MessagePack value with buffers")
        return self._unpack(data)


def _cloudpickle() -> "Optional[Callable[..., bytes]]":
    """What writes by value; None where there is nothing that does."""
    try:
        import cloudpickle  # type: ignore[import-untyped]  # (it has no types)
    except ImportError:
        return None
    dumps: Callable[..., bytes] = cloudpickle.dumps
    return dumps


def payload_codec(name: str) -> "Union[PickleCodec, MsgpackCodec]":
    """The codec that the master's HELLO calls ``name``. Raises ValueError when there is none."""
    if name == "pickle":
        return PickleCodec()
    if name == "msgpack":
        return MsgpackCodec()
    raise ValueError(f"there is no payload codec {name!r}")
