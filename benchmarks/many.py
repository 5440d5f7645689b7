"""Does a task cost more when there are a million of them?

The slope of the cost, (T(2n) - T(n)) / n, so that what a run costs once is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, times_at_most
from benchmarks.kit.work import noop

COUNTS: Final = (10_000, 100_000, 300_000, 1_000_000)
#: With --quick, this fraction of each.
QUICK: Final = 50


def slope(tasks: int, pairs: int) -> dict[str, float]:
    """The median of so many slopes."""

    def once() -> float:
        short = ours.span(noop, range(tasks), tasks)
        return (ours.span(noop, range(2 * tasks), 2 * tasks) - short) / tasks

    return {"seconds": median(once() for _ in range(pairs))}


def parts(setting: Setting) -> Sequence[Part]:
    """Ten thousand tasks, ten times in a turn; more of them, once."""
    counts = [setting.count(count, count // QUICK) for count in COUNTS]
    pairs = setting.pick(10, 1)
    everybody = [
        Contender(f"n = {count:,}", partial(slope, count, pairs if count == counts[0] else 1)) for count in counts
    ]
    asks = {it.who: times_at_most(1.2) for it in everybody[1:]}
    return [Part(everybody, [Table("(T(2n) – T(n)) / n, 2 workers", Unit("µs per task", 1e6), asks=asks)], 3600.0)]


QUESTION: Final = Question("does a task cost more when there are a million of them?", parts)
