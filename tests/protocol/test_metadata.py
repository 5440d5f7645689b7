from __future__ import annotations

import os
import pickle
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol.metadata import METAS, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Reduced:
    """Its pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("meta", METAS)
@given(values=st.dictionaries(st.text(), VALUES))
def test_what_is_written_is_read(meta: str, values: dict[str, Any]) -> None:
    """A map of basic types comes back as it was."""
    assert decode(meta, encode(meta, values)) == values


@pytest.mark.parametrize("meta", METAS)
@given(data=st.binary(max_size=300))
def test_noise_is_refused(meta: str, data: bytes) -> None:
    """Bytes of any kind are a map or ProtocolError."""
    try:
        assert type(decode(meta, data)) is dict
    except ProtocolError:
        pass


@pytest.mark.parametrize("meta", METAS)
def test_what_is_no_map_is_refused(meta: str) -> None:
    """One value that is no map is an error, and so is nothing."""
    with pytest.raises(ProtocolError, match="metadata that is a list, not a map"):
        decode(meta, b"\x90" if meta == "msgpack" else pickle.dumps([], 4))
    with pytest.raises(ProtocolError, match="cannot be read"):
        decode(meta, b"")


@pytest.mark.parametrize(
    "hostile",
    [
        Reduced(os.system, "echo run; exit 1"),
        Reduced(eval, "1/0"),
        Reduced(getattr, "", "join"),
        len,
        pickle.Unpickler,
        os.PathLike,
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_a_pickle_is_run_or_found(hostile: Any, protocol: int) -> None:
    """A pickle that names a class or a function is refused, in every version of the format."""
    with pytest.raises(ProtocolError, match="cannot be read: UnpicklingError: metadata must not name"):
        decode("pickle", pickle.dumps({"a": hostile}, protocol))


def test_a_pickle_may_not_refer_to_anything_outside() -> None:
    """Persistent ids are refused."""
    with pytest.raises(ProtocolError, match="outside"):
        decode("pickle", b"Pname\n.")


def test_ext_types_are_refused() -> None:
    """MessagePack's extensions have no place in metadata."""
    with pytest.raises(ProtocolError, match="ext type"):
        decode("msgpack", b"\x81\xa1a\xd4\x05x")


@pytest.mark.parametrize("bomb", [b"r\xff\xff\xff\x0f", b"r\0\0\0\x20", b"p99999999\n"])
def test_a_memo_bomb_takes_no_memory(bomb: bytes) -> None:
    """A pickle that numbers a value absurdly high is refused before the unpickler makes room for all numbers."""
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="it names value number"):
            decode("pickle", b"\x80\x02}" + bomb + b".")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_text_that_looks_like_a_memo_bomb_is_read() -> None:
    """Only opcodes count, not what a task has printed."""
    values = {"out": b"r\xff\xff\xff\xff p99999999\n"}
    assert decode("pickle", encode("pickle", values)) == values


@pytest.mark.parametrize("meta", METAS)
def test_depth_is_bounded(meta: str) -> None:
    """What lies a million deep is an error or is read, and never ends the process."""
    data = b"\x91" * 1_000_000 if meta == "msgpack" else b"(" * 1_000_000 + b"t" * 1_000_000 + b"."
    with pytest.raises(ProtocolError):
        decode(meta, data)
