"""Every exception of ours, as a tree.

    SpreadJobsError
    ├── UsageError (ValueError)           a bad argument; raised before any work begins
    ├── TaskError                         what became of one task: .index .name .attempt .worker .host .reason
    │   ├── TaskRaised                    it raised something that cannot be rebuilt here
    │   ├── TaskExited                    it called sys.exit: .code
    │   ├── TaskInterrupted               it raised KeyboardInterrupt
    │   ├── TaskTimeout (TimeoutError)    it ran longer than its limit
    │   ├── TaskLost                      its worker died while it ran
    │   ├── TaskRefused                   it can never run: no host has what it needs
    │   └── SerializationError            its payload or its result cannot be pickled or read
    ├── RunError                          what became of a run: .results .tails .report
    │   ├── CrewLost                      no worker was left while tasks were open
    │   └── DeadlinePassed (TimeoutError)
    ├── ProtocolError                     bytes that are not what docs/protocol.md says
    └── InternalError                     a defect of ours; please report it
    RunInterrupted (KeyboardInterrupt)    Ctrl-C in the middle of a run: .results .tails .report
    FarTraceback (Exception)              only ever a __cause__: the traceback of the worker's side, as text

An exception that a task raised itself is none of these: it is raised as it was, with a FarTraceback as its cause.
Whatever ``main`` raises once work has begun has ``results``, ``tails`` and ``report``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from spreadjobs.frontends.report import Report


class SpreadJobsError(Exception):
    """The root of the tree."""


class UsageError(SpreadJobsError, ValueError):
    """A bad argument; raised before any work begins."""


class ProtocolError(SpreadJobsError):
    """Bytes that are not what docs/protocol.md says."""


class InternalError(SpreadJobsError):
    """A defect of ours."""


class Place(NamedTuple):
    """Where something became of a task: its index in ``todo``, its name if it has one, which attempt (0: none was
    made), and on which worker (its place in ``list_of_args``) of which host."""

    task: int
    name: str | None = None
    attempt: int = 0
    worker: int | None = None
    host: str | None = None

    def __str__(self) -> str:
        what = f"task {self.task}" if self.name is None else f"task {self.task} ({self.name})"
        return what if self.worker is None else f"{what}, attempt {self.attempt} on worker {self.worker} of {self.host}"


class TaskError(SpreadJobsError):
    """What became of one task.

    index, name, attempt, worker, host: as in Place. reason: the sentence without the place.
    """

    def __init__(self, reason: str, place: Place) -> None:
        super().__init__(reason)
        self.args = (reason, place)
        self.reason = reason
        self.place = place
        self.index, self.name, self.attempt, self.worker, self.host = place

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class TaskRaised(TaskError):
    """It raised something that cannot be rebuilt here; the reason has its type and text."""


class TaskExited(TaskError):
    """It called ``sys.exit``, or raised SystemExit: ``code`` is what it gave (None, an int, or text)."""

    def __init__(self, reason: str, place: Place, code: int | str | None = None) -> None:
        super().__init__(reason, place)
        self.args = (reason, place, code)
        self.code = code


class TaskInterrupted(TaskError):
    """It raised KeyboardInterrupt, or its process was sent SIGINT."""


class TaskTimeout(TaskError, TimeoutError):
    """It ran longer than its limit, and was killed."""


class TaskLost(TaskError):
    """Its worker died while it ran, as often as its budget of losses allows."""


class TaskRefused(TaskError):
    """It can never run: no host of the run has what it needs, or is one that it may run on."""


class SerializationError(TaskError):
    """Its payload or its result cannot be pickled, or cannot be read where it arrived."""


class RunError(SpreadJobsError):
    """What became of a run.

    results, tails: as ``main`` returns them, with what is finished; report: the whole account.
    """

    results: list[Any]
    tails: list[list[str]]
    report: Report


class CrewLost(RunError):
    """No worker was left, or none could be started, while tasks were open."""


class DeadlinePassed(RunError, TimeoutError):
    """The deadline of the call passed while tasks were open."""


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a run; has results, tails and report as a RunError has."""

    results: list[Any]
    tails: list[list[str]]
    report: Report


class FarTraceback(Exception):
    """The traceback of the worker's side, as text; only ever the ``__cause__`` of what the task raised."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return "\n\n" + self.text.rstrip("\n")
