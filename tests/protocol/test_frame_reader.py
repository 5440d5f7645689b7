from __future__ import annotations

import random
import time
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol.frames import Frame, FrameReader
from spreadjobs.protocol.messages import FromWorker, parse
from spreadjobs.protocol.metadata import encode
from worker_stub import frames as wire
from worker_stub.frames import BYE, FROM_WORKER, HEADER, LARGE, MAGIC, RESULTS, pack
from worker_stub.small_msgpack import packb

CAP: Final = 1024 * 1024


def packed(frame: Frame) -> bytes:
    """The bytes of a frame."""
    return b"".join(pack(frame.kind, frame.metadata, [frame.payload], frame.buffers))


def plain(frame: Frame) -> tuple[int, bytes, bytes, list[bytes]]:
    """A frame with bytes where it has views, for comparing."""
    return frame.kind, frame.metadata, bytes(frame.payload), [bytes(buffer) for buffer in frame.buffers]


def read(pieces: list[bytes], cap: int = CAP) -> list[tuple[int, bytes, bytes, list[bytes]]]:
    """All frames of a stream that comes in pieces and ends."""
    reader = FrameReader(cap)
    found = [plain(frame) for piece in pieces for frame in reader.feed(piece)]
    reader.close()
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def some_frames(count: int, seed: int) -> list[Frame]:
    """Frames of the kinds and sizes that occur: most are short, a few have buffers or are large."""
    dice = random.Random(seed)
    kinds = sorted(FROM_WORKER - {BYE})
    sizes = (0, 0, 1, 7, 100, 3000)
    return [
        Frame(
            dice.choice(kinds),
            dice.randbytes(dice.choice(sizes)),
            dice.randbytes(LARGE + 5 if dice.random() < 0.002 else dice.choice(sizes)),
            [dice.randbytes(dice.choice(sizes)) for _ in range(dice.choice((0, 0, 0, 1, 3)))],
        )
        for _ in range(count)
    ]


FRAMES = st.builds(
    Frame,
    st.sampled_from(sorted(FROM_WORKER - {BYE})),
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.lists(st.binary(max_size=20), max_size=3),
)


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(min_value=0), max_size=20))
def test_cut_and_glued_frames_are_the_same_frames(sent: list[Frame], places: list[int]) -> None:
    """However the pipe cuts and glues a stream, the same frames come out."""
    stream = b"".join(map(packed, sent))
    assert read(cut(stream, places)) == [plain(frame) for frame in sent]


def test_five_thousand_frames_in_pieces_are_the_same_frames() -> None:
    """A long stream in pieces of every size, down to single bytes, is read whole."""
    sent = some_frames(5000, seed=1)
    stream = b"".join(map(packed, sent))
    dice = random.Random(2)
    pieces, at = [], 0
    while at < len(stream):
        size = dice.choice((1, 2, 23, 24, 25, 1000, 65536))
        pieces.append(stream[at : at + size])
        at += size
    assert read(pieces) == [plain(frame) for frame in sent]


@given(FRAMES)
def test_every_byte_may_come_alone(frame: Frame) -> None:
    """A frame that comes byte by byte is whole with its last byte, and not before."""
    reader = FrameReader(CAP)
    data = packed(frame)
    counts = [len(list(reader.feed(data[at : at + 1]))) for at in range(len(data))]
    assert counts == [0] * (len(data) - 1) + [1]


def test_a_truncated_stream_is_an_error_at_its_end() -> None:
    """What ends inside a frame gives the frames before it, and ProtocolError at the end; 5,000 streams."""
    dice = random.Random(3)
    for frame in some_frames(5000, seed=4):
        data = packed(frame)
        reader = FrameReader(CAP)
        place = dice.choice((1, 2, 3, 4, 8, 16, 20, 23, 24, len(data) - 1, dice.randrange(1, len(data))))
        place = min(place, len(data) - 1)
        assert len(list(reader.feed(data + data[:place]))) == 1
        with pytest.raises(ProtocolError, match="inside a frame"):
            reader.close()


def test_a_flipped_bit_is_an_error_or_a_frame() -> None:
    """5,000 streams with a bit flipped at every kind of place: ProtocolError or frames, nothing else, and soon."""
    dice = random.Random(5)
    endings = {"error": 0, "frames": 0, "cut": 0}
    for frame in some_frames(5000, seed=6):
        data = bytearray(packed(frame))
        place = dice.choice((dice.randrange(HEADER.size), dice.randrange(len(data))))
        data[place] ^= 1 << dice.randrange(8)
        reader = FrameReader(CAP)
        try:
            for found in reader.feed(bytes(data)):
                assert found.kind in FROM_WORKER
        except ProtocolError:
            endings["error"] += 1
            continue
        try:
            reader.close()
            endings["frames"] += 1
        except ProtocolError:
            endings["cut"] += 1
    assert min(endings.values()) > 100


@pytest.mark.parametrize("meta", ["msgpack", "pickle"])
def test_a_flipped_message_is_an_error_or_a_message(meta: str) -> None:
    """5,000 answers with flipped bits: ProtocolError or a message; the memory that it takes is bounded."""
    dice = random.Random(7)
    row = [3, 1, False, 5, 0, 0.25, {"out": b"rr\0\0\1\xffp9999999" * 9, "error": FAR_ERROR}]
    whole = packed(Frame(RESULTS, encode(meta, {"results": [row]}), b"12345"))
    tracemalloc.start()
    try:
        for _ in range(5000):
            data = bytearray(whole)
            for _ in range(dice.choice((1, 1, 2, 8))):
                data[dice.randrange(HEADER.size, len(data))] ^= 1 << dice.randrange(8)
            parsed_or_refused(bytes(data), meta)
        assert tracemalloc.get_traced_memory()[1] < 64 * CAP
    finally:
        tracemalloc.stop()


FAR_ERROR: Final = {"kind": "raised", "type": "ValueError", "message": "bad " * 20, "traceback": "Traceback\n"}


def parsed_or_refused(data: bytes, meta: str) -> list[FromWorker]:
    """The messages in the data, as far as they are well formed."""
    found = []
    reader = FrameReader(CAP)
    with suppress(ProtocolError):
        for frame in reader.feed(data):
            found.append(parse(frame, meta))
        reader.close()
    return found


@given(st.binary(max_size=200))
def test_noise_is_an_error_or_nothing(noise: bytes) -> None:
    """Bytes of any kind raise ProtocolError or are waited for; only their first two can make them wait."""
    reader = FrameReader(CAP)
    try:
        assert list(reader.feed(noise)) == []
    except ProtocolError:
        return
    assert wire.MAGIC_BYTES.startswith(noise[:2])


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ((0x1234, 1, RESULTS, 0, 0, 0, 0), "this is no frame"),
        ((MAGIC, 2, RESULTS, 0, 0, 0, 0), "version 2 of the protocol; this side speaks version 1"),
        ((MAGIC, 1, 99, 0, 0, 0, 0), "kind 99"),
        ((MAGIC, 1, wire.TASKS, 0, 0, 0, 0), "kind 6"),
        ((MAGIC, 1, RESULTS, 0, 0, 0, 7), "last field is 7"),
        ((MAGIC, 1, RESULTS, 0, 0, 65536, 0), "65536 buffers"),
        ((MAGIC, 1, RESULTS, CAP, 0, 0, 0), f"at most {CAP} are allowed"),
        ((MAGIC, 1, RESULTS, 0, 2**64 - 1, 0, 0), "at most"),
        ((MAGIC, 1, RESULTS, 2**32 - 1, 0, 0, 0), "at most"),
    ],
)
def test_a_bad_header_is_told_at_once(header: tuple[int, ...], sentence: str) -> None:
    """Each field of the header is checked as soon as the header is there, before any of the rest has come."""
    with pytest.raises(ProtocolError, match=sentence):
        list(FrameReader(CAP).feed(HEADER.pack(*header)))


def test_a_stray_print_is_told_by_its_first_bytes_and_shown() -> None:
    """Text where a frame should begin is refused without waiting for a whole header."""
    with pytest.raises(ProtocolError, match="this is no frame: b'hi"):
        list(FrameReader(CAP).feed(b"hi\n"))


def test_the_lengths_of_buffers_count_for_the_cap() -> None:
    """A frame whose buffers make it too long is refused before they come."""
    header = HEADER.pack(MAGIC, 1, RESULTS, 0, 0, 1, 0)
    with pytest.raises(ProtocolError, match="at most"):
        list(FrameReader(CAP).feed(header + CAP.to_bytes(8, "big")))


def test_memory_is_taken_for_what_has_come_only() -> None:
    """A header that promises a gigabyte costs nothing until the gigabyte comes."""
    reader = FrameReader(2**31)
    tracemalloc.start()
    try:
        assert list(reader.feed(HEADER.pack(MAGIC, 1, RESULTS, 0, 2**30, 0, 0))) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_large_frame_is_handed_over_and_not_copied() -> None:
    """The payload of a large frame is a view of the memory in which it arrived, and stays what it is."""
    reader = FrameReader(2**31)
    data = packed(Frame(RESULTS, b"", b"x" * LARGE))
    (frame,) = reader.feed(data + data[:10])
    assert isinstance(frame.payload, memoryview)
    (again,) = reader.feed(data[10:])
    assert plain(frame) == plain(again) == (RESULTS, b"", b"x" * LARGE, [])


def test_frames_before_a_bad_one_are_not_lost() -> None:
    """What was good comes out before the error does."""
    reader = FrameReader(CAP)
    found = reader.feed(packed(Frame(wire.ACCEPTED, b"")) + b"oops")
    assert next(found) == Frame(wire.ACCEPTED, b"", b"", [])
    with pytest.raises(ProtocolError):
        next(found)


def test_behind_the_last_frame_comes_text() -> None:
    """After BYE nothing is a frame: the rest is the tail, whatever it looks like."""
    reader = FrameReader(CAP)
    data = packed(Frame(BYE, packb({})))
    assert [frame.kind for frame in reader.feed(data + b"tail " + data)] == [BYE]
    assert reader.is_finished
    assert list(reader.feed(b" more")) == []
    assert reader.rest() == b"tail " + data + b" more"
    assert reader.rest() == b""
    reader.close()


@pytest.mark.speed
def test_the_time_for_a_large_frame_grows_with_its_size_only() -> None:
    """Five times the bytes, in pieces of 64 KiB, take about five times as long, not twenty-five times."""

    def seconds(size: int) -> float:
        pieces = [b"x" * 65536] * (size // 65536)
        reader = FrameReader(2**31)
        begin = time.perf_counter()
        list(reader.feed(HEADER.pack(MAGIC, 1, RESULTS, 0, 65536 * len(pieces), 0, 0)))
        assert sum(len(list(reader.feed(piece))) for piece in pieces) == 1
        return time.perf_counter() - begin

    assert min(seconds(160 * CAP) for _ in range(3)) < 15 * min(seconds(32 * CAP) for _ in range(3))
