"""The clock on ``main``: its workers' start is left out, as the peers' is; the end of the call is not.

There are two ways to call it. Where it keeps the results, the clock runs from the start of the first task, which the
report tells; where they are taken as they come, from the first call of ``on_result``.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from benchmarks.kit.question import Cannot
from spreadjobs import main

WORKERS: Final = 2

#: The first task to begin is one of the first that were given out, and the last to end one of the last.
ENDS: Final = 10_000

#: ``main``, with settings that it may not have yet.
call: Final[Callable[..., Any]] = main


def accepts(setting: str) -> bool:
    """Whether ``main`` has a setting of this name."""
    return setting in inspect.signature(main).parameters


def where_accepted(**settings: Any) -> dict[str, Any]:
    """Those of the settings that ``main`` has."""
    return {name: value for name, value in settings.items() if accepts(name)}


def need(setting: str) -> None:
    """Raise Cannot where ``main`` has no setting of this name."""
    if not accepts(setting):
        raise Cannot(f"main has no {setting} here")


def keeping(function: Callable[[Any], Any], todo: Iterable[Any], tasks: int, **settings: Any) -> float:
    """Seconds from the start of the first task to the end of the call, which has kept the results."""
    report = _report(function, todo, tasks, settings)
    end = time.time()
    return end - _began(report)


def span(function: Callable[[Any], Any], todo: Iterable[Any], tasks: int, **settings: Any) -> float:
    """Seconds from the start of the first task to the end of the last, both as the report tells them."""
    report = _report(function, todo, tasks, settings)
    last: float = max([task.attempts[0].started + task.attempts[0].seconds for task in report.tasks[-ENDS:]])
    return last - _began(report)


def _report(function: Callable[[Any], Any], todo: Iterable[Any], tasks: int, settings: dict[str, Any]) -> Any:
    answer = call(todo, function, **{"workers": WORKERS, **settings})
    if len(answer.results) != tasks:
        raise RuntimeError(f"{len(answer.results)} results came of {tasks} tasks")
    return answer.report


def _began(report: Any) -> float:
    first: float = min([task.attempts[0].started for task in report.tasks[:ENDS]])
    return first


class Calls:
    """What ``on_result`` was called with: how often, and when first and last, on the monotonic clock."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = 0.0

    def __call__(self, index: int, value: Any) -> None:
        if isinstance(value, BaseException):
            raise value
        self.last = time.monotonic()
        if not self.count:
            self.first = self.last
        self.count += 1


def taking(function: Callable[[Any], Any], todo: Iterable[Any], tasks: int, **settings: Any) -> float:
    """Seconds from the first result to the end of the call, where results are taken as they come and not kept."""
    need("on_result")
    calls = Calls()
    call(todo, function, **{"workers": WORKERS, "on_result": calls, **settings})
    end = time.monotonic()
    if calls.count != tasks:
        raise RuntimeError(f"{calls.count} results came of {tasks} tasks")
    return end - calls.first
