"""What tasks do in the tests to the interpreter that they share with the tasks after them."""

from __future__ import annotations

import gc
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


def do(deed: str | int) -> Any:
    """Do some mischief, or square a number."""
    return deed * deed if isinstance(deed, int) else globals()[deed]()


def close_streams() -> None:
    """As programs do that become daemons."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()


def lose_streams() -> None:
    """As programs without a window do."""
    sys.stdout = sys.stderr = None


def clear_environment() -> None:
    """Environment, module look-up, modules and current folder."""
    os.environ.clear()
    sys.path.clear()
    sys.modules.clear()
    os.chdir("/proc/self")


def change_signals() -> None:
    """Neither Ctrl-C nor TERM nor a broken pipe is what it was."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def starve_interpreter() -> None:
    """No collection, and hardly any depth."""
    gc.disable()
    sys.setrecursionlimit(60)


def recurse(x: object) -> Any:
    """For ever."""
    return recurse(x)


def nest(depth: int) -> Any:
    """A list in a list, and so on."""
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def use_pool(method: str) -> list[int]:
    """Children of multiprocessing's own."""
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        return list(pool.map(abs, [-1, -2, -3]))
