"""Does the master's memory grow with tasks without end, whose results are taken as they come?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.proc import memory
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, at_most
from benchmarks.kit.work import noop

MEGABYTES: Final = Unit("MB", 1e-6)
LIMIT: Final = 100e6


class Watched(ours.Calls):
    """Notes the memory when a tenth of the results have come."""

    def __init__(self, tenth: int) -> None:
        super().__init__()
        self.tenth = tenth
        self.early = 0

    def __call__(self, index: int, value: object) -> None:
        super().__call__(index, value)
        if self.count == self.tenth:
            self.early = memory("VmHWM")


def measure(tasks: int) -> dict[str, float]:
    """One run: the most memory that the master ever had, by how much that grew after the first tenth, the time."""
    ours.need("on_result")
    watched = Watched(max(1, tasks // 10))
    answer = ours.call((number for number in range(tasks)), noop, workers=ours.WORKERS, on_result=watched)
    most = memory("VmHWM")
    if watched.count != tasks or answer.results:
        raise RuntimeError(f"{watched.count} of {tasks} results came, and {len(answer.results)} were kept")
    return {"most": most, "growth": most - watched.early, "seconds": (watched.last - watched.first) / tasks}


def parts(setting: Setting) -> Sequence[Part]:
    """One run, three figures."""
    tasks = setting.count(10_000_000, 100_000)
    name = f"a generator of {tasks:,} tasks, 2 workers"
    tables = [
        Table(
            f"{name}: the most memory that the master ever has", MEGABYTES, "most", {"main": at_most(LIMIT, MEGABYTES)}
        ),
        Table(f"{name}: growth of that after the first tenth", MEGABYTES, "growth", compares=False),
        Table(f"{name}: time", Unit("µs per task", 1e6), compares=False),
    ]
    return [Part([Contender("main", partial(measure, tasks))], tables, 7200.0)]


QUESTION: Final = Question("does the master's memory grow with tasks without end?", parts, rounds=1)
