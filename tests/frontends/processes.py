"""What tests need to know of processes, from /proc: nothing here waits for longer than it says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def is_there(pid: int) -> bool:
    """Whether a process runs, or could run on: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(pid: int, patience: float = 10.0) -> None:
    """Return when a process has ended. Raises TimeoutError where it takes longer than ``patience`` seconds."""
    end = time.monotonic() + patience
    while is_there(pid):
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} is still there after {patience} s")
        time.sleep(0.001)


def wait_for_file(path: str, patience: float = 10.0) -> None:
    """Return when a file is there. Raises TimeoutError where it takes longer than ``patience`` seconds."""
    end = time.monotonic() + patience
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise TimeoutError(f"{path} is not there after {patience} s")
        time.sleep(0.001)


def note(folder: str | Path, pid: int | None = None) -> None:
    """Note that a process (this one, by default) was there: an empty file that is called by its number."""
    Path(folder, str(pid or os.getpid())).touch()


def noted(folder: str | Path) -> list[int]:
    """The processes that were noted in a folder."""
    return sorted([int(name) for name in os.listdir(folder)])


def still_there(pids: Iterable[int]) -> list[int]:
    """Those of some processes that run."""
    return [pid for pid in pids if is_there(pid)]


def stub(name: str, *options: str) -> list[str]:
    """The argument list of a worker for a function of ``tests.frontends.deeds``, or any ``module:function``."""
    return [sys.executable, "-m", "worker_stub", name if ":" in name else f"tests.frontends.deeds:{name}", *options]


def is_first(marker: str | Path) -> bool:
    """Whether nobody has asked before; ``marker`` is a path where nothing else is."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def run_python(*arguments: str, folder: Path = ROOT, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run another Python, which finds our packages, to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )
