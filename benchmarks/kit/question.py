"""What a question is: who is measured, which figures come of it, and what is asked of them.

Question ── Part: those who are measured in turns ── Contender: one row, and how it is measured
                 └── Table: one of the figures, its unit, and what is asked
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

#: What one turn gives: its figures, by their names.
Figures = Mapping[str, float]


class Cannot(Exception):
    """A figure cannot be taken here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured.

    quick: sizes that only show that it runs. peers: whether the peers are measured too. fraction: counts are divided
    by it.
    """

    quick: bool = False
    peers: bool = True
    fraction: int = 1

    def pick(self, full: T, quick: T) -> T:
        """One of them."""
        return quick if self.quick else full

    def count(self, full: int, quick: int) -> int:
        """How many, at least 2."""
        return max(2, self.pick(full, quick) // self.fraction)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a figure is shown in.

    factor: the figure times this is shown. more_is_better: as it is with speeds.
    """

    name: str
    factor: float = 1.0
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Contender:
    """A row: who is measured, and how.

    measure: takes one turn, in a process of its own; raises Cannot. module: what must be importable, None: nothing.
    """

    who: str
    measure: Callable[[], Figures]
    is_ours: bool = True
    module: str | None = None


class Row(NamedTuple):
    """A contender's figure, the median of its turns.

    ratio: how many times worse than the first row. Both are None where there is no figure.
    """

    who: str
    is_ours: bool
    figure: float | None
    lowest: float | None
    highest: float | None
    ratio: float | None


class Ask(NamedTuple):
    """What is asked of a row: in words, and whether it is reached (None: it cannot be told)."""

    text: str
    holds: Callable[[Row, Sequence[Row]], bool | None]


@dataclass(frozen=True, slots=True)
class Table:
    """One of the figures of a part.

    asks: what is asked, by the name of the row. compares: whether the rows are measured against the first.
    """

    title: str
    unit: Unit
    figure: str = "seconds"
    asks: Mapping[str, Ask] = field(default_factory=dict)
    compares: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured in turns, round by round; the first contender is us. patience: seconds for one turn."""

    contenders: Sequence[Contender]
    tables: Sequence[Table]
    patience: float = 900.0


@dataclass(frozen=True, slots=True)
class Question:
    """A question. parts: makes them for a setting. rounds: how many, if the caller does not say."""

    title: str
    parts: Callable[[Setting], Sequence[Part]]
    rounds: int = 5


def at_most(limit: float, unit: Unit) -> Ask:
    """The figure itself has a limit."""
    return Ask(
        f"at most {limit * unit.factor:g} {unit.name}",
        lambda row, _: None if row.figure is None else row.figure <= limit,
    )


def times_at_least(times: float) -> Ask:
    """This peer takes so many times what we take."""
    return Ask(f"at least {times:g} ×", lambda row, _: None if row.ratio is None else row.ratio >= times)


def times_at_most(times: float) -> Ask:
    """This row takes no more than so many times what the first row takes."""
    return Ask(f"at most {times:g} ×", lambda row, _: None if row.ratio is None else row.ratio <= times)


def best_at_least(times: float, text: str) -> Ask:
    """The best of the peers takes so many times what this row of ours takes."""

    def holds(row: Row, rows: Sequence[Row]) -> bool | None:
        others = [other.ratio for other in rows if not other.is_ours and other.ratio is not None]
        return min(others) / row.ratio >= times if others and row.ratio is not None else None

    return Ask(text, holds)


def optional(name: str) -> Any:
    """A module that need not be there. Raises Cannot where it is not."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise Cannot(f"{name} is not installed here") from None
