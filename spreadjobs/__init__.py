"""Spread a list of jobs over worker processes, through their standard input and output.

The public names, and where each lives. They are imported when they are first asked for, so that ``import spreadjobs``
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spreadjobs.core.actions import RunEnd
    from spreadjobs.core.task import TaskState
    from spreadjobs.engine.results import Attempt, notComputed
    from spreadjobs.engine.roll import WorkerRecord
    from spreadjobs.errors import (
        CrewLost,
        DeadlinePassed,
        FarTraceback,
        InternalError,
        Place,
        ProtocolError,
        RunError,
        RunInterrupted,
        SerializationError,
        SpreadJobsError,
        TaskError,
        TaskExited,
        TaskInterrupted,
        TaskLost,
        TaskRaised,
        TaskRefused,
        TaskTimeout,
        UsageError,
    )
    from spreadjobs.frontends.connections import Connection_framed, Connection_lines
    from spreadjobs.frontends.main import RunResult, main
    from spreadjobs.frontends.report import Report, TaskReport
    from spreadjobs.records import DEFAULTS, Hints, Host, Limits, Needs, Placement, Task

_HOMES = {
    "core.actions": ("RunEnd",),
    "core.task": ("TaskState",),
    "engine.results": ("Attempt", "notComputed"),
    "engine.roll": ("WorkerRecord",),
    "errors": (
        *("CrewLost", "DeadlinePassed", "FarTraceback", "InternalError", "Place", "ProtocolError", "RunError"),
        *("RunInterrupted", "SerializationError", "SpreadJobsError", "TaskError", "TaskExited", "TaskInterrupted"),
        *("TaskLost", "TaskRaised", "TaskRefused", "TaskTimeout", "UsageError"),
    ),
    "frontends.connections": ("Connection_framed", "Connection_lines"),
    "frontends.main": ("RunResult", "main"),
    "frontends.report": ("Report", "TaskReport"),
    "records": ("DEFAULTS", "Hints", "Host", "Limits", "Needs", "Placement", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DEFAULTS",
    "Attempt",
    "Connection_framed",
    "Connection_lines",
    "CrewLost",
    "DeadlinePassed",
    "FarTraceback",
    "Hints",
    "Host",
    "InternalError",
    "Limits",
    "Needs",
    "Place",
    "Placement",
    "ProtocolError",
    "Report",
    "RunEnd",
    "RunError",
    "RunInterrupted",
    "RunResult",
    "SerializationError",
    "SpreadJobsError",
    "Task",
    "TaskError",
    "TaskExited",
    "TaskInterrupted",
    "TaskLost",
    "TaskRaised",
    "TaskRefused",
    "TaskReport",
    "TaskState",
    "TaskTimeout",
    "UsageError",
    "WorkerRecord",
    "main",
    "notComputed",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'spreadjobs' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"spreadjobs.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
