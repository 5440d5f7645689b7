"""What tasks do in the tests that themselves make runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from spreadjobs import main
from tests.frontends import deeds
from tests.frontends.processes import note, noted, wait_until_gone


def do(order: tuple[str, str]) -> Any:
    """Do what the order says: how the outer task ends, or to wait until all are gone."""
    how, folder = order
    if how == "wait_for_the_end":
        began = time.monotonic()
        for pid in noted(folder):
            wait_until_gone(pid)
        return time.monotonic() - began
    killer = [how, folder]
    return main([killer, killer], live_in, workers=2)


def live_in(order: list[str]) -> None:
    """An inner task: two workers with two children each; then it kills the outer worker, or does not end."""
    how, folder = order
    for apart in (False, True):
        note(folder, subprocess.Popen(["sleep", "600"], start_new_session=apart).pid)
    note(folder)
    for child in children(os.getppid()):
        if "guardian" in Path(f"/proc/{child}/cmdline").read_text():
            note(folder, child)
    deeds.wait_for_notes((folder, 7))
    if how == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def children(pid: int) -> list[int]:
    """Its direct children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sum_of_squares(x: int) -> int:
    """By way of workers."""
    return sum(main(range(x), deeds.square, workers=2).results)


def fail_inside(x: int) -> object:
    """By way of workers."""
    return main([x], deeds.refuse)
