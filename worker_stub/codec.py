"""How metadata and payloads become bytes, at both ends.

Metadata is read with nothing that could run code; payloads are sealed once and unsealed where they are used.
"""

import io
import pickle

from worker_stub import small_msgpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn, Optional, Sequence, Union

    Data = Union[bytes, memoryview]

#: What every Python that the stub runs on can read.
PICKLE_PROTOCOL = min(4, pickle.HIGHEST_PROTOCOL)


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
    return pickle.dumps(value, PICKLE_PROTOCOL)


def _refuse_ext(code: int, data: bytes) -> "NoReturn":
    raise ValueError("a MessagePack ext type, which may not stand here")


def msgpack_functions() -> "tuple[Callable[[Any], bytes], Callable[[Data], Any], bool]":
    """How to write MessagePack, how to read it, and whether it is the library that does so."""
    try:
        import msgpack

        pack, unpack = msgpack.packb, msgpack.unpackb
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
    """Payloads as pickles; by value (cloudpickle) what plain pickle cannot write, or what lives in ``__main__``."""

    name = "pickle"

    def seal(self, value: "Any") -> bytes:
        """Raises what cloudpickle raises when it cannot write it either, or plain pickle where there is no other."""
        try:
            data = pickle.dumps(value, PICKLE_PROTOCOL)
        except RecursionError:
            raise
        except Exception:
            by_value = _cloudpickle()
            if by_value is None:
                raise
            return by_value(value)  # its reason goes deeper than that of plain pickle
        if b"__main__" not in data:
            return data
        by_value = _cloudpickle()
        try:
            return data if by_value is None else by_value(value)
        except Exception:
            return data

    def unseal(self, data: "Data", buffers: "Sequence[Data]" = ()) -> "Any":
        """Raises whatever the pickle's code raises."""
        if buffers:
            return pickle.loads(data, buffers=buffers)
        return pickle.loads(data)


class MsgpackCodec:
    """Payloads as MessagePack: for workers in other languages, and for hosts that are not trusted."""

    name = "msgpack"

    def __init__(self) -> None:
        self._pack, self._unpack, _ = msgpack_functions()

    def seal(self, value: "Any") -> bytes:
        """Raises an exception for what has no place in MessagePack."""
        return self._pack(value)

    def unseal(self, data: "Data", buffers: "Sequence[Data]" = ()) -> "Any":
        """Raises an exception for bad bytes, and for buffers, which MessagePack has no use for."""
        if buffers:
            raise ValueError("a MessagePack value with buffers")
        return self._unpack(data)


def _cloudpickle() -> "Optional[Callable[[Any], bytes]]":
    """What writes by value; None where there is nothing that does."""
    try:
        import cloudpickle  # type: ignore[import-untyped]  # (it has no types)
    except ImportError:
        return None

    def dump(value: "Any") -> bytes:
        data: bytes = cloudpickle.dumps(value, PICKLE_PROTOCOL)
        return data

    return dump


def payload_codec(name: str) -> "Union[PickleCodec, MsgpackCodec]":
    """The codec that the master's HELLO calls ``name``. Raises ValueError when there is none."""
    if name == "pickle":
        return PickleCodec()
    if name == "msgpack":
        return MsgpackCodec()
    raise ValueError(f"there is no payload codec {name!r}")
