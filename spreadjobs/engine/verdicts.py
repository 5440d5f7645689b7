"""From what the machine says of an attempt to what its submitter gets: a value, or a failure that tells the story."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from spreadjobs.core.actions import Ending
from spreadjobs.core.task import TaskState
from spreadjobs.engine import outcomes
from spreadjobs.engine.results import Attempt, Results, notComputed
from spreadjobs.engine.source import Source
from spreadjobs.engine.worker import Worker
from spreadjobs.errors import Place, TaskError, TaskRefused
from spreadjobs.protocol.messages import Answer


class Letter(NamedTuple):
    """An answer, opened, that waits for the machine's word: a value, or the failure."""

    value: Any
    failure: Exception | None
    attempt: Attempt


class Verdicts:
    """Opens answers, and settles tasks.

    find: the live worker of a number. One that has ended is introduced with ``about`` before the machine is told.
    """

    def __init__(self, source: Source, results: Results, find: Callable[[int], Worker | None]) -> None:
        self._source = source
        self._results = results
        self._find = find
        self._letters: dict[int, Letter] = {}
        self._ended: Worker | None = None
        self._reason = ""

    def about(self, worker: Worker, reason: str) -> None:
        """The next endings may be those of this worker's attempts; ``reason`` is a clause about how it ended."""
        self._ended, self._reason = worker, reason

    def open(self, worker: Worker, answer: Answer) -> bool:
        """Open an answer; whether it is a good one."""
        place = self._place(answer.task, answer.attempt, worker)
        value, failure = outcomes.open_answer(answer, self._source.sealer, place)
        state = TaskState.DONE if failure is None else TaskState.FAILED
        reason = None if failure is None else _in_words(failure, answer)
        attempt = self._attempt(worker, answer.attempt, state, answer.seconds, reason, answer)
        self._letters[answer.task] = Letter(value, failure, attempt)
        return failure is None

    def resolve(self, endings: Sequence[Ending]) -> None:
        """These tasks have ended for good."""
        for ending in endings:
            letter = self._judge(ending)
            if letter is None:
                self._results.settle(ending.task, ending.state, notComputed, self._unsent(ending))
            else:
                self._results.note(ending.task, letter.attempt)
                self._results.settle(ending.task, ending.state, letter.value, letter.failure)
            self._source.sealed.pop(ending.task, None)

    def retry(self, endings: Sequence[Ending]) -> None:
        """These attempts have ended, and their tasks will have another."""
        for ending in endings:
            letter = self._judge(ending)
            if letter is not None and ending.state is not TaskState.READY:
                self._results.note(ending.task, letter.attempt)

    def _judge(self, ending: Ending) -> Letter | None:
        letter = self._letters.pop(ending.task, None)
        if ending.state in (TaskState.DONE, TaskState.FAILED):
            return letter
        worker, reason = self._who(ending.worker)
        if worker is None:
            return None
        place = self._place(ending.task, ending.attempt, worker)
        running = worker.running()
        seconds = time.monotonic() - (worker.sent if running is None else running.began)
        worker.drain_prints()
        failure: TaskError | None = None
        if ending.state is TaskState.TIMEOUT:
            failure = outcomes.expired(place, seconds)
        elif ending.state is TaskState.LOST:
            failure = outcomes.lost(place, running, reason, worker.err.last_lines(12))
        reason = reason if failure is None else failure.reason
        return Letter(notComputed, failure, self._attempt(worker, ending.attempt, ending.state, seconds, reason, None))

    def _who(self, number: int | None) -> tuple[Worker | None, str]:
        if number is None:
            return None, ""
        if self._ended is not None and self._ended.number == number:
            return self._ended, self._reason
        return self._find(number), "the run was stopped"

    def _unsent(self, ending: Ending) -> TaskError | None:
        if ending.state is not TaskState.FAILED:
            return None
        refused = self._source.refused.pop(ending.task, None)
        if refused is not None:
            return refused
        reason = "it can never run: no host of this run has what it needs, or is one that it may run on"
        return TaskRefused(reason, Place(ending.task, self._results.names.get(ending.task)))

    def _place(self, task: int, attempt: int, worker: Worker) -> Place:
        return Place(task, self._results.names.get(task), attempt, worker.spot.slot, worker.spot.host)

    def _attempt(
        self, worker: Worker, number: int, state: TaskState, seconds: float, reason: str | None, answer: Answer | None
    ) -> Attempt:
        out, out_dropped = worker.out.take()
        err, err_dropped = worker.err.take()
        dropped = out_dropped + err_dropped
        if answer is not None:
            out, err = answer.out + out, answer.err + err
            dropped += answer.dropped
        return Attempt(
            number=number,
            worker=worker.spot.slot,
            host=worker.spot.host,
            started=time.time() - seconds,
            seconds=seconds,
            state=state,
            reason=reason,
            stdout=out.decode("utf-8", "backslashreplace"),
            stderr=err.decode("utf-8", "backslashreplace"),
            dropped=dropped,
        )


def _in_words(failure: Exception, answer: Answer) -> str:
    if isinstance(failure, TaskError):
        return failure.reason
    assert answer.error is not None
    return f"it raised {answer.error.summary()}"  # as the worker told it: here its text might raise again
