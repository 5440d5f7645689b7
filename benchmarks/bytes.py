"""What do 1 kB, 10 kB and 100 kB of bytes cost, there and back?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.peers import Peer, contenders, first, seconds_of
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, best_at_least
from benchmarks.kit.work import echo

#: How large, and how many tasks: in full, and quick.
SIZES: Final = {1_000: (50_000, 500), 10_000: (20_000, 200), 100_000: (5_000, 50)}
#: So many different ones, over and over.
DIFFERENT: Final = 64


def texts(size: int, count: int) -> list[bytes]:
    """So many byte strings of this size."""
    dice = random.Random(size)
    made = [dice.randbytes(size) for _ in range(min(count, DIFFERENT))]
    return [made[index % DIFFERENT] for index in range(count)]


def mine(size: int, count: int) -> dict[str, float]:
    """One turn of ours."""
    return {"seconds": ours.keeping(echo, texts(size, count), count) / count}


def theirs(size: int, count: int, peer: Peer) -> dict[str, float]:
    """One turn of a peer."""
    items = first(texts(size, count), peer.share)
    return {"seconds": seconds_of(peer, echo, items, keep=True) / len(items)}


def parts(setting: Setting) -> Sequence[Part]:
    """A part for each size."""
    asks = {"main": best_at_least(1 / 1.2, "at most 1.2 × the best's time")}
    found = []
    for size, counts in SIZES.items():
        count = setting.count(*counts)
        everybody = [Contender("main", partial(mine, size, count)), *contenders(setting, partial(theirs, size, count))]
        title = f"{size // 1000} kB, {count:,} tasks, 2 workers"
        found.append(Part(everybody, [Table(title, Unit("µs per task", 1e6), asks=asks)]))
    return found


QUESTION: Final = Question("what do 1 kB, 10 kB and 100 kB of bytes cost, there and back?", parts)
