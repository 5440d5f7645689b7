"""What tasks print: collected, capped, and never in the way of the protocol."""

from __future__ import annotations

from tests.stub.conftest import Start
from tests.stub.pipes import PipeMaster


def test_what_python_prints_comes_with_the_answer(worker: PipeMaster) -> None:
    """Each task has its own prints, of both streams; bytes that are no text are escaped."""
    worker.send(("printed", "one\n", "é"), ("double", 1), ("printed", "two", "\udcff"))
    first, second, third = (worker.answer() for _ in range(3))
    assert (first.out, first.err) == (b"one\n", "é".encode())
    assert (second.out, second.err) == (b"", b"")
    assert (third.out, third.err) == (b"two", b"\\udcff")
    assert worker.leave() == (0, b"")
    assert (worker.captured, worker.err) == (b"", b"")


def test_prints_are_capped(start: Start) -> None:
    """So much of each stream is kept, and the rest is counted."""
    worker = start().begin(output=10)
    answer = worker.run("printed", "x" * 15, "y" * 12)
    assert (answer.out, answer.err, answer.dropped) == (b"x" * 10, b"y" * 10, 7)
    again = worker.run("printed", "short", "")
    assert (again.out, again.err, again.dropped) == (b"short", b"", 0)


def test_prints_beyond_the_cap_cost_nothing(start: Start) -> None:
    """A task that prints for ever does not fill the memory, not even with the memory of having printed."""
    worker = start().begin(output=10)
    answer = worker.run("printed_often", 200_000)
    assert worker.opened(answer) < 1_000_000
    assert (answer.out, answer.dropped) == (b"x" * 10, 199_990)


def test_what_prints_when_it_goes_belongs_to_its_task(worker: PipeMaster) -> None:
    """An argument or a result that is let go of prints while its task is not yet answered."""
    worker.send(("talkative", 1), ("double", 1), ("talkative", 0))
    first, second, third = (worker.answer() for _ in range(3))
    assert (first.out, second.out, third.out) == (b"gone\n", b"", b"gone\n")
    assert first.error is None and third.error is not None


def test_five_megabytes_from_c_do_not_break_the_protocol(worker: PipeMaster) -> None:
    """What C writes on descriptor 1, holding the interpreter lock, goes to the pipe that the master drains."""
    assert worker.value("printed_low", b"c" * 50_000 + b"\n", 100) is None
    assert worker.value("double", 1) == 2
    assert worker.leave() == (0, b"")
    assert worker.captured == (b"c" * 50_000 + b"\n") * 100


def test_what_children_print_is_captured(worker: PipeMaster) -> None:
    """A child process and a forked copy print on descriptor 1."""
    assert worker.value("printed_below", "below") is None
    assert worker.leave() == (0, b"")
    assert worker.captured == b"below\nbelow forked\n"


def test_the_streams_are_text_streams(worker: PipeMaster) -> None:
    """What careful code asks of a stream is there."""
    answer = worker.run("stream")
    assert worker.opened(answer) == ["utf-8", False, 1, 2, "<stdout>", 4]
    assert answer.out == b"raw\n"


def test_the_streams_cannot_be_closed(worker: PipeMaster) -> None:
    """A task that closes them does not silence the next one."""
    assert worker.value("closed_streams") is None
    assert worker.run("printed", "still", "here").out == b"still"


def test_a_task_may_close_every_low_descriptor(worker: PipeMaster) -> None:
    """The protocol does not live there, and what does is opened again before the next batch."""
    assert worker.value("closed_low") is None
    assert worker.value("printed_low", b"after", 1) is None
    target, text, numbers = worker.value("descriptors")
    assert (target, text) == ("/dev/null", b"")
    assert {0, 1, 2} <= set(numbers)
    assert worker.leave() == (0, b"")
    assert worker.captured == b"after"


def test_low_descriptors_are_free(worker: PipeMaster) -> None:
    """Of the numbers below 200 the worker keeps the three that everybody expects, and what its memory map took."""
    _, _, numbers = worker.value("descriptors")
    assert len([number for number in numbers if 2 < number < 200]) <= 2  # the map's, and the listing's own
    assert worker.value("environment") == []


def test_without_gifts_descriptor_1_is_a_copy_of_2(start: Start) -> None:
    """A worker whose master hands out neither pipe nor page keeps the protocol apart all the same."""
    worker = start(gifts=False)
    hello = worker.greet()
    assert (hello.page, hello.capture) == (False, False)
    worker.close_input()
    worker.end()
    worker = start(gifts=False).begin()
    assert worker.value("printed_low", b"low\n", 1) is None
    assert worker.leave() == (0, b"")
    assert (worker.captured, worker.err) == (b"", b"low\n")
