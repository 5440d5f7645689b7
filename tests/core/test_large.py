from __future__ import annotations

import random

import pytest

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import spec
from tests.core.simulator import Deed, Life, Sim

WORKERS = 10_000
TASKS = 12_000


def life(dice: random.Random) -> Life:
    """Most workers are good; some are slow, die, leave, or never answer."""
    fate = dice.random()
    return Life(
        accepts=float("inf") if fate < 0.01 else dice.uniform(0.1, 2.0),
        speed=dice.choice([0.5, 1.0, 2.0]),
        dies=dice.uniform(1.0, 9.0) if 0.01 < fate < 0.05 else float("inf"),
        exits=dice.uniform(1.0, 9.0) if 0.05 < fate < 0.06 else float("inf"),
    )


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_workers(seed: int) -> None:
    """On a hundred hosts, with twelve thousand tasks: each ends once, and nobody pays for a neighbour."""
    dice = random.Random(seed)
    sim = Sim(Rules(), dice.random, check=20_000)
    for host in range(100):
        sim.host(f"host{host}", *([life(dice), Life(accepts=0.5)] for _ in range(WORKERS // 100)))
    poison = range(0, TASKS, 200)
    kinds = [spec(), spec(cpus=2), spec(timeout=10.0), spec(hosts=("host7", "host8"))]
    for number in range(TASKS):
        sim.task(number, Deed(1.0, kills=number in poison), like=kinds[number * 5 // TASKS % 4], at=1.0)
    sim.end_input(2.0)
    sim.run(ceiling=200_000)
    assert sim.how is RunEnd.COMPLETE
    lost = [number for number, state in sim.ended.items() if state is not TaskState.DONE]
    assert [number for number in poison if number not in lost] == []
    assert len(lost) <= len(poison) + 5
