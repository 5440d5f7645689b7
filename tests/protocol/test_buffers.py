"""What is large stands beside its pickle: it is not copied on its way, neither here nor there."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import Frame, FrameReader
from spreadjobs.protocol.payloads import OVERHEAD, Sealed, Sealer, SealError, length_of
from worker_stub import codec
from worker_stub import frames as wire
from worker_stub.frames import LARGE

SEALER: Final = Sealer("pickle")
MEGABYTE: Final = 1 << 20


class Text(bytes):
    """Bytes with something more."""

    language = "none"


@contextmanager
def no_copies(limit: int = LARGE) -> Iterator[None]:
    """Fail when what is done takes more memory than so many bytes, even for a moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def sent(sealed: Sealed) -> Frame:
    """What arrives in a worker."""
    data = b"".join(bytes(part) for part in messages.tasks("msgpack", None, [(1, 1, sealed)]))
    (frame,) = FrameReader(wire.FRAME_CAP, wire.FROM_MASTER).feed(data)
    return frame


def there(value: object) -> Any:
    """The value in a worker."""
    frame = sent(SEALER.seal(value))
    return SEALER.unseal(frame.payload, frame.buffers)


# --- bytes and bytearray


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("size", [0, 1, LARGE - 1, LARGE, LARGE + 1, MEGABYTE])
def test_bytes_of_any_size_arrive(kind: Callable[[bytes], Any], size: int) -> None:
    """Alone, or among other things, they come as what they were."""
    value = kind(b"x" * size)
    for one in (value, [value, value], {"deep": (value, 7)}):
        found = there(one)
        assert found == one and type(found) is type(one)
    assert type(there(value)) is type(there([value])[0]) is kind
    assert [len(buffer) for buffer in SEALER.seal(value)[1]] == ([size] if size >= LARGE else [])


def test_large_bytes_are_not_copied() -> None:
    """What is sent is the memory of the value, and a bytearray that arrives is the memory into which it was read."""
    for value in (b"x" * MEGABYTE, bytearray(MEGABYTE)):
        with no_copies():
            _, (view,) = SEALER.seal(value)
        assert view.obj is value
        del view
    frame = sent(SEALER.seal(bytearray(MEGABYTE)))
    with no_copies():
        found = SEALER.unseal(frame.payload, frame.buffers)
    assert found is frame.buffers[0] and type(found) is bytearray
    found.append(1)


def test_bytes_that_were_not_read_by_us_are_copied_into_a_bytearray() -> None:
    """What is a view of somebody else's memory does not become the value's own."""
    value = bytearray(LARGE)
    sealed = SEALER.seal(value)
    found = SEALER.unseal(*sealed)
    assert found == value and found is not value
    assert SEALER.unseal(sealed[0], [bytes(LARGE)]) == value


def test_a_kind_of_bytes_stays_what_it_is() -> None:
    """A class of its own is not taken for the one that it is derived from."""
    found = there(Text(b"x" * LARGE))
    assert type(found) is Text and found == b"x" * LARGE


# --- whatever else has buffers


def test_a_buffer_of_ones_own_stands_beside() -> None:
    """pickle.PickleBuffer is for the classes of anybody."""
    data, buffers = SEALER.seal([pickle.PickleBuffer(b"x" * LARGE), pickle.PickleBuffer(b"small")])
    assert [bytes(buffer) for buffer in buffers] == [b"x" * LARGE]
    assert SEALER.unseal(data, buffers) == [b"x" * LARGE, b"small"]


def test_what_is_not_contiguous_says_so() -> None:
    """Such a buffer can stand nowhere; the error is pickle's own."""
    with pytest.raises(SealError, match="contiguous"):
        SEALER.seal(pickle.PickleBuffer(memoryview(bytearray(4 * LARGE))[::2]))


def test_more_buffers_than_a_frame_may_have_go_into_the_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 65,535 stand beside; all arrive."""
    monkeypatch.setattr(codec, "LARGE", 1)
    values = [number.to_bytes(4, "big") for number in range(65_540)]
    sealed = SEALER.seal([pickle.PickleBuffer(value) for value in values])
    assert len(sealed[1]) == wire.BUFFERS_MAX == 65_535
    frame = sent(sealed)
    found = SEALER.unseal(frame.payload, frame.buffers)
    assert len(found) == len(values) and all(map(bytes.__eq__, map(bytes, found), values))


def test_a_missing_buffer_is_an_error() -> None:
    """A pickle whose buffers have not come cannot be read; what is too many is not looked at."""
    data, buffers = SEALER.seal(b"x" * LARGE)
    with pytest.raises(SealError):
        SEALER.unseal(data)
    assert SEALER.unseal(data, [*buffers, b"more"]) == b"x" * LARGE


def test_what_fits_in_no_frame_cannot_be_sealed() -> None:
    """It is told here, and not by the worker's end; buffers count."""
    sealer = Sealer("pickle", 2 * LARGE)
    for value in (b"x" * 2 * LARGE, [b"x" * 2 * LARGE], bytearray(2 * LARGE)):
        with pytest.raises(SealError, match=r"it takes \d+ bytes; a frame may have 131072"):
            sealer.seal(value)
    value = b"x" * (2 * LARGE - OVERHEAD - 8 - len(sealer.seal(b"x" * LARGE)[0]))
    sealed = sealer.seal(value)
    assert length_of(sealed) == 2 * LARGE - OVERHEAD
    for parts in (
        messages.tasks("pickle", b"d" * 16, [(1 << 63, 1 << 31, sealed)]),
        messages.prelude("pickle", sealed),
    ):
        assert sum(map(len, parts)) <= 2 * LARGE


# --- Pythons older than 3.8


def test_an_older_python_is_sent_what_it_can_read() -> None:
    """Protocol 4, and no buffers; the value is the same."""
    values = (
        7,
        "é\x96",
        b"\x96\x97\x98",
        bytearray(b"small"),
        b"x" * LARGE,
        bytearray(LARGE),
        [pickle.PickleBuffer(b"x")],
    )
    for value in values:
        data, buffers = SEALER.older(SEALER.seal(value))
        assert (data[:2], buffers) == (b"\x80\x04", ())
        found = SEALER.unseal(data)
        assert found == ([b"x"] if type(value) is list else value)
        assert type(found) is type(value)


def test_what_has_nothing_new_in_it_is_not_read_for_an_older_python() -> None:
    """The pickle of most values needs another number in its head only: no code of theirs runs here."""
    sealed = SEALER.seal(Fragile())
    assert b"Fragile" in sealed[0]
    assert SEALER.older(sealed)[0] == b"\x80\x04" + sealed[0][2:]
    with pytest.raises(SealError, match="it is broken"):
        SEALER.unseal(*sealed)


class Fragile:
    """Cannot be read again."""

    def __setstate__(self, state: object) -> None:
        raise ValueError("it is broken")

    def __getstate__(self) -> object:
        return {"some": "state"}


def test_what_is_sent_by_value_is_so_to_an_older_python() -> None:
    """A lambda that has something large with it."""
    large = bytearray(LARGE)
    sealed = SEALER.seal([lambda: len(large), pickle.PickleBuffer(large)])
    assert len(sealed[1]) == 1
    data, buffers = SEALER.older(sealed)
    assert (data[:2], buffers) == (b"\x80\x04", ())
    assert SEALER.unseal(data)[0]() == LARGE


def test_what_cannot_be_read_cannot_be_sealed_for_an_older_python() -> None:
    """The error is the one that reading it raises."""
    with pytest.raises(SealError, match="it is broken"):
        SEALER.older(SEALER.seal([Fragile(), bytearray(b"x")]))


def test_messagepack_is_the_same_for_all() -> None:
    """It has one form, and never buffers."""
    sealer = Sealer("msgpack")
    sealed = sealer.seal(b"x" * 2 * LARGE)
    assert sealed[1] == () and sealer.older(sealed) is sealed


def test_a_large_message_leaves_no_memory_behind() -> None:
    """What writes MessagePack does not keep the room that its largest value took."""
    sealer = Sealer("msgpack")
    tracemalloc.start()
    try:
        sealer.seal(b"x" * 16 * MEGABYTE)
        assert tracemalloc.get_traced_memory()[0] < MEGABYTE
    finally:
        tracemalloc.stop()
    assert sealer.unseal(*sealer.seal([1])) == [1]
