"""Order: which of the ready tasks goes first."""

from __future__ import annotations

from typing import TypeAlias

#: Compared with ``<``, the smaller goes first; its last item is always the task's number, so no two are equal.
OrderKey: TypeAlias = tuple[int, int]


def order_key(priority: int, number: int) -> OrderKey:
    """Higher priority first; among equals, in the order in which they were submitted.

    A task that comes back has its old key, and so goes to the front.
    """
    return (-priority, number)
