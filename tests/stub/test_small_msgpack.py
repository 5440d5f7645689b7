from __future__ import annotations

import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_stub.small_msgpack import DEPTH, MsgpackError, packb, unpackb

KEYS = st.text() | st.binary() | st.integers(-(2**63), 2**64 - 1) | st.none() | st.booleans()
VALUES: st.SearchStrategy[Any] = st.recursive(
    KEYS | st.floats() | st.text(min_size=30, max_size=40) | st.binary(min_size=250, max_size=260),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner, max_size=20),
    max_leaves=60,
)
EDGES = [
    *[
        sign * (1 << bits) + step
        for bits in (4, 5, 7, 8, 15, 16, 31, 32, 63)
        for sign in (1, -1)
        for step in (-1, 0, 1)
    ],
    *[(1 << 64) - 1, 0, 0.0, -0.0, 1e300, float("inf")],
    *["x" * size for size in (0, 31, 32, 255, 256, 65535, 65536)],
    *[b"x" * size for size in (0, 255, 256, 65535, 65536)],
    *[[None] * size for size in (0, 15, 16, 65535, 65536)],
    *[dict.fromkeys(range(size)) for size in (0, 15, 16, 65535, 65536)],
]
EDGES = [edge for edge in EDGES if not isinstance(edge, int) or -(2**63) <= edge < 2**64]


def plain(value: Any) -> str:
    """A value for comparing: NaN is equal to itself, and 1 is not True."""
    return repr(value)


@given(VALUES)
def test_it_writes_what_the_library_writes(value: Any) -> None:
    """The bytes are the library's, and both read what the other has written."""
    data = packb(value)
    assert data == msgpack.packb(value)
    assert plain(unpackb(data)) == plain(value) == plain(msgpack.unpackb(data, strict_map_key=False))


def test_every_width_is_the_library_s() -> None:
    """The first and the last value of each form."""
    for value in EDGES:
        assert packb(value) == msgpack.packb(value)
        assert unpackb(packb(value)) == value


@given(st.binary(max_size=100))
def test_noise_is_a_value_or_its_own_error(data: bytes) -> None:
    """Bytes of any kind raise MsgpackError or are what the library reads, too."""
    try:
        value = unpackb(data)
    except MsgpackError:
        return
    assert plain(value) == plain(msgpack.unpackb(data, strict_map_key=False))


@given(VALUES, st.data())
def test_a_truncated_value_is_an_error(value: Any, data: st.DataObject) -> None:
    """No beginning of a value is a value, and nothing may follow it."""
    packed = packb(value)
    with pytest.raises(MsgpackError):
        unpackb(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(MsgpackError, match="behind the value"):
        unpackb(packed + b"\xc0")


def test_it_reads_short_floats_tuples_and_views() -> None:
    """A float of 32 bits is read; a tuple is written as a list, a bytearray as bytes."""
    assert unpackb(b"\xca" + struct.pack("!f", 1.5)) == 1.5
    assert unpackb(memoryview(packb((1, bytearray(b"x"), memoryview(b"y"))))) == [1, b"x", b"y"]


@pytest.mark.parametrize(
    "data",
    [
        *[b"\xc1", b"\xd4\x01x", b"\xc7\x01\x05x", b"\xd8" + bytes(17)],  # the unused byte, ext types
        *[b"\xa1\xff", b"\x81\x90\xc0", b"\x81\x80\xc0"],  # text that is none, a list and a map as keys
        *[b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"],
        *[b"\x91" * (DEPTH + 2) + b"\xc0", b"\x91" * 1_000_000],
    ],
)
def test_what_may_not_be_read_is_refused(data: bytes) -> None:
    """Ext types, bad text, keys that cannot be keys, lengths that cannot be, and too much depth."""
    with pytest.raises(MsgpackError):
        unpackb(data)


@pytest.mark.parametrize("value", [object(), 1 << 64, -(1 << 63) - 1, "\udcff", {1, 2}, 1j])
def test_what_cannot_be_written_is_refused(value: object) -> None:
    """Only the basic types have a place."""
    with pytest.raises(MsgpackError):
        packb([value])


def test_depth_is_bounded_both_ways() -> None:
    """As deep as DEPTH is written and read, and one deeper is not."""
    value: Any = None
    for _ in range(DEPTH):
        value = [value]
    assert unpackb(packb(value)) == value
    with pytest.raises(MsgpackError, match="deep"):
        packb([value])
