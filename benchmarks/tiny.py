"""What does a task cost that does nothing?

The results are kept, by ``main`` as by its peers. Slow peers are given fewer tasks, and all are shown per task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.peers import EXECUTOR, POOL, Peer, contenders, first, seconds_of
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, times_at_least
from benchmarks.kit.work import noop

PER_TASK: Final = Unit("µs per task", 1e6)


def parts(setting: Setting) -> Sequence[Part]:
    """Us, us with ``on_result``, and each peer."""
    tasks = setting.count(100_000, 2_000)

    def keeping() -> dict[str, float]:
        return {"seconds": ours.keeping(noop, range(tasks), tasks) / tasks}

    def taking() -> dict[str, float]:
        return {"seconds": ours.taking(noop, range(tasks), tasks) / tasks}

    def theirs(peer: Peer) -> dict[str, float]:
        items = first(range(tasks), peer.share)
        return {"seconds": seconds_of(peer, noop, items, keep=True) / len(items)}

    everybody = [Contender("main", keeping), Contender("main, on_result", taking), *contenders(setting, theirs)]
    asks = {POOL.name: times_at_least(4), EXECUTOR.name: times_at_least(15)}
    return [Part(everybody, [Table(f"{tasks:,} tasks, 2 workers", PER_TASK, asks=asks)])]


QUESTION: Final = Question("what does a task cost that does nothing?", parts)
