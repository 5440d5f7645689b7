"""The page: what a worker runs, in memory that it shares with its master, so that its death cannot hide it.

    | task + 1 | attempt | began | step | phase | count | recalled from | to |    offsets 0, 8, 16, 24, 25, 32, 40, 48

All in native byte order. The number of the task is written last when it begins, and zeroed first when its answer has
been written. The last two are the master's: it takes back what it sent ahead and the worker has not begun. Both ends
number the tasks as they are sent, from 1 on. The worker reads them after it has written what it begins, so that a
recall needs no answer, and works while user code holds the interpreter's lock. Where both are at it in the same
instant, a task may run twice; no task is left undone.
"""

import mmap
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

SIZE = 4096

STEP_NONE, STEP_ARGUMENT, STEP_RUN, STEP_RESULT = 0, 1, 2, 3
PHASE_EXEC, PHASE_PREPARE, PHASE_RUN, PHASE_SHUTDOWN = 0, 1, 2, 3

_STEP, _PHASE = 24, 25


class Page:
    """A page in a file of SIZE bytes, mapped; the descriptor may be closed afterwards."""

    def __init__(self, fd: int) -> None:
        """Raises OSError or ValueError when ``fd`` is no such file."""
        self._map = mmap.mmap(fd, SIZE)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        self._doubles = self._bytes.cast("d")
        self._count = 0

    def begin(self, task: int, attempt: int) -> bool:
        """The worker comes to the next task that it was sent, and reads its argument; False where it was recalled."""
        words = self._words
        self._count = count = self._count + 1
        words[1] = attempt
        self._doubles[2] = time.monotonic()
        self._bytes[_STEP] = STEP_ARGUMENT
        words[4] = count
        words[0] = task + 1
        return not (count <= words[6] and words[5] <= count)  # in this order: the master writes them the other way

    def step(self, step: int) -> None:
        """The task is at one of the STEPs."""
        self._bytes[_STEP] = step

    def end(self) -> None:
        """The answer has been written."""
        self._words[0] = 0
        self._bytes[_STEP] = STEP_NONE

    def phase(self, phase: int) -> None:
        """The worker is in one of the PHASEs."""
        self._bytes[_PHASE] = phase

    def read(self) -> "tuple[Optional[int], int, float, int, int]":
        """For the master: the task that runs or None, its attempt, its start (monotonic clock), the step, the phase."""
        words = self._words
        tries = 8  # the worker may be writing; it never writes for longer than this takes
        while True:
            number = words[0]
            attempt, began, step = words[1], self._doubles[2], self._bytes[_STEP]
            tries -= 1
            if words[0] == number or not tries:
                return (number - 1 if number else None), attempt, began, step, self._bytes[_PHASE]

    def recall(self, sent: int) -> int:
        """For the master: take back what has not begun of ``sent`` tasks, all that this worker was ever sent.

        How many of them, the last ones, are taken back now.
        """
        words = self._words
        count, last = words[4], words[6]
        first = max(count, last) + 1
        if first > sent:
            return 0
        if count > last:  # what was recalled before lies behind the worker; else it goes on to what is recalled now
            words[5] = first
        words[6] = sent
        return sent + 1 - first

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._doubles.release()
        self._bytes.release()
        self._map.close()


class NoPage:
    """Stands in where the master handed out no page."""

    def begin(self, task: int, attempt: int) -> bool:
        """Without a page nothing can be recalled."""
        return True

    def step(self, step: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def phase(self, phase: int) -> None:
        """Nothing."""


def create() -> "tuple[Page, int]":
    """For the master: a new page, and its descriptor, which is close-on-exec and the caller's to close."""
    if hasattr(os, "memfd_create"):
        fd: int = os.memfd_create("spreadjobs-page")
    else:
        import tempfile

        fd, path = tempfile.mkstemp(prefix="spreadjobs-page-")
        os.unlink(path)
    try:
        os.truncate(fd, SIZE)
        return Page(fd), fd
    except BaseException:
        os.close(fd)
        raise
