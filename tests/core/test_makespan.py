"""How long it all takes, in virtual time: what is written takes 0.1 ms each way, and nothing else costs anything."""

from __future__ import annotations

import random
from collections.abc import Sequence
from heapq import heapify, heapreplace

import pytest

from spreadjobs.core.actions import RunEnd
from tests.core.simulator import Deed, Life, Sim

CREWS = pytest.mark.parametrize("workers", [2, 8])
#: What we ask of ourselves, beside list scheduling.
BOUND = 1.05


def makespan(seconds: Sequence[float], workers: int, batch: int = 1) -> float:
    """When the last task has ended, with workers that are ready at 0.0."""
    sim = Sim(check=500)
    sim.host("ant", *[Life(ahead=True, latency=0.0001, batch=batch)] * workers)
    sim.feed(Deed(lasts) for lasts in seconds)
    sim.run()
    assert sim.how is RunEnd.COMPLETE
    return sim.now


def list_scheduling(seconds: Sequence[float], workers: int) -> float:
    """The same where each free worker takes the next task at once."""
    free = [0.0] * workers
    heapify(free)
    for lasts in seconds:
        heapreplace(free, free[0] + lasts)
    return max(free)


def mixed(seed: int, count: int = 2_000) -> list[float]:
    """Durations from 10 µs to 100 ms."""
    dice = random.Random(seed)
    return [10 ** dice.uniform(-5, -1) for _ in range(count)]


def runs(seed: int) -> list[float]:
    """The same, where like follows like: runs of short tasks, then of long ones."""
    dice = random.Random(seed)
    kinds = dice.choices([2e-5, 2e-4, 2e-3, 5e-2], k=20)
    return [10 ** dice.uniform(-0.3, 0.3) * kind for kind in kinds for _ in range(100)]


@CREWS
@pytest.mark.parametrize("where", [0, 500, 998, 999])
def test_a_long_task_among_short_ones_keeps_none_of_them_waiting(workers: int, where: int) -> None:
    """999 tasks of 1 ms and one of 5 s, which comes first, in the middle, or last."""
    seconds = [0.001] * 999
    seconds.insert(where, 5.0)
    assert makespan(seconds, workers) <= BOUND * list_scheduling(seconds, workers)


@CREWS
@pytest.mark.parametrize("seed", range(5))
def test_mixed_tasks_end_nearly_together(workers: int, seed: int) -> None:
    """From 10 µs to 100 ms, in any order."""
    seconds = mixed(seed)
    assert makespan(seconds, workers) <= BOUND * list_scheduling(seconds, workers)


@CREWS
@pytest.mark.parametrize("seed", range(5))
def test_tasks_that_come_in_runs_of_like_ones_end_nearly_together(workers: int, seed: int) -> None:
    """What was learnt of short ones is unlearnt at once where long ones follow."""
    seconds = runs(seed)
    assert makespan(seconds, workers) <= BOUND * list_scheduling(seconds, workers)


@CREWS
def test_short_tasks_of_one_length_cost_no_round_trips(workers: int) -> None:
    """20,000 of 100 µs, which is half a round trip."""
    seconds = [0.0001] * 20_000
    assert makespan(seconds, workers) <= BOUND * list_scheduling(seconds, workers)
