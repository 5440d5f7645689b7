"""What a figure means nothing without: the machine, the Python, the versions of the peers."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from worker_stub.main import cpu_count

LIBRARIES: Final = ("spreadjobs", "loky", "joblib", "mpire", "ray", "numpy", "msgpack", "cloudpickle")


def machine() -> str:
    """The machine, in one line; with the load that was on it before we came."""
    return (
        f"{datetime.now(timezone.utc):%Y-%m-%d}, {cpu_count()} CPUs ({_cpu()}), {platform.system()} "
        f"{platform.release()}, {platform.python_implementation()} {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def versions(libraries: Iterable[str] = LIBRARIES) -> str:
    """Those that are installed, with their versions, in one line."""
    found = []
    for library in libraries:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
