"""The two frames that have a short way, and that it leads to where the long way does."""

from __future__ import annotations

import math
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import Frame, FrameReader
from spreadjobs.protocol.messages import Answer, FromWorker, Results, parse, read_results
from spreadjobs.protocol.metadata import decode, encode
from tests.protocol.test_frame_reader import cut, packed
from worker_stub import frames as wire
from worker_stub.plain import ATTEMPT_MAX, PAYLOAD_MAX, TASK_MAX, pack_result, pack_task, read_result, read_task

NUMBERS: Final = st.sampled_from([0, 1, 127, 128, 2**32 - 1, 2**32]) | st.integers(0, 1000)
ERROR: Final = {"kind": "raised", "type": "ValueError", "message": "no"}


@given(NUMBERS, NUMBERS, st.sampled_from([0, 1, 300, PAYLOAD_MAX, PAYLOAD_MAX + 1]))
def test_a_plain_task_means_what_a_long_one_means(task: int, attempt: int, size: int) -> None:
    """The same kind, values and payload; and what does not fit is left to the long way."""
    payload = b"x" * size
    data = pack_task(task, attempt, payload)
    assert (data is None) == (task > TASK_MAX or attempt > ATTEMPT_MAX or size > PAYLOAD_MAX)
    if data is None:
        return
    assert [data] == messages.tasks("msgpack", None, [(task, attempt, (payload, ()))])
    assert len(data) < wire.LARGE
    (frame,) = FrameReader(1 << 30, wire.FROM_MASTER).feed(data)
    assert (frame.kind, frame.payload, frame.buffers) == (wire.TASKS, payload, [])
    assert decode("msgpack", frame.metadata) == {"function": None, "tasks": [[task, attempt, size, 0]]}
    assert read_task(frame.metadata, size) == (task, attempt)
    assert read_task(frame.metadata, size + 1) is None


def test_only_a_plain_task_is_read_as_one() -> None:
    """Any byte of the metadata that is another sends it the long way, or means another task or attempt."""
    good = pack_task(5, 1, b"four")
    assert good is not None
    metadata = good[wire.HEADER.size : -4]
    for at in range(len(metadata)):
        for bit in range(8):
            data = bytearray(metadata)
            data[at] ^= 1 << bit
            found = read_task(bytes(data), 4)
            if found is not None:
                task, attempt = found
                values = {"function": None, "tasks": [[task, attempt, 4, 0]]}
                assert found != (5, 1) and decode("msgpack", bytes(data)) == values


@given(NUMBERS, NUMBERS, st.sampled_from([0, 1, 300, PAYLOAD_MAX, PAYLOAD_MAX + 1]), st.floats(0, 1e9))
def test_a_plain_result_means_what_a_long_one_means(task: int, attempt: int, size: int, seconds: float) -> None:
    """The same values and payload; and what does not fit is left to the long way."""
    payload = b"x" * size
    data = pack_result(task, attempt, payload, seconds)
    assert (data is None) == (task > TASK_MAX or attempt > ATTEMPT_MAX or size > PAYLOAD_MAX)
    if data is None:
        return
    assert len(data) < wire.LARGE
    (frame,) = FrameReader().feed(data)
    row = [task, attempt, True, size, 0, seconds, None]
    assert decode("msgpack", frame.metadata) == {"results": [row]}
    assert parse(frame, "msgpack") == Results([Answer(task, attempt, payload, [], seconds)])
    assert read_result(b"before" + data, 6) == (task, attempt, payload, seconds, 6 + len(data))
    assert read_result(data[:-1], 0) is None


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_bad_seconds_are_told_by_the_long_way(seconds: float) -> None:
    """A duration that is none is not let through."""
    data = pack_result(1, 1, b"", seconds)
    assert data is not None
    with pytest.raises(ProtocolError, match="stands where seconds belong"):
        read_results(data, "msgpack", [])


# --- read_results and the long way


def plain_results() -> st.SearchStrategy[bytes]:
    """What nearly all frames are."""
    return st.builds(pack_result, st.integers(0, 99), st.integers(1, 3), st.binary(max_size=30), st.floats(0, 9)).map(
        lambda data: data or b""
    )


@st.composite
def frames(draw: st.DrawFn, meta: str) -> bytes:
    """A frame of a worker: mostly results, in every form; some of them are wrong."""
    rows, payload, buffers = list[Any](), b"", list[bytes]()
    for _ in range(draw(st.integers(0, 3))):
        size, count = draw(st.sampled_from([0, 1, 40, 40, wire.LARGE])), draw(st.sampled_from([0, 0, 0, 1, 2]))
        extra: Any = draw(st.sampled_from([None, None, {}, {"out": b"printed"}, {"error": ERROR}, {"error": {}}, 7]))
        ok = not (isinstance(extra, dict) and "error" in extra)
        rows.append([draw(st.integers(-1, 300)), 1, ok, size, count, draw(st.floats(-0.01, 9)), extra])
        payload += b"p" * size
        buffers += [b"b" * 20] * count
    kind = draw(st.sampled_from([wire.RESULTS] * 8 + [wire.READY, wire.TROUBLE, wire.BYE]))
    return packed(Frame(kind, encode(meta, {"results": rows, "seconds": 1.0}), payload, buffers))


def long_way(pieces: list[bytes], meta: str) -> tuple[list[FromWorker | Answer], str]:
    """What a stream says, by FrameReader and parse alone, and how it ends."""
    reader, found = FrameReader(1 << 30), list[FromWorker | Answer]()
    try:
        for piece in pieces:
            for frame in reader.feed(piece):
                found += flat(parse(frame, meta))
        reader.close()
    except ProtocolError as error:
        return found, str(error)
    return found, f"ended, then {reader.rest()!r}"


def short_way(pieces: list[bytes], meta: str) -> tuple[list[FromWorker | Answer], str]:
    """The same with read_results wherever a frame may begin."""
    reader, found = FrameReader(1 << 30), list[FromWorker | Answer]()
    try:
        for piece in pieces:
            answers, used = list[Answer](), 0
            try:
                if reader.is_between:
                    used = read_results(piece, meta, answers)
            finally:
                found += flat(Results(answers))
            for frame in reader.feed(piece[used:]):
                found += flat(parse(frame, meta))
        reader.close()
    except ProtocolError as error:
        return found, str(error)
    return found, f"ended, then {reader.rest()!r}"


def flat(message: FromWorker) -> list[FromWorker | Answer]:
    """Answers one by one, with bytes where they have views."""
    if not isinstance(message, Results):
        return [message]
    return [
        answer._replace(payload=bytes(answer.payload), buffers=[bytes(buffer) for buffer in answer.buffers])
        for answer in message.answers
    ]


@pytest.mark.parametrize("meta", ["msgpack", "pickle"])
@given(st.data())
def test_the_short_way_finds_what_the_long_way_finds(meta: str, data: st.DataObject) -> None:
    """The same answers and messages, and the same end, of any stream, however it is cut and whatever is wrong in it."""
    stream = bytearray(b"".join(data.draw(st.lists(plain_results() | frames(meta), max_size=6))))
    for _ in range(data.draw(st.sampled_from([0, 0, 0, 1, 3])) if stream else 0):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    places = data.draw(st.lists(st.integers(min_value=0), max_size=4))
    pieces = cut(bytes(stream), places)
    assert short_way(pieces, meta) == long_way(pieces, meta)


@pytest.mark.parametrize("meta", ["msgpack", "pickle"])
def test_a_flipped_bit_anywhere_does_not_part_the_ways(meta: str) -> None:
    """Every bit of a plain frame, of a long one, and of what follows them."""
    rows = [[3, 1, True, 2, 0, 0.5, None], [4, 1, True, 0, 1, 0.5, {"err": b"e"}]]
    long = packed(Frame(wire.RESULTS, encode(meta, {"results": rows[:1]}), b"ab"))
    other = packed(Frame(wire.RESULTS, encode(meta, {"results": rows}), b"ab", [b"buffer"]))
    plain = pack_result(7, 1, b"abc", 0.25) if meta == "msgpack" else long
    assert plain is not None
    stream = plain + long + other + packed(Frame(wire.BYE, b"")) + b"tail"
    assert short_way([stream], meta) == long_way([stream], meta)
    for bit in range(8 * len(stream)):
        data = bytearray(stream)
        data[bit // 8] ^= 1 << bit % 8
        assert short_way([bytes(data)], meta) == long_way([bytes(data)], meta)


def test_plain_frames_are_read_in_msgpack_only() -> None:
    """Where metadata is pickle, nothing else is read."""
    data = pack_result(7, 1, b"abc", 0.25)
    assert data is not None and read_results(data, "msgpack", []) == len(data)
    with pytest.raises(ProtocolError, match="metadata that cannot be read"):
        read_results(data, "pickle", [])


def test_the_short_way_stops_where_it_does_not_lead_on() -> None:
    """It takes what is whole and small, and leaves the rest of the bytes as they are."""
    plain = pack_result(7, 1, b"abc", 0.25)
    assert plain is not None
    row = [3, 1, True, 0, 1, 0.5, None]
    for rest in (
        b"",
        plain[:10],
        plain[:-1],
        b"noise" * 9,
        packed(Frame(wire.READY, encode("msgpack", {"seconds": 1.0}))),
        packed(Frame(wire.RESULTS, encode("msgpack", {"results": [row]}), b"", [b"x"])),
        packed(Frame(wire.RESULTS, b"", b"x" * wire.LARGE)),
    ):
        answers = list[Answer]()
        assert read_results(plain + plain + rest, "msgpack", answers) == 2 * len(plain)
        assert answers == [Answer(7, 1, b"abc", (), 0.25)] * 2
