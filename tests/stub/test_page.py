"""The page: what a worker notes, and what its master takes back; two maps of one file, as the two sides have it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_stub.page import (
    PHASE_EXEC,
    PHASE_RUN,
    SIZE,
    STEP_ARGUMENT,
    STEP_NONE,
    STEP_RUN,
    NoPage,
    Page,
    create,
)


class Sides:
    """A worker that was sent tasks numbered from 1, and its master."""

    def __init__(self) -> None:
        self.master, fd = create()
        self.worker = Page(fd)
        os.close(fd)
        self.sent = 0
        #: What the worker has run and skipped, and what the master has taken back.
        self.ran: list[int] = []
        self.skipped: list[int] = []
        self.back: list[int] = []

    def send(self, count: int) -> None:
        """The master sends tasks."""
        self.sent += count

    def work(self, most: int = 1) -> None:
        """The worker comes to its next tasks, as far as it was sent any."""
        first = len(self.ran) + len(self.skipped) + 1
        for task in range(first, min(first + most, self.sent + 1)):
            (self.ran if self.worker.begin(task, 1) else self.skipped).append(task)
            self.worker.end()

    def recall(self) -> None:
        """The master takes back what it can."""
        count = self.master.recall(self.sent)
        self.back += range(self.sent - count + 1, self.sent + 1)

    def close(self) -> None:
        """Let go of both maps."""
        self.master.close()
        self.worker.close()


class Interrupted:
    """Words; before the n-th access something else happens."""

    def __init__(self, words: Any, count: int, meanwhile: Callable[[], object]) -> None:
        self._words = words
        self._left = count
        self._meanwhile = meanwhile

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._meanwhile()

    def __getitem__(self, index: int) -> int:
        self._step()
        return int(self._words[index])

    def __setitem__(self, index: int, value: int) -> None:
        self._step()
        self._words[index] = value

    def release(self) -> None:
        """As the real ones have it."""
        self._words.release()


@pytest.fixture
def sides() -> Iterator[Sides]:
    """Both sides of a page."""
    both = Sides()
    yield both
    both.close()


def test_a_master_reads_what_its_worker_notes(sides: Sides) -> None:
    """What runs, at which attempt, since when, and at which step; nothing between two tasks."""
    assert sides.master.read() == (None, 0, 0.0, STEP_NONE, PHASE_EXEC)
    sides.worker.phase(PHASE_RUN)
    before = time.monotonic()
    assert sides.worker.begin(0, 3)
    task, attempt, began, step, phase = sides.master.read()
    assert (task, attempt, step, phase) == (0, 3, STEP_ARGUMENT, PHASE_RUN)
    assert before <= began <= time.monotonic()
    sides.worker.step(STEP_RUN)
    assert sides.master.read()[3] == STEP_RUN
    sides.worker.end()
    assert sides.master.read()[0] is None


def test_what_is_written_while_it_is_read_is_read_again(sides: Sides) -> None:
    """So that no number of one task is told with the attempt of another."""
    sides.worker.begin(7, 1)
    words: Any = Interrupted(sides.master._words, 2, lambda: sides.worker.begin(8, 2))
    sides.master._words = words
    assert sides.master.read()[:2] == (8, 2)


def test_reading_ends_though_the_worker_writes_for_ever(sides: Sides) -> None:
    """After eight tries it is told as it is."""
    numbers = iter(range(100))

    class Restless(Interrupted):
        def __getitem__(self, index: int) -> int:
            return next(numbers) if index == 0 else 1

    words: Any = Restless(sides.master._words, 0, lambda: None)
    sides.master._words = words
    assert sides.master.read()[:2] == (13, 1)
    assert next(numbers) == 16


def test_all_that_has_not_begun_is_recalled_and_skipped(sides: Sides) -> None:
    """What runs goes on; what is sent later is run."""
    sides.send(4)
    sides.worker.begin(1, 1)
    assert sides.master.recall(4) == 3
    sides.worker.end()
    assert [sides.worker.begin(task, 1) for task in (2, 3, 4, 5)] == [False, False, False, True]


def test_nothing_is_recalled_twice(sides: Sides) -> None:
    """Nor where nothing was ever sent, nor what has begun."""
    assert sides.master.recall(0) == 0
    assert sides.master.recall(3) == 3
    assert sides.master.recall(3) == 0
    assert [sides.worker.begin(task, 1) for task in (1, 2, 3, 4)] == [False, False, False, True]
    assert sides.master.recall(4) == 0
    assert sides.master.recall(6) == 2


def test_a_task_that_was_skipped_is_not_noted_for_long(sides: Sides) -> None:
    """Once the worker has gone on, nothing of it is left."""
    sides.send(1)
    sides.recall()
    sides.work()
    assert sides.skipped == [1]
    assert sides.master.read()[0] is None


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("begun", range(4))
def test_a_recall_that_comes_in_the_middle_of_a_beginning_leaves_no_task_undone(begun: int, count: int) -> None:
    """At whichever access: each task is run by the worker, or taken back; one may be both, none is neither."""
    sides = Sides()
    sides.send(5)
    sides.work(begun)
    words: Any = Interrupted(sides.worker._words, count, sides.recall)
    sides.worker._words = words
    sides.work(5 - begun)
    assert sorted({*sides.ran, *sides.back}) == [1, 2, 3, 4, 5]
    assert not set(sides.skipped) - set(sides.back)
    assert len(set(sides.ran) & set(sides.back)) <= 1
    sides.close()


@pytest.mark.parametrize("steps", range(1, 7))
@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("first", [False, True])
def test_beginnings_in_the_middle_of_a_recall_leave_no_task_undone(first: bool, count: int, steps: int) -> None:
    """However many, at whichever access, also of a second recall: what the master counts as its own may have been run
    by the worker, but what the worker skips the master has."""
    sides = Sides()
    sides.send(4)
    sides.work()
    if first:
        sides.recall()
        sides.send(4)
    words: Any = Interrupted(sides.master._words, count, partial(sides.work, steps))
    sides.master._words = words
    sides.recall()
    sides.work(sides.sent)
    assert sorted({*sides.ran, *sides.back}) == list(range(1, sides.sent + 1))
    assert not set(sides.skipped) - set(sides.back)
    assert len(sides.back) == len(set(sides.back))
    sides.close()


@given(st.lists(st.sampled_from(["send", "work", "work", "recall"]), max_size=40))
def test_where_the_two_sides_take_turns_each_task_has_one_owner(steps: Sequence[str]) -> None:
    """Whatever comes in whichever order: what the worker skips is what the master has taken back."""
    sides = Sides()
    for step in steps:
        if step == "send":
            sides.send(2)
        elif step == "work":
            sides.work()
        else:
            sides.recall()
    sides.work(sides.sent)
    assert sorted(sides.ran + sides.back) == list(range(1, sides.sent + 1))
    assert sides.skipped == sides.back
    sides.close()


def test_without_a_page_nothing_is_noted_and_nothing_recalled() -> None:
    """Whoever has none does as if."""
    page = NoPage()
    page.phase(PHASE_RUN)
    assert page.begin(1, 1)
    page.step(STEP_RUN)
    page.end()


def test_a_file_of_the_wrong_size_is_refused() -> None:
    """It is no page."""
    fd = os.memfd_create("short")
    os.truncate(fd, SIZE // 2)
    with pytest.raises((OSError, ValueError)):
        Page(fd)
    os.close(fd)
