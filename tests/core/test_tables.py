from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path

import pytest

from spreadjobs.core.host import HOST_STEPS, HostEntry, HostState, HostStep
from spreadjobs.core.ready import Shape
from spreadjobs.core.slot import SlotEntry
from spreadjobs.core.task import FINAL, STEPS, TaskEntry, TaskState, TaskStep
from spreadjobs.core.worker import WORKER_STEPS, WorkerEntry, WorkerState, WorkerStep
from spreadjobs.errors import InternalError
from tests.core.bench import PLAIN
from tests.core.diagrams import DIAGRAMS

ARCHITECTURE = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"

TABLES = [
    pytest.param(STEPS, TaskState, TaskStep, id="task"),
    pytest.param(WORKER_STEPS, WorkerState, WorkerStep, id="worker"),
    pytest.param(HOST_STEPS, HostState, HostStep, id="host"),
]


def task() -> TaskEntry:
    """A task that has just come."""
    return TaskEntry(7, PLAIN, Shape(PLAIN.needs, PLAIN.placement, ahead=True))


@pytest.mark.parametrize(("table", "states", "steps"), TABLES)
def test_every_state_is_reached_and_every_step_is_used(
    table: Mapping[tuple[IntEnum, IntEnum], IntEnum], states: type[IntEnum], steps: type[IntEnum]
) -> None:
    """From the state numbered 0, along the rows."""
    reached = [states(0)]
    for state in reached:  # which grows
        reached += [after for (before, _), after in table.items() if before is state and after not in reached]
    assert sorted(reached) == list(states)
    assert sorted(dict.fromkeys(step for _, step in table)) == list(steps)


def test_a_final_state_is_final() -> None:
    """No row leads out of it, and out of each other one some row does."""
    leaving = [before for before, _ in STEPS]
    assert [state for state in TaskState if state not in leaving] == list(FINAL)


def test_each_row_is_a_step_and_no_other_is() -> None:
    """A step that is not a row raises, says what was asked of whom, and changes nothing."""
    for state in TaskState:
        for step in TaskStep:
            walker = task()
            walker.state = state
            if (state, step) in STEPS:
                walker.step(step)
                assert walker.state is STEPS[state, step]
            else:
                with pytest.raises(InternalError, match=f"task 7 is {state.name} and cannot {step.name}"):
                    walker.step(step)
                assert walker.state is state


def test_workers_and_hosts_refuse_what_is_not_a_row() -> None:
    """They too say what was asked of whom, and change nothing."""
    host = HostEntry("ant")
    worker = WorkerEntry(3, SlotEntry(0, host))
    with pytest.raises(InternalError, match="worker 3 is EXEC and cannot SEND"):
        worker.step(WorkerStep.SEND)
    assert worker.state is WorkerState.EXEC
    host.step(HostStep.FALL)
    with pytest.raises(InternalError, match="host ant is DOWN and cannot ANSWER"):
        host.step(HostStep.ANSWER)
    assert host.state is HostState.DOWN


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_manual_shows_the_tables_as_they_are(name: str) -> None:
    """ARCHITECTURE.md has each diagram; ``python -m tests.core.diagrams`` prints them."""
    assert f"```mermaid\n{DIAGRAMS[name]}```" in ARCHITECTURE.read_text(encoding="utf-8")
