from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest

from spreadjobs.engine.channel import CHUNK, PIECES, TURNS, Reader, Text, Writer
from spreadjobs.engine.loop import Loop

MEGABYTE = 10**6


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop, closed after the test."""
    loop = Loop()
    yield loop
    loop.close()


class Far:
    """The other side of a writer, and what the writer told."""

    def __init__(self, loop: Loop) -> None:
        self.output, end = os.pipe()
        self.told: list[str] = []
        self.writer = Writer(loop, end, lambda: self.told.append("broken"))

    def read(self, size: int = 10 * MEGABYTE) -> bytes:
        """What there is to read now, at most ``size`` bytes; nothing at the end."""
        return os.read(self.output, size)

    def close(self) -> None:
        """Close both sides; to be called twice without harm."""
        if self.output >= 0:
            os.close(self.output)
            self.output = -1


@pytest.fixture
def far(loop: Loop) -> Iterator[Far]:
    """A writer and its other side, both closed after the test."""
    far = Far(loop)
    yield far
    far.writer.close()
    far.close()


def test_what_fits_is_written_at_once(far: Far) -> None:
    """No turn of the loop is needed; pieces of every kind come in order, empty ones not at all."""
    far.writer.write([b"a", bytearray(b"b"), b"", memoryview(b"xcx")[1:2]])
    far.writer.write([b"d"])
    assert far.read() == b"abcd"
    assert far.writer.written == 4


def test_what_does_not_fit_waits(loop: Loop, far: Far) -> None:
    """A write returns at once, however much it is and however full the pipe; all comes in the end, in order."""
    data = os.urandom(MEGABYTE)
    for _ in range(5):
        far.writer.write([data, b"end"])
    assert far.writer.written < MEGABYTE
    found = b""
    while len(found) < 5 * (MEGABYTE + 3):
        loop.turn(0.0)
        found += far.read()
    assert found == 5 * (data + b"end")
    assert far.writer.written == len(found)


def test_very_many_pieces_are_no_trouble(loop: Loop, far: Far) -> None:
    """More than one vectored write takes."""
    pieces = [b"%d," % number for number in range(10 * PIECES)]
    far.writer.write(pieces)
    found = b""
    while len(found) < sum(map(len, pieces)):
        loop.turn(0.0)
        found += far.read()
    assert found == b"".join(pieces)


def test_the_end_comes_behind_all_that_was_written(loop: Loop, far: Far) -> None:
    """``finish`` closes when the last byte is out, not before; what is written after it is in vain."""
    far.writer.write([bytes(MEGABYTE)])
    far.writer.finish()
    far.writer.write([b"in vain"])
    found = b""
    while data := far.read():
        found += data
        loop.turn(loop.clock())
    assert found == bytes(MEGABYTE)
    assert far.told == []


def test_an_empty_queue_is_closed_at_once(far: Far) -> None:
    """``finish`` needs no turn of the loop where nothing waits."""
    far.writer.finish()
    assert far.read() == b""
    far.writer.write([b"in vain"])
    far.writer.finish()


def test_the_other_side_may_be_gone(far: Far) -> None:
    """A broken pipe is told once, and what is written then is in vain; nothing is raised."""
    far.close()
    far.writer.write([b"a"])
    far.writer.write([b"b"])
    far.writer.finish()
    assert far.told == ["broken"]


def test_the_other_side_may_go_while_much_waits(loop: Loop, far: Far) -> None:
    """The loop tells it; nothing is watched any more."""
    far.writer.write([bytes(4 * MEGABYTE)])
    far.close()
    loop.turn()
    loop.turn(0.0)
    assert far.told == ["broken"]


def test_close_forgets_what_waits(loop: Loop, far: Far) -> None:
    """The other side gets what was out, and the end."""
    far.writer.write([bytes(MEGABYTE)])
    written = far.writer.written
    far.writer.close()
    loop.turn(0.0)
    assert (len(far.read()), far.read()) == (written, b"")
    assert far.told == []


class Near:
    """A reader, what it told, and the end to write to."""

    def __init__(self, loop: Loop) -> None:
        end, self.input = os.pipe()
        self.told: list[bytes] = []
        self.reader = Reader(loop, end, self.told.append, lambda: self.told.append(b"END"))

    def close(self) -> None:
        """Close the end to write to; to be called twice without harm."""
        if self.input >= 0:
            os.close(self.input)
            self.input = -1


@pytest.fixture
def near(loop: Loop) -> Iterator[Near]:
    """A reader and its other side, both closed after the test."""
    near = Near(loop)
    yield near
    near.reader.close()
    near.close()


def test_what_comes_is_told(loop: Loop, near: Near) -> None:
    """As it comes, and its end once."""
    os.write(near.input, b"one")
    loop.turn()
    os.write(near.input, b"two")
    near.close()
    loop.turn()
    loop.turn()
    loop.turn(0.0)
    assert near.told == [b"one", b"two", b"END"]


def test_one_who_writes_much_leaves_others_their_turn(loop: Loop, near: Near) -> None:
    """A turn reads one chunk of a pipe, however much lies in it."""
    fcntl.fcntl(near.input, fcntl.F_SETPIPE_SZ, 2 * CHUNK)
    os.write(near.input, bytes(2 * CHUNK))
    loop.turn()
    assert [len(data) for data in near.told] == [CHUNK]


def test_what_lies_in_the_pipe_can_be_taken_at_once(loop: Loop, near: Near) -> None:
    """``drain`` takes no more than its turns, and an empty or ended pipe is no matter."""
    near.reader.drain()
    os.write(near.input, b"one")
    near.reader.drain(turns=0)
    assert near.told == []
    near.reader.drain()
    near.close()
    near.reader.drain()
    assert near.told == [b"one"]
    loop.turn()
    assert near.told == [b"one", b"END"]
    near.reader.drain()
    assert TURNS * CHUNK >= MEGABYTE


def test_a_reader_that_was_closed_tells_nothing(loop: Loop, near: Near) -> None:
    """Neither what is written then, nor the end; to close it twice does no harm."""
    near.reader.close()
    near.reader.close()
    near.close()
    loop.turn(0.0)
    near.reader.drain()
    assert near.told == []


def test_text_is_kept_up_to_a_cap() -> None:
    """Its beginning is kept, and how much more there was; ``take`` begins anew."""
    text = Text(cap=10)
    for piece in (b"12345", b"6789", b"abcd", b"efg"):
        text.add(piece)
    assert text.take() == (b"123456789a", 6)
    assert text.take() == (b"", 0)
    text.add(b"again")
    assert text.take() == (b"again", 0)


def test_the_last_lines_of_a_text_are_known() -> None:
    """Whatever was dropped between; empty lines do not count, and bytes that are no text are shown."""
    text = Text(cap=20)
    assert text.last_lines(3) == ""
    text.add(b"first\n\nsecond\n")
    assert text.last_lines(3) == "first\nsecond"
    assert text.last_lines(1) == "second"
    text.add(b"x" * 10_000 + b"\nlast but one\n\n\xff last\n")
    assert text.last_lines(2) == "last but one\n\\xff last"
