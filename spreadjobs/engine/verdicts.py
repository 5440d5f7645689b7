"""From what the machine says of an attempt to what its submitter gets: a value, or a failure that tells the story."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from spreadjobs.core.actions import Ending
from spreadjobs.core.events import Outcome
from spreadjobs.core.task import TaskState
from spreadjobs.engine import outcomes
from spreadjobs.engine.results import Attempt, Plain, Results, notComputed
from spreadjobs.engine.roll import Roll
from spreadjobs.engine.source import Source
from spreadjobs.engine.worker import Worker
from spreadjobs.errors import Place, TaskError, TaskRefused
from spreadjobs.protocol.messages import Answer

# Makes a named tuple in a third of the time that its own constructor takes.
_new = tuple.__new__


class Letter(NamedTuple):
    """An answer, opened, that waits for the machine's word: a value, or the failure."""

    value: Any
    failure: Exception | None
    attempt: Attempt


class Verdicts:
    """Opens answers, and settles tasks.

    find: the live worker of a number. One that has ended is introduced with ``about`` before the machine is told.
    """

    def __init__(self, source: Source, results: Results, roll: Roll, find: Callable[[int], Worker | None]) -> None:
        self._source = source
        self._results = results
        self._roll = roll
        self._find = find
        self._letters: dict[int, Letter] = {}
        # The same for answers at their plainest: the value and the attempt.
        self._plain: dict[int, tuple[Any, Plain]] = {}
        self._ended: Worker | None = None
        self._reason = ""

    def about(self, worker: Worker, reason: str) -> None:
        """The next endings may be those of this worker's attempts; ``reason`` is a clause about how it ended."""
        self._ended, self._reason = worker, reason

    def open(self, worker: Worker, answers: Sequence[Answer]) -> list[Outcome]:
        """Open answers, and say which are good; those of no attempt that the worker has in hand stay closed."""
        hand, slot, plain = worker.hand, worker.spot.slot, self._plain
        read, unseal = self._source.sealer.read, self._source.sealer.unseal
        now, seconds, is_quiet = time.time(), 0.0, not worker.drain_prints()
        outcomes: list[Outcome] = []
        for answer in answers:
            task, attempt, payload, buffers, lasted, error, out, err, dropped = answer
            is_good = False
            if hand.get(task) == attempt:
                del hand[task]
                seconds += lasted
                if error is None and attempt == 1 and is_quiet and not (out or err or dropped):
                    try:
                        value = unseal(payload, buffers) if buffers else read(payload)
                        plain[task] = value, (slot, now - lasted, lasted)
                        is_good = True
                    except KeyboardInterrupt:
                        raise
                    except BaseException:  # it is told in the other way what was wrong
                        is_good = self._open(worker, answer)
                else:
                    is_good = self._open(worker, answer)
            outcomes.append(_new(Outcome, (task, attempt, is_good)))
        self._roll.answered(slot, len(answers), seconds)
        return outcomes

    def _open(self, worker: Worker, answer: Answer) -> bool:
        place = self._place(answer.task, worker)
        value, failure = outcomes.open_answer(answer, self._source.sealer, place)
        state = TaskState.DONE if failure is None else TaskState.FAILED
        reason = None if failure is None else _in_words(failure, answer)
        attempt = self._attempt(worker, place.attempt, state, answer.seconds, reason, answer)
        self._letters[answer.task] = Letter(value, failure, attempt)
        return failure is None

    def resolve(self, endings: Sequence[Ending]) -> None:
        """These tasks have ended for good."""
        results, sealed = self._results, self._source.sealed
        for ending in endings:
            task = ending[0]
            sealed.pop(task, None)
            plain = self._plain.pop(task, None)
            if plain is not None and ending.state is TaskState.DONE:
                results.succeed(task, *plain)
                continue
            letter = self._judge(ending)
            if letter is None:
                results.settle(task, ending.state, notComputed, self._unsent(ending))
            else:
                results.note(task, letter.attempt)
                results.settle(task, ending.state, letter.value, letter.failure)

    def retry(self, endings: Sequence[Ending]) -> None:
        """These attempts have ended, and their tasks will have another."""
        for ending in endings:
            letter = self._judge(ending) if ending.state is not TaskState.READY else None
            if letter is not None:
                self._results.note(ending.task, letter.attempt)

    def _judge(self, ending: Ending) -> Letter | None:
        letter = self._letters.pop(ending.task, None)
        if ending.state in (TaskState.DONE, TaskState.FAILED):
            return letter
        worker, reason = self._who(ending.worker)
        if worker is None:
            return None
        running = worker.running()
        if ending.state is TaskState.NOT_RUN and (running is None or running.task != ending.task):
            return None  # it was sent, and had not begun
        place = self._place(ending.task, worker)
        seconds = time.monotonic() - (worker.sent if running is None else running.began)
        worker.drain_prints()
        failure: TaskError | None = None
        if ending.state is TaskState.TIMEOUT:
            failure = outcomes.expired(place, seconds)
        elif ending.state is TaskState.LOST:
            failure = outcomes.lost(place, running, reason, worker.err.last_lines(12))
        reason = reason if failure is None else failure.reason
        return Letter(notComputed, failure, self._attempt(worker, place.attempt, ending.state, seconds, reason, None))

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

    def _place(self, task: int, worker: Worker) -> Place:
        # Attempts are counted anew: one that was recalled before it began was none, for whoever reads of it.
        attempt = len(self._results.attempts(task)) + 1
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
