"""The peers: how each is started, and how it is given one item at a time.

A peer's crew is a context: inside it its workers are up, and ``spread(function, items)`` gives the results one after
the other. Starting it and ending it are outside the clock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from benchmarks.kit.ours import WORKERS
from benchmarks.kit.question import Contender, Setting, optional
from benchmarks.kit.work import nap

Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]

#: Before the clock starts: naps long enough that each worker gets one, and a few of the tasks.
NAPS: Final = [0.05] * (2 * WORKERS)
FIRST_ONES: Final = 4 * WORKERS


@contextmanager
def _pool(workers: int) -> Iterator[Spread]:
    with multiprocessing.Pool(workers) as pool:
        yield lambda function, items: pool.imap_unordered(function, items, chunksize=1)


@contextmanager
def _executor(workers: int) -> Iterator[Spread]:
    with ProcessPoolExecutor(workers) as executor:
        yield lambda function, items: executor.map(function, items, chunksize=1)


@contextmanager
def _loky(workers: int) -> Iterator[Spread]:
    with optional("loky").ProcessPoolExecutor(workers) as executor:
        yield lambda function, items: executor.map(function, items, chunksize=1)


@contextmanager
def _joblib(workers: int) -> Iterator[Spread]:
    joblib = optional("joblib")
    with joblib.Parallel(workers, batch_size=1) as parallel:
        yield lambda function, items: iter(parallel([joblib.delayed(function)(item) for item in items]))
    optional("joblib.externals.loky").get_reusable_executor().shutdown(wait=True)


@contextmanager
def _mpire(workers: int) -> Iterator[Spread]:
    with optional("mpire").WorkerPool(workers, keep_alive=True) as pool:
        yield lambda function, items: pool.imap_unordered(function, items, chunk_size=1)


@contextmanager
def _ray(workers: int) -> Iterator[Spread]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = optional("ray")
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}

    def spread(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        remote = ray.remote(function)
        return iter(ray.get([remote.remote(item) for item in items]))

    # The path of a socket in it may have 107 characters: so no longer folder than this.
    with TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ray.init(num_cpus=workers, _temp_dir=folder, **quiet)
        try:
            yield spread
        finally:
            ray.shutdown()


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to spread tasks.

    crew: starts so many workers. module: what it is in. share: of a great many tiny tasks it is given this much.
    """

    name: str
    module: str
    crew: Callable[[int], AbstractContextManager[Spread]]
    share: float = 1.0


POOL: Final = Peer("Pool.imap_unordered", "multiprocessing", _pool)
EXECUTOR: Final = Peer("ProcessPoolExecutor.map", "concurrent.futures", _executor, 0.2)
PEERS: Final = (
    POOL,
    EXECUTOR,
    Peer("loky", "loky", _loky, 0.2),
    Peer("joblib", "joblib", _joblib, 0.1),
    Peer("mpire", "mpire", _mpire, 0.2),
    Peer("Ray", "ray", _ray, 0.05),
)


def seconds_of(peer: Peer, function: Callable[[Any], Any], items: Sequence[Any], keep: bool) -> float:
    """Seconds from the first item's submission to the last result; keep: they are put into a list."""
    with peer.crew(WORKERS) as spread:
        deque(spread(nap, NAPS), maxlen=0)
        deque(spread(function, items[:FIRST_ONES]), maxlen=0)
        gc.collect()
        start = perf_counter()
        results = deque(spread(function, items), maxlen=None if keep else 1)
        spent = perf_counter() - start
    if keep and len(results) != len(items):
        raise RuntimeError(f"{len(results)} results came of {len(items)} tasks")
    return spent


def contenders(
    setting: Setting, measure: Callable[[Peer], dict[str, float]], peers: Iterable[Peer] = PEERS
) -> list[Contender]:
    """A row for each of the peers; none where the setting leaves them out."""
    return [
        Contender(peer.name, partial(measure, peer), is_ours=False, module=peer.module)
        for peer in (peers if setting.peers else ())
    ]


def first(items: Sequence[Any], share: float) -> Sequence[Any]:
    """So much of the items, from their beginning."""
    return items if share == 1.0 else items[: max(2, round(len(items) * share))]
