"""Do short tasks wait behind long ones?

Against list scheduling: each task, in the order given, goes to the worker that is free first, and nothing else costs
any time. A finished result waits from the end of its task, as its worker sees it, to the call of ``on_result``.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.kit import ours
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, at_most
from benchmarks.kit.work import Stint, work

OVERHEAD: Final = Unit("× list scheduling")
MILLISECONDS: Final = Unit("ms", 1e3)

SEED: Final = 20
#: Seconds of the shortest and the longest of the mixed tasks; their logarithms are spread evenly.
SHORTEST: Final = 10e-6
LONGEST: Final = 100e-3


def list_schedule(durations: Iterable[float], workers: int) -> float:
    """The makespan of list scheduling in the order given, without overhead."""
    free_at = [0.0] * workers
    for duration in durations:
        heapq.heapreplace(free_at, free_at[0] + duration)
    return max(free_at)


def mixed(count: int) -> list[float]:
    """So many durations."""
    dice = random.Random(SEED)
    return [SHORTEST * (LONGEST / SHORTEST) ** dice.random() for _ in range(count)]


class Arrivals:
    """When each result came."""

    def __init__(self) -> None:
        self.stints: list[Stint] = []
        self.waits: list[float] = []

    def __call__(self, index: int, value: Any) -> None:
        now = time.monotonic()
        if isinstance(value, BaseException):
            raise value
        self.waits.append(now - value.ended)
        self.stints.append(value)


def measure(durations: Sequence[float]) -> dict[str, float]:
    """One run: the makespan, from the start of the first task to the end of the last, and the longest wait."""
    arrivals = Arrivals()
    answer = ours.call(durations, work, workers=ours.WORKERS, **ours.where_accepted(on_result=arrivals))
    stints = arrivals.stints or answer.results
    if len(stints) != len(durations):
        raise RuntimeError(f"{len(stints)} results came of {len(durations)} tasks")
    makespan = max([stint.ended for stint in stints]) - min([stint.began for stint in stints])
    found = {"overhead": makespan / list_schedule(durations, ours.WORKERS)}
    return {**found, "wait": max(arrivals.waits)} if arrivals.waits else found


def parts(setting: Setting) -> Sequence[Part]:
    """A long task first, a long task last, and a mixture."""
    short, long = setting.count(999, 99), setting.pick(5.0, 0.3)
    count = setting.count(1000, 60)
    cases = {
        f"{long:g} s, then {short} × 1 ms": [long, *[1e-3] * short],
        f"{short} × 1 ms, then {long:g} s": [*[1e-3] * short, long],
        f"{count} from 10 µs to 100 ms": mixed(count),
    }
    everybody = [Contender(who, partial(measure, durations)) for who, durations in cases.items()]
    overhead, wait = at_most(1.05, OVERHEAD), at_most(10e-3, MILLISECONDS)
    tables = [
        Table("makespan, 2 workers", OVERHEAD, "overhead", dict.fromkeys(cases, overhead), compares=False),
        Table(
            "the longest wait of a finished result", MILLISECONDS, "wait", dict.fromkeys(cases, wait), compares=False
        ),
    ]
    return [Part(everybody, tables)]


QUESTION: Final = Question("do short tasks wait behind long ones?", parts)
