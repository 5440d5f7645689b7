from __future__ import annotations

import random
from typing import Final

import pytest

from spreadjobs import SerializationError, TaskExited, TaskInterrupted, TaskLost, TaskRaised, TaskTimeout, main
from tests.frontends import deeds
from tests.frontends.test_faults import HARMLESS

#: What tasks may do besides their work, and the type of what is told of it; None: nothing is.
DEEDS: Final[dict[str, type[Exception] | None]] = {
    "kill_itself": TaskLost,
    "crash": TaskLost,
    "exit_at_once": TaskLost,
    "leave": TaskExited,
    "interrupt": TaskInterrupted,
    "refuse": deeds.Refusal,
    "raise_unpicklable": TaskRaised,
    "raise_odd": TaskRaised,
    "return_lock": SerializationError,
    "return_grenade": SerializationError,
    "stop_itself": TaskTimeout,
    "sleep_for_ever": TaskTimeout,
    "spin_in_c": TaskTimeout,
    **dict.fromkeys(HARMLESS),
}


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(40))
def test_everything_at_once(seed: int) -> None:
    """Two hundred tasks of which every fifth does something bad, on six workers: each is told rightly, none pays."""
    dice = random.Random(seed)
    names = [dice.choice(list(DEEDS)) if dice.random() < 0.2 else "square" for _ in range(200)]
    todo = [(name, 3 if name in HARMLESS else x) for x, name in enumerate(names)]
    answer = main(todo, deeds.do, workers=6, timeout=1.0, on_error="return")
    for x, name in enumerate(names):
        task = answer.report.tasks[x]
        expected = DEEDS.get(name)
        if expected is None:
            assert task.result == (HARMLESS[name] if name in HARMLESS else x * x)
        else:
            assert type(task.error) is expected
        assert len(task.attempts) == (2 if expected is TaskLost else 1)
