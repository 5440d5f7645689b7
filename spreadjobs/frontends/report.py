"""The account of a run: what became of each task and each worker; it does not change any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.task import TaskState
from spreadjobs.engine.results import Attempt, Results, notComputed
from spreadjobs.engine.roll import WorkerRecord


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What became of one task.

    state: DONE, FAILED, TIMEOUT, LOST or NOT_RUN. result: ``notComputed`` unless it is DONE. error: the exception if it
    ended in another state, None for NOT_RUN. attempts: in order, those still in work when the run ended included.
    """

    index: int
    name: str | None
    state: TaskState
    result: Any
    error: BaseException | None
    attempts: tuple[Attempt, ...]


class TaskReports(Sequence[TaskReport]):
    """The reports of all tasks, in the order of ``todo``; made when looked at. Empty where results are not kept."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def __len__(self) -> int:
        return len(self._results.states)

    @overload
    def __getitem__(self, index: int) -> TaskReport: ...
    @overload
    def __getitem__(self, index: slice) -> list[TaskReport]: ...
    def __getitem__(self, index: int | slice) -> TaskReport | list[TaskReport]:
        if isinstance(index, slice):
            return [self.of(i) for i in range(*index.indices(len(self)))]
        return self.of(range(len(self))[index])

    def __iter__(self) -> Iterator[TaskReport]:
        return map(self.of, range(len(self)))

    def of(self, index: int) -> TaskReport:
        """The report of one task, by its index in ``todo``: of any that has failed, even where others are not kept."""
        results = self._results
        error, attempts = results.failures.get(index), results.attempts(index)
        state = results.states[index] if results.states else attempts[-1].state if attempts else TaskState.FAILED
        value = results.values[index] if error is None else notComputed
        return TaskReport(index, results.names.get(index), state, value, error, attempts)


class Report:
    """The account of a run.

    how: COMPLETE, FAILED (a task failed for good, and on_error was "raise"), STOPPED, DEADLINE or CREW_LOST.
    started: UTC epoch, seconds. seconds: how long the run took. tasks: one TaskReport each, in the order of ``todo``.
    workers: one WorkerRecord for each entry of ``list_of_args``, in that order.
    """

    def __init__(
        self, how: RunEnd, started: float, seconds: float, results: Results, workers: Sequence[WorkerRecord]
    ) -> None:
        self.how = how
        self.started = started
        self.seconds = seconds
        self.tasks = TaskReports(results)
        self.workers = tuple(workers)
        self._results = results

    def counts(self) -> dict[str, int]:
        """How many tasks ended in which state, by its name; states in which none did are left out."""
        return {state.name: count for state, count in sorted(self._results.counts().items())}

    def failures(self) -> list[TaskReport]:
        """The tasks that ended in another state than DONE and have an error, in order."""
        return [self.tasks.of(index) for index in sorted(self._results.failures)]

    def raise_for_errors(self) -> None:
        """Raise the error of the first task, in order, that has one; return if none has."""
        for index in sorted(self._results.failures):
            raise self._results.failures[index]

    def to_json(self) -> str:
        """All of it but the results, as JSON text; errors as their type and text."""
        import json  # late: few call this

        return json.dumps(
            {
                "how": self.how.name,
                "started": self.started,
                "seconds": self.seconds,
                "counts": self.counts(),
                "tasks": [_task_row(task) for task in self.tasks],
                "workers": [asdict(record) for record in self.workers],
            }
        )

    def __repr__(self) -> str:
        counts = ", ".join([f"{count} {name}" for name, count in self.counts().items()]) or "no tasks"
        return f"<Report {self.how.name}: {counts}; {len(self.workers)} workers, {self.seconds:.3f} s>"


def _task_row(task: TaskReport) -> dict[str, Any]:
    error = None if task.error is None else {"type": type(task.error).__name__, "text": _text(task.error)}
    attempts = [{**attempt._asdict(), "state": attempt.state.name} for attempt in task.attempts]
    return {"index": task.index, "name": task.name, "state": task.state.name, "error": error, "attempts": attempts}


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a user's class, whose text is a user's code
        return "it has no text that can be read"
