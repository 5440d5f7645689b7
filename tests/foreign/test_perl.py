"""A worker in another language, written from docs/protocol.md alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spreadjobs.protocol import messages
from tests.foreign.perl import find_perl
from tests.stub.pipes import PipeMaster

WORKER: Final = Path(__file__).with_name("worker.pl")

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=30,
)


def started() -> PipeMaster:
    """A worker in Perl."""
    perl = find_perl()
    if perl is None:
        pytest.skip("no whole Perl was found")
    return PipeMaster([perl, str(WORKER)], codec="msgpack")


@pytest.fixture
def worker() -> Iterator[PipeMaster]:
    """A worker in Perl that is ready."""
    with ExitStack() as stack:
        yield stack.enter_context(closing(started())).begin(prelude=["ignored"])


def echo(worker: PipeMaster, value: object) -> Any:
    """What comes back."""
    worker.send(value)
    return worker.opened(worker.answer())


def test_it_echoes(worker: PipeMaster) -> None:
    """Arguments of every kind and size come back, and it leaves as it should."""
    values: list[Any] = [
        None,
        True,
        1,
        -(2**63),
        2**64 - 1,
        0.5,
        "é" * 300,
        b"\xff" * 70_000,
        [[], {}],
        {"a": {"b": [1]}},
    ]
    for value in values:
        assert echo(worker, value) == value
    assert worker.leave() == (0, b"")
    assert worker.err == b""


def test_it_echoes_anything(worker: PipeMaster) -> None:
    """Any value of the basic types comes back as it was."""

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
    @given(VALUES.filter(lambda value: value not in ("fail", "die")))
    def check(value: Any) -> None:
        assert echo(worker, value) == value

    check()


def test_it_answers_each_task_of_a_batch(worker: PipeMaster) -> None:
    """Failures are told with their kind, and do not keep the others from their answers."""
    worker.send_sealed(worker.sealer.seal("one"), worker.sealer.seal("fail"), b"\xc1", worker.sealer.seal("two"))
    answers = [worker.answer() for _ in range(4)]
    assert [answer.task for answer in answers] == [0, 1, 2, 3]
    assert [answer.error and answer.error.kind for answer in answers] == [None, "raised", "argument", None]
    assert answers[1].error is not None and answers[1].error.summary() == "Failure: it was asked to fail"
    assert worker.leave() == (0, b"")


def test_it_dies_when_it_is_told_to(worker: PipeMaster) -> None:
    """Its death is seen, and nothing comes after it."""
    worker.send("die")
    assert worker.hear() is None
    assert worker.end()[0] == -9


def test_it_cannot_run_python() -> None:
    """A function for all tasks is trouble."""
    with closing(started()) as worker:
        worker.set_up()
        worker.write(
            *messages.function(worker.meta, b"d" * 16, (b"\xc0", ())), *messages.prepare(worker.meta, b"d" * 16)
        )
        found = worker.hear()
        assert isinstance(found, messages.Trouble) and found.error.kind == "function"
        assert worker.end()[0] == 1


def test_it_says_nothing_to_what_is_no_master() -> None:
    """No marker, no answer."""
    with closing(started()) as worker:
        worker.write(b"hello hello hello hello\n")
        worker.close_input()
        assert worker.end()[1] == b""
        assert b"no master" in worker.err
