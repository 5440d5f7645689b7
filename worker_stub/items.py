"""The prelude's items of this process: what was sent before the tasks."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_items: "list[Any]" = []


def prelude() -> "list[Any]":
    """The items that were sent to this worker before its tasks, in order; empty in any other process."""
    return list(_items)


def remember(items: "list[Any]") -> None:
    """Keep the prelude's items for ``prelude``."""
    _items[:] = items
