"""The roll of the crew: what each worker did, start by start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spreadjobs.engine.worker import Worker
from spreadjobs.transports.base import Spot


@dataclass(slots=True)
class WorkerRecord:
    """What became of one entry of ``list_of_args``, over all the processes that were started for it.

    index: its place there. command: what was started. starts: how many processes were. tasks: how many attempts it
    answered, and seconds: how long those ran. exit_statuses: of each process, in order; negative for a signal, None
    for one that was given up. reasons: what went wrong with it, in order. given_up: no further one was started after
    the last. stdout, stderr: what it printed outside tasks (stdout has, for processes before the last, their tails
    too). tail: what the last process printed after its input was closed, as lines.
    """

    index: int
    command: tuple[str, ...]
    host: str
    starts: int = 0
    tasks: int = 0
    seconds: float = 0.0
    exit_statuses: list[int | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    given_up: bool = False
    stdout: str = ""
    stderr: str = ""
    tail: list[str] = field(default_factory=list)


class Roll:
    """One record for each slot."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        self.records = [WorkerRecord(spot.slot, spot.argv, spot.host) for spot in spots]

    def started(self, slot: int) -> None:
        """A further process; what the one before printed last is kept, but not as the tail."""
        record = self.records[slot]
        record.starts += 1
        record.stdout += "".join(record.tail)
        record.tail = []

    def answered(self, slot: int, count: int, seconds: float) -> None:
        """It has answered for so many tasks, which ran so long in all."""
        record = self.records[slot]
        record.tasks += count
        record.seconds += seconds

    def ended(self, worker: Worker, status: int | None, reason: str) -> None:
        """A process has ended; ``reason`` is a clause that says how."""
        record = self.records[worker.spot.slot]
        record.exit_statuses.append(status)
        record.stdout += worker.own_out.take()[0].decode("utf-8", "backslashreplace")
        record.stderr += worker.own_err.take()[0].decode("utf-8", "backslashreplace")
        record.tail = worker.dialect.tail()
        if status != 0 or worker.cause is not None or not worker.closing:
            record.reasons.append(reason)

    def troubled(self, slot: int, reason: str) -> None:
        """Something went wrong with it."""
        self.records[slot].reasons.append(reason)

    def why_lost(self) -> str:
        """For each worker, in a clause, why it is no more; the same reasons said once."""
        reasons: dict[str, list[str]] = {}
        for record in self.records:
            last = record.reasons[-1] if record.reasons else "it was never started"
            reasons.setdefault(last, []).append(str(record.index))
        return "; ".join([f"worker{'s' * (len(who) > 1)} {_few(who)}: {reason}" for reason, who in reasons.items()])


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else ", ".join(names[:5]) + f" and {len(names) - 5} more"
