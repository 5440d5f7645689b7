"""The diagrams of ARCHITECTURE.md, drawn from the tables: ``python -m tests.core.diagrams`` prints them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TypeVar

from spreadjobs.core.host import HOST_STEPS
from spreadjobs.core.task import STEPS
from spreadjobs.core.worker import WORKER_STEPS

State = TypeVar("State", bound=IntEnum)
Step = TypeVar("Step", bound=IntEnum)


def draw(table: Mapping[tuple[State, Step], State]) -> str:
    """The text of a mermaid diagram, an arrow a line; the state numbered 0 is the first, one without steps a last."""
    lines = [f"    {before.name} --> {after.name}: {step.name}" for (before, step), after in table.items()]
    states = type(next(iter(table.values())))
    leaving = [before for before, _ in table]
    lines.insert(0, f"    [*] --> {states(0).name}")
    lines += [f"    {state.name} --> [*]" for state in states if state not in leaving]
    return "\n".join(["stateDiagram-v2", *lines, ""])


DIAGRAMS: Final = {"task": draw(STEPS), "worker": draw(WORKER_STEPS), "host": draw(HOST_STEPS)}

if __name__ == "__main__":
    for name, diagram in DIAGRAMS.items():
        print(f"A {name}:\n\n```mermaid\n{diagram}```\n")  # noqa: T201  # it is there to print
