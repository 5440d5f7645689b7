"""What tasks do in the tests of what they print."""
# ruff: noqa: T201  (they are there to print)

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

from tests.frontends.deeds import Refusal
from tests.frontends.processes import is_first


def print_in_every_way(x: int) -> int:
    """From Python, from C, from a child, and to a descriptor, on both streams."""
    print("python", x)
    print("python", x, file=sys.stderr)
    for fd in (1, 2):
        os.write(fd, b"descriptor %d\n" % x)
        subprocess.run(["sh", "-c", f"echo child {x} >&{fd}"], check=True)
    library = ctypes.CDLL(None)
    library.puts(b"library %d" % x)
    library.fflush(None)
    return x


def print_much(x: object) -> None:
    """Three MiB from Python, in pieces."""
    for _ in range(48):
        print("x" * (64 * 1024), end="")


def print_and_fail_once(marker: str) -> str:
    """Say something else each time."""
    if is_first(marker):
        print("the first time")
        raise Refusal("once")
    print("the second time")
    return "done"


def print_and_die(x: object) -> None:
    """Say something to a descriptor, and kill the worker."""
    os.write(2, b"these are my last words\n")
    os.kill(os.getpid(), signal.SIGKILL)


def prepare_aloud(items: list[Any]) -> None:
    """Print while preparing."""
    print("preparing", *items)
    os.write(2, b"with a warning\n")


def write_bytes(data: bytes) -> None:
    """Write them to descriptor 1."""
    os.write(1, data)


def read_standard_input(x: object) -> str:
    """All of it."""
    return sys.stdin.read() + subprocess.run(["cat"], capture_output=True, text=True, check=True).stdout
