from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.events import TaskSpec
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import FINAL, TaskState
from tests.core.bench import spec
from tests.core.simulator import INF, Deed, Life, Sim

few = st.sampled_from([0.0, 0.001, 0.3, 1.0, 2.5, 7.0])
often = st.sampled_from([INF, INF, INF, 0.2, 1.5, 4.0])

lives = st.builds(
    Life,
    accepts=st.sampled_from([0.0, 0.1, 0.1, 1.0, INF]),
    prepares=st.sampled_from([0.0, 0.1, 0.1, 2.0]),
    speed=st.sampled_from([0.1, 1.0, 10.0]),
    dies=often,
    exits=often,
    faults=often,
    permanent=st.booleans(),
    is_frozen=st.sampled_from([False, False, False, True]),
    prints=st.integers(0, 3),
    tail=few,
    is_stubborn=st.booleans(),
    is_missing=st.sampled_from([False, False, False, True]),
    ahead=st.sampled_from([True, True, False]),
    latency=st.sampled_from([0.0, 0.0, 0.0001, 0.02]),
    batch=st.sampled_from([1, 1, 2, 5]),
    is_hasty=st.booleans(),
)
slots = st.lists(lives, min_size=1, max_size=3).flatmap(
    lambda first: st.sampled_from([[*first, Life()], [*first, Life(ahead=True)]])
)
hopeless = st.lists(lives, min_size=1, max_size=3)
deeds = st.builds(
    Deed,
    seconds=st.sampled_from([0.0, 0.00001, 0.0005, 0.003, 0.01, 0.5, 1.0, 3.0]),
    ok=st.booleans(),
    kills=st.sampled_from([False, False, False, True]),
    delay=st.one_of(st.just(0.0), few),
)
specs = st.builds(
    spec,
    timeout=st.sampled_from([INF, INF, 0.001, 0.7, 2.0]),
    attempts=st.integers(1, 3),
    losses=st.integers(1, 3),
    grace=few,
    cpus=st.integers(1, 3),
    hosts=st.sampled_from([(), (), (), ("ant",), ("bee",), ("bee", "ant"), ("nowhere",)]),
    priority=st.integers(-1, 1),
    idempotent=st.sampled_from([True, True, False]),
)
rules = st.builds(
    Rules,
    connect=st.just(5.0),
    grace=st.sampled_from([0.5, 3.0]),
    stop_grace=st.sampled_from([0.0, 1.0]),
    lease=st.sampled_from([1.0, 10.0]),
    backoff=st.sampled_from([0.0, 0.1]),
    backoff_max=st.sampled_from([0.1, 1.0]),
    early_deaths=st.integers(1, 3),
    stop_on_failure=st.booleans(),
    deadline=st.sampled_from([None, None, 0.0, 3.0, 12.0]),
    unlimited_tail=st.booleans(),
)


@dataclass
class World:
    """All that a run is made of."""

    rules: Rules
    ant: list[list[Life]]
    bee: list[list[Life]]
    tasks: list[tuple[int, list[Deed], int, float]]
    kinds: list[TaskSpec]
    input_ends: float
    stop: float
    seed: int

    def sim(self) -> Sim:
        """The world, ready to run."""
        sim = Sim(self.rules, random.Random(self.seed).random)
        sim.host("ant", *self.ant)
        sim.host("bee", *self.bee, at=0.5)
        arrivals = sorted(at for _, _, _, at in self.tasks)
        first = 0
        for at, (count, deeds, kind, _) in zip(arrivals, self.tasks):
            like = self.kinds[kind % len(self.kinds)]
            sim.tasks(range(first, first + count), *deeds, like=like, at=at)
            first += count
        sim.end_input(max([self.input_ends, *arrivals]))
        if self.stop < INF:
            sim.stop(self.stop)
        return sim

    @property
    def size(self) -> int:
        """How many tasks there are."""
        return sum(count for count, _, _, _ in self.tasks)


worlds = st.builds(
    World,
    rules=rules,
    ant=st.lists(st.one_of(slots, hopeless), min_size=1, max_size=3),
    bee=st.lists(slots, min_size=0, max_size=3),
    tasks=st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 1, 5, 25]),
            st.lists(deeds, min_size=1, max_size=3),
            st.integers(0, 2),
            st.sampled_from([0.0, 0.0, 0.6, 4.0]),
        ),
        max_size=14,
    ),
    kinds=st.lists(specs, min_size=1, max_size=3),
    input_ends=st.sampled_from([0.0, 1.0, 5.0]),
    stop=st.sampled_from([INF, INF, INF, 0.0, 2.0, 6.0]),
    seed=st.integers(0, 3),
)


@given(worlds)
@settings(max_examples=300)
def test_every_run_ends_and_each_task_in_exactly_one_way(world: World) -> None:
    """Whatever the crew, the tasks and the rules: the invariants hold after every event, nobody pays for a neighbour,
    and the numbers that are left add up."""
    sim = world.sim()
    sim.run()
    assert sorted(sim.ended) == list(range(world.size))
    snapshot = sim.bench.machine.snapshot()
    assert snapshot.over and snapshot.how is sim.how is not None
    assert {state: snapshot.tasks[state] for state in TaskState if snapshot.tasks[state]} == {
        state: count for state in FINAL if (count := list(sim.ended.values()).count(state))
    }
    assert snapshot.attempts == sum(sim.bench.shadow.attempts.values())
    assert sim.bench.machine.wake_at() is None


@given(worlds)
@settings(max_examples=60)
def test_the_same_world_gives_the_same_trace(world: World) -> None:
    """Event by event, action by action."""
    one, two = world.sim(), world.sim()
    one.run()
    two.run()
    assert one.trace == two.trace


def without_giving_up(life: Life) -> Life:
    """A life that does not cost its slot."""
    return replace(life, accepts=0.1, exits=INF, permanent=False, is_missing=False)


@given(worlds)
@settings(max_examples=100)
def test_with_a_crew_that_does_not_give_up_no_task_is_left_out(world: World) -> None:
    """Workers may die, freeze and break the protocol: where each slot has a good one at last, all tasks are run."""
    for slots in (world.ant, world.bee):
        slots[:] = [[*map(without_giving_up, slot), Life()] for slot in slots]
    world.rules = Rules(early_deaths=100, lease=10.0)
    world.stop = INF
    sim = world.sim()
    sim.run()
    assert sim.how is RunEnd.COMPLETE
    assert TaskState.NOT_RUN not in sim.ended.values()
