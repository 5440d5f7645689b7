"""What became of each task: results, failures, every attempt; kept until the report is dropped."""

from __future__ import annotations

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


class Results:
    """What is known of each task, by its number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.states: list[TaskState] = []
        self.names: dict[int, str] = {}
        self.attempts: list[tuple[Attempt, ...]] = []
        self.failures: dict[int, BaseException] = {}
        #: The number of the task that failed for good first, in time.
        self.first_failure: int | None = None

    def expect(self, count: int) -> None:
        """So many further tasks have come."""
        self.values.extend([notComputed] * count)
        self.states.extend([TaskState.READY] * count)
        self.attempts.extend([()] * count)

    def note(self, task: int, attempt: Attempt) -> None:
        """An attempt has ended."""
        self.attempts[task] = (*self.attempts[task], attempt)

    def give_up(self, count: int) -> None:
        """The run is over before its time: of its tasks, ``count`` or more, those that have not ended were not run."""
        self.expect(max(0, count - len(self.states)))
        self.states[:] = [state if state in FINAL else TaskState.NOT_RUN for state in self.states]

    def settle(self, task: int, state: TaskState, value: Any, failure: BaseException | None) -> None:
        """A task has ended for good."""
        self.states[task] = state
        if failure is None:
            self.values[task] = value
            return
        self.values[task] = self.failures[task] = failure
        if self.first_failure is None:
            self.first_failure = task
