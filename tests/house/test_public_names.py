from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from typing import Final

import spreadjobs
from spreadjobs import errors
from tests.house.tree import ROOT, files, imports, short

#: What users may import, and what a change of version promises to keep.
CALLS: Final = {"main", "RunResult", "Connection_framed", "Connection_lines", "notComputed", "DEFAULTS"}
RECORDS: Final = {
    "Attempt",
    "RunEnd",
    "Task",
    "WorkerRecord",
    "Needs",
    "Limits",
    "Placement",
    "Hints",
    "Host",
    "Place",
    "Report",
    "TaskReport",
    "TaskState",
}
ERRORS: Final = {
    name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, BaseException)
}

#: Seconds that ``import spreadjobs`` may take: four times what it is meant to.
IMPORT: Final = 4 * 0.1

PROBE: Final = """
import json, sys, time
start = time.perf_counter()
import spreadjobs
print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))
"""


def test_the_public_names_are_these() -> None:
    """Nothing becomes public by accident, and nothing public disappears unseen."""
    assert set(spreadjobs.__all__) == CALLS | RECORDS | ERRORS


def test_public_names_are_explained() -> None:
    """Each public class and function has a docstring of its own; that of a constant is its type's."""
    public = {name: getattr(spreadjobs, name) for name in spreadjobs.__all__}
    owners = {name: it if inspect.isclass(it) or inspect.isroutine(it) else type(it) for name, it in public.items()}
    docs = {name: owner.__doc__ or "" for name, owner in owners.items()}
    # What starts with the class's own call was made by @dataclass.
    assert [name for name, doc in docs.items() if not doc or doc.startswith(f"{owners[name].__name__}(")] == []


def test_importing_is_quick() -> None:
    """``import spreadjobs`` costs little, and loads no library that is not needed yet; the best of five."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", PROBE], env=environ, capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert {"paramiko", "psutil", "cloudpickle"}.isdisjoint(runs[0][1])
    assert min(seconds for seconds, _ in runs) < IMPORT


def test_examples_use_public_names_only() -> None:
    """What we show to users is what they may use."""
    wrong = [
        f"{short(path)}:{found.line} imports {found.module}"
        for path in files(".py")
        if path.is_relative_to(ROOT / "examples")
        for found in imports(path)
        if found.module.startswith("spreadjobs.")
    ]
    assert wrong == []
