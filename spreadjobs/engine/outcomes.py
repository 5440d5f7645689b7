"""From an answer to a value or an exception: what a task returned or raised, rebuilt here."""

from __future__ import annotations

from typing import Any, Final

from spreadjobs.errors import (
    FarTraceback,
    Place,
    SerializationError,
    TaskError,
    TaskExited,
    TaskInterrupted,
    TaskLost,
    TaskRaised,
    TaskTimeout,
)
from spreadjobs.protocol.messages import Answer, FarError
from spreadjobs.protocol.payloads import Sealer, SealError
from spreadjobs.transports.base import Running
from worker_stub import page

#: What a task is doing, by the step that its worker has noted.
STEPS: Final = {
    page.STEP_NONE: "it was between tasks",
    page.STEP_ARGUMENT: "it read its payload",
    page.STEP_RUN: "it ran",
    page.STEP_RESULT: "it sent its result",
}


def open_answer(answer: Answer, sealer: Sealer, place: Place) -> tuple[Any, Exception | None]:
    """The value, or None and the failure, that an answer holds."""
    if answer.error is not None:
        return None, _failure(answer, answer.error, sealer, place)
    try:
        return sealer.unseal(answer.payload, answer.buffers), None
    except SealError as error:
        return None, SerializationError(f"its result cannot be read here: {error}", place)


def _failure(answer: Answer, error: FarError, sealer: Sealer, place: Place) -> Exception:
    failure = _raised(answer, error, sealer, place) if error.kind == "raised" else _ours(error, place)
    if error.traceback:
        BaseException.__setattr__(failure, "__cause__", FarTraceback(error.traceback))  # its class may guard its own
    return failure


def _raised(answer: Answer, error: FarError, sealer: Sealer, place: Place) -> Exception:
    if answer.payload:
        try:
            raised = sealer.unseal(answer.payload, answer.buffers)
        except SealError:
            raised = None
        if isinstance(raised, Exception):
            return raised
    return TaskRaised(f"it raised {error.summary()}", place)


def _ours(error: FarError, place: Place) -> TaskError:
    if error.kind == "exit":
        return TaskExited(f"it called sys.exit({error.code!r})", place, error.code)
    if error.kind == "interrupt":
        return TaskInterrupted("it was interrupted (KeyboardInterrupt)", place)
    what = {"argument": "its payload", "result": "its result", "function": "its function"}[error.kind]
    which = "sent back from" if error.kind == "result" else "read on"
    return SerializationError(f"{what} cannot be {which} the worker: {error.summary()}", place)


def lost(place: Place, running: Running | None, how: str, last_words: str) -> TaskLost:
    """The failure of a task whose worker died; ``how`` is a clause about the worker, which said ``last_words``."""
    when = STEPS[running.step if running is not None else page.STEP_RUN]
    words = f"; it printed last:\n{last_words}" if last_words else ""
    return TaskLost(f"its worker was lost while {when}: {how}{words}", place)


def expired(place: Place, seconds: float) -> TaskTimeout:
    """The failure of a task that ran longer than its limit."""
    return TaskTimeout(f"it ran longer than its timeout, and was killed after {seconds:.3g} s", place)
