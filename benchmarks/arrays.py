"""How fast do arrays of 1 MB go there and back?

Twice: where all results are kept, and where each is dropped as soon as it has come. Both ways are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.kit import ours
from benchmarks.kit.peers import Peer, contenders, seconds_of
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, best_at_least, optional
from benchmarks.kit.work import echo

SIZE: Final = 1_000_000
#: So many different arrays, over and over: more than a processor's cache holds.
DIFFERENT: Final = 32

SPEED: Final = Unit("MB/s", 1e-6, more_is_better=True)


def arrays(count: int) -> list[Any]:
    """So many arrays. Raises Cannot where numpy is missing."""
    numpy = optional("numpy")
    made = [numpy.full(SIZE // 8, number, dtype=float) for number in range(min(count, DIFFERENT))]
    return [made[index % DIFFERENT] for index in range(count)]


def parts(setting: Setting) -> Sequence[Part]:
    """Kept, then dropped; each of us and of each peer."""
    count = setting.count(1_000, 40)

    def mine(clock: Callable[..., float]) -> dict[str, float]:
        return {"speed": 2 * SIZE * count / clock(echo, arrays(count), count)}

    def theirs(keep: bool, peer: Peer) -> dict[str, float]:
        return {"speed": 2 * SIZE * count / seconds_of(peer, echo, arrays(count), keep)}

    def part(who: str, clock: Callable[..., float], keep: bool, title: str) -> Part:
        asks = {who: best_at_least(1.2, "1.2 × the best of them")}
        everybody = [Contender(who, partial(mine, clock)), *contenders(setting, partial(theirs, keep))]
        return Part(everybody, [Table(f"{count:,} arrays, 2 workers; {title}", SPEED, "speed", asks)])

    return [
        part("main", ours.keeping, True, "all results are kept"),
        part("main, on_result", ours.taking, False, "results are dropped as they come"),
    ]


QUESTION: Final = Question("how fast do arrays of 1 MB go there and back?", parts)
