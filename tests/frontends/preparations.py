"""What workers do in the tests before their first task, and with the prelude."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

from tests.frontends.deeds import kill_itself_once, meet
from tests.frontends.processes import is_first
from worker_stub import prelude


class Deadly:
    """A function that kills whoever unpickles it."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os._exit, (3,)

    def __call__(self, x: object) -> object:
        return x


def prepare_to_die(items: list[Any]) -> NoReturn:
    """Die while preparing."""
    os._exit(4)


def prepare_slowly(items: list[Any]) -> None:
    """Have much to prepare."""
    time.sleep(1.2)


def meet_and_tell(order: tuple[str, int]) -> tuple[int, list[Any]]:
    """Meet, and tell the prelude."""
    return meet(order), prelude()


def die_once_and_tell(marker: str) -> tuple[int, list[Any]]:
    """Kill the worker the first time, then tell the prelude."""
    return kill_itself_once((marker, 0)), prelude()


def open_and_meet(order: tuple[str, str]) -> list[Any]:
    """Make a file, meet another worker in a folder, and tell the prelude."""
    door, folder = order
    is_first(door)
    meet((folder, 2))
    return prelude()


told: list[Any] = []


def be_told(items: list[Any]) -> None:
    """Prepare: keep the prelude."""
    told.append(items)


def told_in_time(x: object) -> Any:
    """What was kept when this worker prepared, which it did once."""
    (items,) = told
    return items
