"""What became of each task: results, failures, every attempt; kept until the report is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from spreadjobs.core.task import FINAL, TaskState


class NotComputed:
    """The type of ``notComputed``, which stands for the result of a task that never ran to its end.

    It is false, and one object even through pickle and copy.
    """

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "notComputed"

    def __reduce__(self) -> str:
        return "notComputed"


notComputed: Final = NotComputed()  # noqa: N816  (the name that the classic module gave it)


class Attempt(NamedTuple):
    """One run of a task on a worker.

    worker: the worker's place in ``list_of_args``. started: UTC epoch, seconds. seconds: how long it took.
    reason: what went wrong, None where nothing did. stdout, stderr: what it printed, cut at the cap; dropped: how many
    bytes of them were not kept.
    """

    number: int
    worker: int
    host: str
    started: float
    seconds: float
    state: TaskState
    reason: str | None
    stdout: str
    stderr: str
    dropped: int


#: A task's only attempt at its plainest, as most are: it ended well and printed nothing. Worker, start, seconds.
Plain = tuple[int, float, float]


class Results:
    """What became of the tasks. hosts: the host of each worker."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = hosts
        self.values: list[Any] = []
        self.states: list[TaskState] = []
        self.names: dict[int, str] = {}
        self._attempts: list[Plain | tuple[Attempt, ...]] = []
        self.failures: dict[int, BaseException] = {}
        #: The number of the task that failed for good first, in time.
        self.first_failure: int | None = None

    def expect(self, count: int, names: dict[int, str]) -> None:
        """So many further tasks have come; those that have names."""
        self.values.extend([notComputed] * count)
        self.states.extend([TaskState.READY] * count)
        self._attempts.extend([()] * count)
        self.names.update(names)

    def note(self, task: int, attempt: Attempt) -> None:
        """An attempt has ended."""
        self._attempts[task] = (*self.attempts(task), attempt)

    def attempts(self, task: int) -> tuple[Attempt, ...]:
        """The attempts at a task that have ended, in order."""
        known = self._attempts[task]
        if not known or isinstance(known[0], Attempt):
            return known
        worker, started, seconds = known
        return (Attempt(1, worker, self._hosts[worker], started, seconds, TaskState.DONE, None, "", "", 0),)

    def succeed(self, task: int, value: Any, attempt: Plain) -> None:
        """A task has ended well, at the first attempt and plainly."""
        self.states[task] = TaskState.DONE
        self.values[task] = value
        self._attempts[task] = attempt

    def settle(self, task: int, state: TaskState, value: Any, failure: BaseException | None) -> None:
        """A task has ended for good."""
        self.states[task] = state
        self.values[task] = value if failure is None else failure
        self._fail(task, failure)

    def _fail(self, task: int, failure: BaseException | None) -> None:
        if failure is not None:
            self.failures[task] = failure
            if self.first_failure is None:
                self.first_failure = task

    def flush(self) -> None:
        """The event at hand is dealt with."""

    def give_up(self, count: int) -> None:
        """The run is over before its time: of its tasks, ``count`` or more, those that have not ended were not run."""
        self.expect(max(0, count - len(self.states)), {})
        self.states[:] = [state if state in FINAL else TaskState.NOT_RUN for state in self.states]

    def counts(self) -> Counter[TaskState]:
        """How many tasks are in which state."""
        return Counter(self.states)


class Stream(Results):
    """Results that are handed on as they come, and not kept: what is, are counts, and what is known of failures.

    deliver: takes (task, value) of some tasks, a failure as its exception.
    """

    def __init__(self, hosts: Sequence[str], deliver: Callable[[list[tuple[int, Any]]], None]) -> None:
        super().__init__(hosts)
        self._deliver = deliver
        self._batch: list[tuple[int, Any]] = []
        self._counts: Counter[TaskState] = Counter()
        self._open: dict[int, tuple[Attempt, ...]] = {}

    def expect(self, count: int, names: dict[int, str]) -> None:
        """So many further tasks have come; those that have names."""
        self._counts[TaskState.READY] += count
        self.names.update(names)

    def note(self, task: int, attempt: Attempt) -> None:
        """An attempt has ended."""
        self._open[task] = (*self.attempts(task), attempt)

    def attempts(self, task: int) -> tuple[Attempt, ...]:
        """The attempts at a task that is open or has failed."""
        return self._open.get(task, ())

    def succeed(self, task: int, value: Any, attempt: Plain) -> None:
        """A task has ended well, at the first attempt and plainly."""
        self._batch.append((task, value))
        if self.names:
            self.names.pop(task, None)

    def settle(self, task: int, state: TaskState, value: Any, failure: BaseException | None) -> None:
        """A task has ended for good."""
        self._fail(task, failure)
        if state is TaskState.DONE:
            self._open.pop(task, None)
            self.succeed(task, value, (0, 0.0, 0.0))
            return
        self._counts[TaskState.READY] -= 1
        self._counts[state] += 1
        if failure is not None:
            self.flush()
            self._deliver([(task, failure)])

    def flush(self) -> None:
        """Hand on what has come."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._counts[TaskState.READY] -= len(batch)
            self._counts[TaskState.DONE] += len(batch)
            self._deliver(batch)

    def give_up(self, count: int) -> None:
        """The run is over before its time: what has not ended was not run."""
        ended = sum([number for state, number in self._counts.items() if state in FINAL])
        self._counts[TaskState.NOT_RUN] += max(count - ended, self._counts.pop(TaskState.READY, 0))

    def counts(self) -> Counter[TaskState]:
        """How many tasks are in which state."""
        return +self._counts
