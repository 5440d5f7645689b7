"""The blocking reader and writer, the page, and the codecs, without a process."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from worker_stub import codec, frames, page
from worker_stub.frames import FROM_MASTER, LARGE, FrameError, Reader, pack


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where to read, where to write."""
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            pass


def test_the_blocking_reader_reads_what_is_written(pipe: tuple[int, int]) -> None:
    """Frames of every size go through a pipe that is smaller than they are; then comes the end."""
    read, write = pipe
    sent = [(frames.TASKS, b"meta", b"x" * size, [b"y" * size, b""]) for size in (0, 1, 1000, LARGE, 50 * LARGE)]

    def send() -> None:
        for kind, metadata, payload, buffers in sent:
            frames.write(write, pack(kind, metadata, [payload[:5], payload[5:]], buffers))
        os.close(write)

    thread = threading.Thread(target=send)
    thread.start()
    reader = Reader(read, FROM_MASTER)
    found = []
    while (frame := reader.read()) is not None:
        kind, metadata, payload, buffers = frame
        found.append((kind, metadata, bytes(payload), [bytes(buffer) for buffer in buffers]))
    thread.join()
    assert found == sent


def test_an_end_inside_a_frame_is_an_error(pipe: tuple[int, int]) -> None:
    """What is cut off is told from what has ended."""
    read, write = pipe
    os.write(write, pack(frames.PREPARE, b"\x80")[0][:-1])
    os.close(write)
    with pytest.raises(FrameError, match="inside a frame"):
        Reader(read, FROM_MASTER).read()


@pytest.mark.parametrize("data", [b"", b"#spreadjobs master\n", b"#spreadjobs m", b"#x", b"#spreadjobs masterX"])
def test_the_marker_is_read_and_no_byte_more(pipe: tuple[int, int], data: bytes) -> None:
    """The reader takes the marker line, or what shows that it is none."""
    read, write = pipe
    os.write(write, data + (b"next" if data else b""))
    os.close(write)
    seen = Reader(read, FROM_MASTER).read_marker(frames.MASTER_MARKER)
    assert seen == data or (not frames.MASTER_MARKER.startswith(seen) and seen.startswith(data[:2]))


def test_a_page_tells_what_runs() -> None:
    """What the worker writes the master reads, from another mapping of the same file."""
    ours, fd = page.create()
    with closing(ours), closing(page.Page(fd)) as theirs:
        os.close(fd)
        assert ours.read() == (None, 0, 0.0, page.STEP_NONE, page.PHASE_EXEC)
        before = time.monotonic()
        theirs.phase(page.PHASE_RUN)
        theirs.begin(0, 3)
        task, attempt, began, step, phase = ours.read()
        assert (task, attempt, step, phase) == (0, 3, page.STEP_ARGUMENT, page.PHASE_RUN)
        assert before <= began <= time.monotonic()
        theirs.step(page.STEP_RESULT)
        assert ours.read()[3] == page.STEP_RESULT
        theirs.end()
        assert ours.read()[0] is None


def test_a_page_can_be_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory has no descriptors the page is a temporary file, which is not left."""
    monkeypatch.delattr(os, "memfd_create")
    ours, fd = page.create()
    os.close(fd)
    ours.begin(7, 1)
    assert ours.read()[:2] == (7, 1)
    ours.close()


def test_no_page_does_nothing() -> None:
    """What stands in for a page takes all that a page takes."""
    none = page.NoPage()
    none.phase(1)
    none.begin(1, 1)
    none.step(1)
    none.end()


def test_without_the_library_the_small_msgpack_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The codecs work on a Python that has nothing."""
    monkeypatch.setitem(sys.modules, "msgpack", None)
    assert codec.msgpack_functions()[2] is False
    sealer = codec.payload_codec("msgpack")
    assert sealer.unseal(*sealer.seal({"a": (1, b"x")})) == {"a": [1, b"x"]}


@pytest.mark.speed
def test_writing_the_page_costs_next_to_nothing() -> None:
    """Begin, step, end: 0.5 µs together on a quiet machine."""
    ours, fd = page.create()
    os.close(fd)
    with closing(ours):
        best = min(_seconds(ours) for _ in range(5))
    assert best / 20_000 < 4e-6


def _seconds(ours: page.Page) -> float:
    begin = time.perf_counter()
    for number in range(20_000):
        ours.begin(number, 1)
        ours.step(page.STEP_RUN)
        ours.end()
    return time.perf_counter() - begin
