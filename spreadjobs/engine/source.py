"""The tasks of a run: pulled from the user's iterable only to refill, numbered, and sealed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from spreadjobs.core.events import TaskSpec
from spreadjobs.errors import Place, SerializationError
from spreadjobs.protocol.payloads import Sealed, Sealer, SealError
from spreadjobs.records import Limits, Needs, Placement, Task

Key = tuple[Needs, Limits, Placement, int, bool]


class Batch:
    """What one pull brought: (number, spec) of each task that can be sent, the numbers of the others, and names."""

    __slots__ = ("names", "rejected", "tasks")

    def __init__(self) -> None:
        self.tasks: list[tuple[int, TaskSpec]] = []
        self.rejected: list[int] = []
        self.names: dict[int, str] = {}


class Source:
    """Where tasks come from.

    limits: what holds for a task that does not say otherwise, with nothing left unset. sealer: seals the payloads.
    """

    def __init__(self, todo: Iterable[Any], limits: Limits, sealer: Sealer) -> None:
        self._items = iter(todo)
        self._limits = limits
        self.sealer = sealer
        self._specs: dict[Key, TaskSpec] = {}
        self._plain = self._spec(Task(None))
        self._count = 0
        self.exhausted = False
        #: The sealed payload of each open task.
        self.sealed: dict[int, Sealed] = {}
        #: Why a task could not be sealed.
        self.refused: dict[int, SerializationError] = {}

    def pull(self, count: int, batch: Batch, is_time: Callable[[], bool]) -> None:
        """Add up to so many items to the batch, or fewer where it is time to stop.

        Raises what the iterable raises, behind those that were good.
        """
        last = self._count + count
        for item in itertools.islice(self._items, count):
            number, self._count = self._count, self._count + 1
            spec, payload = self._plain, item
            if isinstance(item, Task):
                spec, payload = self._spec(item), item.payload
                if item.name is not None:
                    batch.names[number] = item.name
            try:
                self.sealed[number] = self.sealer.seal(payload)
                batch.tasks.append((number, spec))
            except SealError as error:
                batch.rejected.append(number)
                place = Place(number, batch.names.get(number))
                self.refused[number] = SerializationError(f"its payload cannot be sent: {error}", place)
            if is_time():
                return
        self.exhausted = self._count < last

    def _spec(self, task: Task) -> TaskSpec:
        key = (task.needs, task.limits, task.placement, task.hints.priority, task.idempotent)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = make_spec(task, self._limits)
        return spec


def make_spec(task: Task, limits: Limits) -> TaskSpec:
    """What the machine is told of a task, where ``limits`` says all that the task leaves open."""
    full = task.limits.over(limits)
    assert full.timeout is not None and full.attempts is not None
    assert full.losses is not None and full.grace is not None
    return TaskSpec(
        needs=task.needs,
        placement=task.placement,
        priority=task.hints.priority,
        timeout=full.timeout,
        attempts=full.attempts,
        losses=full.losses,
        grace=full.grace,
        idempotent=task.idempotent,
    )
