"""Budgets: how often a task may fail or lose its worker, and how long the next attempt waits.

Rule: each budget is finite, is charged here only, and never for what a neighbour did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskEntry, TaskStep

#: Doublings after which a pause is certainly at its cap; more would overflow a float.
MOST_DOUBLINGS: Final = 64


def charge_error(task: TaskEntry) -> TaskStep:
    """What follows from an attempt that raised: FAIL, or DELAY where another is due and possible."""
    task.errors += 1
    return TaskStep.FAIL if task.errors >= task.spec.attempts or _is_last(task) else TaskStep.DELAY


def charge_loss(task: TaskEntry) -> TaskStep:
    """What follows from an attempt whose worker was lost: LOSE, or DELAY where another is due and possible."""
    task.losses += 1
    return TaskStep.LOSE if task.losses >= task.spec.losses or _is_last(task) else TaskStep.DELAY


def pause(rules: Rules, count: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait after the count-th failure (from 1): doubled each time, up to the cap, times jitter."""
    return min(rules.backoff * 2.0 ** min(count - 1, MOST_DOUBLINGS), rules.backoff_max) * jitter()


def _is_last(task: TaskEntry) -> bool:
    """Whether no further attempt may or can be made, whatever is left in the budgets."""
    return not task.spec.idempotent or task.shape.never is not None
