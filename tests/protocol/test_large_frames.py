"""Frames that are taken in where they will lie."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol.frames import Frame, FrameReader
from tests.protocol.test_frame_reader import packed, plain
from worker_stub import frames as wire
from worker_stub.frames import ACCEPTED, HEADER, LARGE, MAGIC, RESULTS

SIZES: Final = st.sampled_from([0, 1, 100, LARGE // 2, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE])


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Frames around the size from which on they are large, each part of them included; no two bytes are the same."""
    metadata, payload = draw(st.sampled_from([0, 5, LARGE])), draw(SIZES)
    buffers = draw(st.lists(SIZES, max_size=3))
    noise = bytes(range(251)) * 20 * (LARGE // 251)
    parts = [noise[begin:end] for begin, end in pairwise(accumulate([metadata, payload, *buffers], initial=0))]
    return Frame(RESULTS, parts[0], parts[1], parts[2:])


def edges(sent: list[Frame]) -> list[int]:
    """Where one part of the stream ends and the next begins."""
    parts = [
        length
        for frame in sent
        for length in (
            HEADER.size,
            8 * len(frame.buffers),
            len(frame.metadata),
            len(frame.payload),
            *map(len, frame.buffers),
        )
    ]
    return list(accumulate(parts, initial=0))


def fill(reader: FrameReader, data: bytes) -> Iterator[Frame]:
    """Give it the data as the engine does: into its room as long as it has one, and the rest as it comes."""
    while data and (room := reader.room()) is not None:
        count = min(len(room), len(data))
        room[:count] = data[:count]
        del room
        reader.filled(count)
        data = data[count:]
        yield from reader.feed(b"")
    yield from reader.feed(data)


@given(st.data())
def test_large_frames_that_are_filled_and_fed_are_the_same_frames(data: st.DataObject) -> None:
    """Cut at, before and behind every edge, put into the room or fed: the same frames come out, at the same bytes."""
    sent = data.draw(st.lists(frames(), min_size=1, max_size=3))
    stream = b"".join(map(packed, sent))
    place = st.builds(int.__add__, st.sampled_from(edges(sent)), st.integers(-1, 1)) | st.integers(0, len(stream))
    cuts = sorted({min(max(cut, 0), len(stream)) for cut in data.draw(st.lists(place, max_size=12))})
    reader, found, at = FrameReader(1 << 30), list[Frame](), 0
    for begin, end in pairwise([0, *cuts, len(stream)]):
        take = fill if data.draw(st.booleans()) else FrameReader.feed
        found += take(reader, stream[begin:end])
        at = sum(len(packed(frame)) for frame in sent[: len(found)])
        assert at <= end and (len(found) == len(sent) or at + len(packed(sent[len(found)])) > end)
        assert reader.is_between == (at == end)
    reader.close()
    assert [plain(frame) for frame in found] == [plain(frame) for frame in sent]


def test_a_stream_that_ends_inside_a_large_frame_is_an_error() -> None:
    """Wherever it ends: before and behind each edge."""
    frame = Frame(RESULTS, b"m" * 10, b"p" * LARGE, [b"", b"b" * 10, b"c" * LARGE])
    data = packed(frame)
    for place in {edge + step for edge in edges([frame]) for step in (-1, 0, 1)}:
        if 0 < place < len(data):
            for take in (fill, FrameReader.feed):
                reader = FrameReader(1 << 30)
                assert list(take(reader, data[:place])) == []
                with pytest.raises(ProtocolError, match="inside a frame"):
                    reader.close()


def header(payload: int = 0, buffers: int = 0, length: int = 0) -> bytes:
    """The beginning of a frame that promises much."""
    return HEADER.pack(MAGIC, 1, RESULTS, 0, payload, buffers, 0) + length.to_bytes(8, "big") * buffers


@pytest.mark.parametrize(
    "start", [header(payload=2**32 - 24), header(buffers=1, length=2**32 - 32), header(buffers=65535, length=65000)]
)
def test_a_promise_costs_nothing(start: bytes) -> None:
    """Four gigabytes that are promised cost memory as they come, and not before."""
    reader = FrameReader(2**32)
    before = resident()
    tracemalloc.start()
    try:
        assert list(reader.feed(start)) == []
        base = tracemalloc.get_traced_memory()[0]
        assert base < 100_000 + 16 * len(start)
        assert list(reader.feed(bytes(1 << 20))) == []
        assert tracemalloc.get_traced_memory()[1] - base < 12 << 20
    finally:
        tracemalloc.stop()
    assert resident() - before < 32 << 20
    with pytest.raises(ProtocolError, match="inside a frame"):
        reader.close()


def resident() -> int:
    """How many bytes of memory this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("length", [2**32, 2**63, 2**64 - 1])
def test_a_promise_beyond_the_cap_is_refused(length: int) -> None:
    """No length, however it came about, gets further than the cap; neither do many that do so together."""
    for start in (header(payload=length), header(buffers=1, length=length), header(buffers=65535, length=length // 2)):
        with pytest.raises(ProtocolError, match="at most 4294967296 are allowed"):
            list(FrameReader(2**32).feed(start))


@pytest.mark.parametrize("take", [fill, FrameReader.feed])
def test_a_frame_for_which_there_is_no_memory_is_an_error(
    take: Callable[[FrameReader, bytes], Iterator[Frame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system refuses is told; the frames before are not lost."""

    def scarce(size: int = 0) -> bytearray:
        if size > LARGE:
            raise MemoryError
        return bytearray(size)

    data = packed(Frame(ACCEPTED, b"")) + packed(Frame(RESULTS, b"", b"x", [b"y" * 3 * LARGE]))
    monkeypatch.setattr(wire, "bytearray", scarce, raising=False)
    found = take(FrameReader(2**32), data)
    assert next(found).kind == ACCEPTED
    with pytest.raises(ProtocolError, match="a frame of 196609 bytes, for which there is no memory"):
        list(found)


def test_room_is_for_large_frames_only() -> None:
    """Between frames, and inside a small one, there is none; nothing can be filled then."""
    reader = FrameReader(2**32)
    assert reader.room() is None
    assert list(reader.feed(packed(Frame(RESULTS, b"", b"x" * 1000))[:-1])) == []
    assert reader.room() is None and not reader.is_between
    reader.filled(1)
    assert [len(frame.payload) for frame in reader.feed(b"x")] == [1000]
    assert reader.is_between


def test_a_buffer_belongs_to_whoever_takes_it() -> None:
    """Once a frame is whole nobody else looks at its buffers: their size can be changed."""
    data = packed(Frame(RESULTS, b"", b"", [b"x" * LARGE, b"y" * LARGE]))
    for take in (fill, FrameReader.feed):
        reader = FrameReader(2**32)
        (frame,) = [*take(reader, data[:100]), *take(reader, data[100:] + data[:100])]
        for buffer in frame.buffers:
            assert isinstance(buffer, bytearray)
            buffer.append(1)
