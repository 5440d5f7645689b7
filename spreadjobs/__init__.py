"""Spread a list of jobs over worker processes, through their standard input and output."""

from spreadjobs.core.task import TaskState
from spreadjobs.engine.results import notComputed
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

__all__ = [
    "DEFAULTS",
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
    "main",
    "notComputed",
]
