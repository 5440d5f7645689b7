"""The rules of a run: every duration and count that the machine goes by, other than those of single tasks."""

from __future__ import annotations

from dataclasses import dataclass

from spreadjobs.records import DEFAULTS
from spreadjobs.scheduling.windows import MOST


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a whole run; durations in seconds.

    connect: from a worker's start to its acceptance. grace: how long a worker whose input is closed may be silent.
    stop_grace: the kill ladder's length when the run is stopped, or a worker was silent.
    lease: how long a worker may hold a task that it has not begun while nothing moves.
    backoff, backoff_max: the first pause before another attempt or worker, which doubles each time, and the longest.
    early_deaths: the how-manieth worker in a row that ended before it began any task costs its slot.
    stop_on_failure: whether the first task that fails for good ends the run.
    deadline: when the run is stopped, on the clock of the events; None: never.
    window: how many tasks a worker may have in hand at most.
    unlimited_tail: workers whose input is closed may be silent until the deadline (plain commands).
    """

    connect: float = DEFAULTS.connect
    grace: float = DEFAULTS.grace
    stop_grace: float = DEFAULTS.stop_grace
    lease: float = DEFAULTS.lease
    backoff: float = DEFAULTS.backoff
    backoff_max: float = DEFAULTS.backoff_max
    early_deaths: int = DEFAULTS.early_deaths
    stop_on_failure: bool = False
    deadline: float | None = None
    window: int = MOST
    unlimited_tail: bool = False
