"""Does 1 GB go there and back in one task, and what memory does it take?

``todo`` is a generator that keeps nothing, so what is counted is ours: from before the payload is made to the most
that the master ever has, the payload and the result included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.kit import ours
from benchmarks.kit.proc import memory
from benchmarks.kit.question import Contender, Part, Question, Setting, Table, Unit, at_most, optional
from benchmarks.kit.work import echo

GIGABYTES: Final = Unit("GB", 1e-9)
SECONDS: Final = Unit("s")

#: How many times its size a payload may take.
PLAIN: Final = 2.2
NESTED: Final = 3.2

STEP: Final = 4096


def array(size: int) -> Any:
    """A numpy array of so many bytes. Raises Cannot where numpy is missing."""
    return optional("numpy").arange(size // 8)


def is_array(thing: Any, size: int) -> bool:
    """Whether it is that array, as far as a look at some of it tells."""
    return len(thing) == size // 8 and thing[::STEP].tolist() == list(range(0, size // 8, STEP))


def text(size: int) -> bytes:
    """So many bytes."""
    return b"x" * size


def is_text(thing: Any, size: int) -> bool:
    """Whether it is those bytes."""
    return isinstance(thing, bytes) and len(thing) == size == thing.count(b"x")


def nested(size: int) -> dict[str, list[bytes]]:
    """So many bytes, inside other objects."""
    return {"inner": [text(size)]}


def is_nested(thing: Any, size: int) -> bool:
    """Whether it is those bytes, inside those objects."""
    return is_text(thing["inner"][0], size)


def one(make: Callable[[int], Any], size: int) -> Iterator[Any]:
    """The one task."""
    yield make(size)


def measure(make: Callable[[int], Any], is_same: Callable[[Any, int], bool], size: int) -> dict[str, float]:
    """One trip: how much memory, how long."""
    make(1)  # what it imports is none of the growth
    before, start = memory("VmRSS"), time.perf_counter()
    answer = ours.call(one(make, size), echo, workers=ours.WORKERS)
    spent, most = time.perf_counter() - start, memory("VmHWM")
    if not is_same(answer.results[0], size):
        raise RuntimeError("what came back is not what was sent")
    return {"growth": most - before, "seconds": spent}


def parts(setting: Setting) -> Sequence[Part]:
    """An array, bytes, and bytes in a list in a dict."""
    size = setting.pick(1_000_000_000, 32_000_000)
    plain, deep = at_most(PLAIN * size, GIGABYTES), at_most(NESTED * size, GIGABYTES)
    everybody = [
        Contender("numpy array", partial(measure, array, is_array, size), module="numpy"),
        Contender("bytes", partial(measure, text, is_text, size)),
        Contender("bytes in a list in a dict", partial(measure, nested, is_nested, size)),
    ]
    asks = {"numpy array": plain, "bytes": plain, "bytes in a list in a dict": deep}
    name = f"one task of {size / 1e9:g} GB"
    return [
        Part(
            everybody,
            [
                Table(f"{name}: by how much the master grows", GIGABYTES, "growth", asks, compares=False),
                Table(f"{name}: the whole call", SECONDS, compares=False),
            ],
        )
    ]


QUESTION: Final = Question("does 1 GB go there and back in one task, and what memory does it take?", parts)
