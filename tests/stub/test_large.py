"""Large payloads through real pipes."""

from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

from tests.stub.conftest import Start
from tests.stub.pipes import PipeMaster, stub
from worker_stub import codec, frames
from worker_stub.frames import FROM_MASTER, LARGE, Reader, pack

MEGABYTE: Final = 1 << 20


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where to read, where to write; both ends may be closed by the test."""
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        with suppress(OSError):
            os.close(fd)


def test_three_hundred_megabytes_are_there_once(pipe: tuple[int, int]) -> None:
    """They go through a pipe into the memory of the value that they become; nothing else of their size is needed."""
    read, write = pipe
    size = 300 * MEGABYTE
    value = bytearray(size)
    value[::MEGABYTE] = b"x" * 300
    pickles = codec.PickleCodec()
    data, buffers = pickles.seal(value)

    def send() -> None:
        frames.write(write, pack(frames.TASKS, b"meta", [data], buffers))

    tracemalloc.start()
    try:
        thread = threading.Thread(target=send)
        thread.start()
        frame = Reader(read, FROM_MASTER).read()
        thread.join()
        assert frame is not None
        found = pickles.unseal(frame[2], frame[3])
        assert tracemalloc.get_traced_memory()[1] < size + size // 4
    finally:
        tracemalloc.stop()
    assert found is frame[3][0]
    assert found == value
    found.append(1)


@pytest.mark.parametrize("sizes", [[3 * MEGABYTE], [1] * 3000, [LARGE] * 600, [0, LARGE, 0, 5, 5, MEGABYTE, 1, 0], []])
def test_many_parts_are_written_whole(pipe: tuple[int, int], sizes: list[int]) -> None:
    """However many and long they are, and however little the pipe takes at a time."""
    read, write = pipe
    parts = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    found = bytearray()

    def receive() -> None:
        while data := os.read(read, 100_000):
            found.extend(data)

    thread = threading.Thread(target=receive)
    thread.start()
    frames.write(write, parts)
    os.close(write)
    thread.join()
    assert bytes(found) == b"".join(parts)


@pytest.mark.parametrize("parts", [[b"x" * MEGABYTE], [b"x", b"y" * MEGABYTE, b"z" * MEGABYTE]])
def test_a_write_that_does_not_take_all_is_gone_on_with(parts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it was given, down to a byte."""
    taken = bytearray()

    def some(fd: int, vector: list[Any]) -> int:
        data = b"".join(vector)[: 1 + len(taken)]
        taken.extend(data)
        return len(data)

    monkeypatch.setattr(os, "write", lambda fd, data: some(fd, [data]))
    monkeypatch.setattr(os, "writev", some)
    frames.write(1, parts)
    monkeypatch.undo()
    assert bytes(taken) == b"".join(parts)


def test_an_end_inside_a_large_frame_is_an_error(pipe: tuple[int, int]) -> None:
    """What is cut off is told from what has ended."""
    read, write = pipe
    parts = pack(frames.TASKS, b"meta", [], [b"x" * LARGE])

    def send() -> None:
        frames.write(write, [*parts[:-1], parts[-1][:-1]])
        os.close(write)

    thread = threading.Thread(target=send)
    thread.start()
    with pytest.raises(frames.FrameError, match="inside a frame"):
        Reader(read, FROM_MASTER).read()
    thread.join()


def test_an_array_can_be_written_to_where_it_lies(worker: PipeMaster) -> None:
    """There and back, beside the pickle both ways; small ones within it."""
    np = pytest.importorskip("numpy")
    for size, has_buffer in ((10, False), (MEGABYTE, True)):
        answer = worker.run("counted", np.arange(size))
        assert len(answer.buffers) == has_buffer
        found = worker.opened(answer)
        found += 1
        assert np.array_equal(found, np.arange(2, size + 2))
    assert worker.leave() == (0, b"")


def test_several_large_tasks_in_one_frame_are_told_apart(start: Start) -> None:
    """Each gets its own of the payload and of the buffers."""
    worker = start(*stub("tests.stub.tasks:given")).begin()
    values = [b"a" * LARGE, b"small", bytearray(b"b" * 2 * LARGE), [b"c" * LARGE], b"d" * LARGE]
    worker.send(*values)
    assert [worker.opened(worker.answer()) for _ in values] == values
    assert worker.leave() == (0, b"")
