"""What a task needs and may not exceed, where it may go, what a host is; and every default, in one table.

Bytes are ints, durations are seconds as floats. ``None`` means "not set": the run's default holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from spreadjobs.errors import UsageError


@dataclass(frozen=True, slots=True)
class Defaults:
    """The value of each setting that nobody has set."""

    attempts: int = 1
    losses: int = 2
    timeout: float = math.inf
    timeout_grace: float = 0.0
    backoff: float = 0.1
    backoff_max: float = 30.0
    early_deaths: int = 3
    grace: float = 3.0
    stop_grace: float = 1.0
    connect: float = 15.0
    lease: float = 30.0
    banner: int = 64 * 1024
    output: int = 1024 * 1024
    frame: int = 4 * 1024**3


DEFAULTS: Final = Defaults()


def is_number(value: object) -> bool:
    """Whether it is one, for users whose arguments no type checker has seen."""
    return isinstance(value, int | float)


def is_count(value: object) -> bool:
    """Whether it is a whole number of at least 1."""
    return isinstance(value, int) and value >= 1


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task must be given while it runs.

    cpus: how many slots of its host it fills, at least 1.
    """

    cpus: int = 1

    def __post_init__(self) -> None:
        if not is_count(self.cpus):
            raise UsageError(f"Needs(cpus={self.cpus!r}): a task fills at least one slot")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may not exceed. ``None``: what the run says.

    timeout: seconds that an attempt may take from its start; ``math.inf`` for no limit.
    attempts: the how-manieth error is final (retries + 1).
    losses: the how-manieth lost worker is final.
    grace: seconds between the interrupt and the kill when the timeout has passed.
    """

    timeout: float | None = None
    attempts: int | None = None
    losses: int | None = None
    grace: float | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not (is_number(self.timeout) and self.timeout > 0):
            raise UsageError(f"timeout={self.timeout!r}: it must be more than 0 seconds; leave it out for no limit")
        for name in ("attempts", "losses"):
            count = getattr(self, name)
            if count is not None and not is_count(count):
                raise UsageError(f"{name}={count!r}: it must be a whole number of at least 1")
        if self.grace is not None and not (is_number(self.grace) and 0 <= self.grace < math.inf):
            raise UsageError(f"grace={self.grace!r}: it must be a number of seconds, 0 or more")

    def over(self, base: Limits) -> Limits:
        """These limits, with those of ``base`` where nothing is set."""
        return Limits(
            base.timeout if self.timeout is None else self.timeout,
            base.attempts if self.attempts is None else self.attempts,
            base.losses if self.losses is None else self.losses,
            base.grace if self.grace is None else self.grace,
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a task may run.

    hosts: the names of the hosts that it may run on; empty for any.
    """

    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        hosts: object = self.hosts
        if not isinstance(hosts, tuple | list) or not all([isinstance(name, str) for name in hosts]):
            raise UsageError(f"Placement(hosts={self.hosts!r}): it must be a list of names")
        object.__setattr__(self, "hosts", tuple(self.hosts))


@dataclass(frozen=True, slots=True)
class Hints:
    """What helps to decide.

    priority: among tasks that are ready, those of higher priority go first.
    """

    priority: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.priority, int):
            raise UsageError(f"Hints(priority={self.priority!r}): it must be a whole number")


NO_NEEDS: Final = Needs()
NO_LIMITS: Final = Limits()
ANYWHERE: Final = Placement()
NO_HINTS: Final = Hints()


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work: a payload, and what is asked for it.

    payload: handed to the worker's function as its only argument.
    name: what messages call it; its index where there is none.
    idempotent: ``False`` for a task that must not be run again once it has begun.
    """

    payload: Any
    needs: Needs = NO_NEEDS
    limits: Limits = NO_LIMITS
    placement: Placement = ANYWHERE
    hints: Hints = NO_HINTS
    name: str | None = None
    idempotent: bool = True

    def __post_init__(self) -> None:
        parts = {"needs": Needs, "limits": Limits, "placement": Placement, "hints": Hints}
        for part, kind in parts.items():
            if not isinstance(getattr(self, part), kind):
                raise UsageError(f"Task({part}={getattr(self, part)!r}): it must be {kind.__name__}(...)")
        if self.name is not None and not isinstance(self.name, str):
            raise UsageError(f"Task(name={self.name!r}): it must be text")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine on which workers run.

    name: unique in a run. slots: how many workers it has at a time.
    """

    name: str
    slots: int
