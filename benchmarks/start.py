"""How long is it from the call to the first result, and from the last result to the end?"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.question import Contender, Figures, Part, Question, Setting, Table, Unit, optional
from benchmarks.kit.work import noop

MILLISECONDS: Final = Unit("ms", 1e3)

#: Enough that each worker is wanted, and so few that they take no time.
TASKS: Final = 4


def main() -> Figures:
    """Where the results are kept, the report tells when the first came and when the last."""
    start = time.time()
    answer = ours.call(range(TASKS), noop, workers=ours.WORKERS)
    end = time.time()
    ended = [task.attempts[0].started + task.attempts[0].seconds for task in answer.report.tasks]
    return {"start": min(ended) - start, "end": end - max(ended)}


def main_on_result() -> Figures:
    """Where they are taken as they come, the calls tell it."""
    ours.need("on_result")
    calls = ours.Calls()
    start = time.monotonic()
    ours.call(range(TASKS), noop, workers=ours.WORKERS, on_result=calls)
    return {"start": calls.first - start, "end": time.monotonic() - calls.last}


def executor(make: Callable[[], Executor]) -> Figures:
    """An executor: made, used, shut down."""
    start = time.monotonic()
    with make() as crew:
        futures = [crew.submit(noop, number) for number in range(TASKS)]
        futures[0].result()
        first = time.monotonic()
        for future in futures:
            future.result()
        last = time.monotonic()
    return {"start": first - start, "end": time.monotonic() - last}


def forked(way: str) -> Figures:
    """The executor of Python's own, whose workers come to be in this way."""
    return executor(partial(ProcessPoolExecutor, ours.WORKERS, multiprocessing.get_context(way)))


def loky() -> Figures:
    """Loky's."""
    return executor(partial(optional("loky").ProcessPoolExecutor, ours.WORKERS))


def parts(setting: Setting) -> Sequence[Part]:
    """Nothing is asked: forking is quicker than anything that starts a Python, and less safe."""
    everybody = [Contender("main", main), Contender("main, on_result", main_on_result)]
    if setting.peers:
        everybody += [
            Contender("ProcessPoolExecutor, fork", partial(forked, "fork"), is_ours=False),
            Contender("ProcessPoolExecutor, spawn", partial(forked, "spawn"), is_ours=False),
            Contender("loky", loky, is_ours=False, module="loky"),
        ]
    tables = [
        Table("from the call to the first result, 2 workers", MILLISECONDS, "start"),
        Table("from the last result to the end", MILLISECONDS, "end"),
    ]
    return [Part(everybody, tables)]


QUESTION: Final = Question("how long is it from the call to the first result?", parts)
