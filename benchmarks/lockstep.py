"""What does a round trip cost: one worker, and one task in hand at a time?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing import Pool
from time import perf_counter
from typing import Any, Final

from benchmarks.kit import ours
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, optional, times_at_least
from benchmarks.kit.work import noop

Ask = Callable[[int], Any]

WARM: Final = 50


@contextmanager
def pool() -> Iterator[Ask]:
    """``Pool.apply``."""
    with Pool(1) as crew:
        yield lambda item: crew.apply(noop, (item,))


@contextmanager
def executor(kind: Callable[[int], Executor]) -> Iterator[Ask]:
    """``submit(...).result()``."""
    with kind(1) as crew:
        yield lambda item: crew.submit(noop, item).result()


def trips(crew: Callable[[], AbstractContextManager[Ask]], tasks: int) -> dict[str, float]:
    """Ask for one task after the other, and wait for each."""
    with crew() as ask:
        for item in range(WARM):
            ask(item)
        start = perf_counter()
        for item in range(tasks):
            ask(item)
        return {"seconds": (perf_counter() - start) / tasks}


def parts(setting: Setting) -> Sequence[Part]:
    """``main`` with a window of one, where it has windows; a pool and two executors."""
    tasks = setting.count(20_000, 500)

    def main() -> dict[str, float]:
        settings = ours.where_accepted(window=1)
        return {"seconds": ours.keeping(noop, range(tasks), tasks, workers=1, **settings) / tasks}

    def loky() -> dict[str, float]:
        return trips(partial(executor, optional("loky").ProcessPoolExecutor), tasks)

    everybody = [Contender("main", main)]
    if setting.peers:
        everybody += [
            Contender("Pool.apply", partial(trips, pool, tasks), is_ours=False),
            Contender(
                "ProcessPoolExecutor.submit", partial(trips, partial(executor, ProcessPoolExecutor), tasks), False
            ),
            Contender("loky", loky, is_ours=False, module="loky"),
        ]
    table = Table(f"{tasks:,} tasks, 1 worker", Unit("µs per task", 1e6), asks={"Pool.apply": times_at_least(1)})
    return [Part(everybody, [table])]


QUESTION: Final = Question("what does a round trip cost, with one task in hand at a time?", parts)
