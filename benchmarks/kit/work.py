"""What the workers do; to be imported by name, on both sides."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

#: Below this, in seconds, a stint spins: a sleep so short would take far longer than it should.
SPINS_BELOW = 1e-3


class Stint(NamedTuple):
    """When a piece of work began and ended, on the machine's monotonic clock."""

    began: float
    ended: float


def noop(_: Any) -> None:
    """Do nothing."""


def echo(thing: Any) -> Any:
    """Give back what has come."""
    return thing


def nap(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def work(seconds: float) -> Stint:
    """Be busy for so long: asleep, or spinning if it is short."""
    began = time.monotonic()
    if seconds >= SPINS_BELOW:
        time.sleep(seconds)
    else:
        while time.monotonic() - began < seconds:
            pass
    return Stint(began, time.monotonic())
