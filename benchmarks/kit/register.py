"""Which questions there are, in the order in which they are asked, and where each lives."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from benchmarks.kit.question import Question

QUESTIONS: Final = {
    "tiny": "benchmarks.tiny",
    "lockstep": "benchmarks.lockstep",
    "arrays": "benchmarks.arrays",
    "bytes": "benchmarks.bytes",
    "huge": "benchmarks.huge",
    "many": "benchmarks.many",
    "endless": "benchmarks.endless",
    "mixed": "benchmarks.mixed",
    "idle": "benchmarks.idle",
    "core": "benchmarks.core_handle",
    "start": "benchmarks.start",
}


def find(name: str) -> Question:
    """The question of this name."""
    question = import_module(QUESTIONS[name]).QUESTION
    assert isinstance(question, Question)
    return question
