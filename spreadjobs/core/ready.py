"""The READY index: ready tasks by shape, and which shape's head goes first.

Tasks of one shape ask for the same, so one look at the head of a shape answers for all that are behind it.
Rule: taking or adding a task costs the same however many wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush, heapreplace

from spreadjobs.core.events import TaskSpec
from spreadjobs.records import Needs, Placement
from spreadjobs.scheduling.admission import HostView, why_never
from spreadjobs.scheduling.order import OrderKey


class Shape:
    """What some tasks ask for, and those of them that wait."""

    __slots__ = ("_early", "_queue", "ahead", "cpus", "delayed", "listed", "needs", "never", "placement")

    def __init__(self, needs: Needs, placement: Placement, ahead: bool) -> None:
        #: Whether such tasks may be sent to a worker that is busy: what it has begun may be run again.
        self.ahead = ahead
        self.needs = needs
        self.placement = placement
        self.cpus = needs.cpus
        #: Why no host can run such tasks, None where one can.
        self.never: str | None = None
        #: The tasks in back-off, by number.
        self.delayed: dict[int, None] = {}
        #: The key under which the index lists it, None where it does not.
        self.listed: OrderKey | None = None
        # Keys mostly come in order: those that do are queued, which is cheaper than a heap; the others are a heap.
        self._queue: deque[OrderKey] = deque()
        self._early: list[OrderKey] = []

    def push(self, key: OrderKey) -> None:
        """Add a task."""
        queue = self._queue
        if not queue or key > queue[-1]:
            queue.append(key)
        else:
            heappush(self._early, key)

    def extend(self, keys: Sequence[OrderKey]) -> None:
        """Add tasks whose keys rise."""
        if not self._queue or keys[0] > self._queue[-1]:
            self._queue.extend(keys)
        else:
            for key in keys:
                self.push(key)

    def head(self) -> OrderKey | None:
        """The key of the task that goes first, None where none is ready."""
        queue, early = self._queue, self._early
        if early and (not queue or early[0] < queue[0]):
            return early[0]
        return queue[0] if queue else None

    def pop(self) -> OrderKey:
        """Take out the head of a shape that has one."""
        queue, early = self._queue, self._early
        if early and (not queue or early[0] < queue[0]):
            return heappop(early)
        return queue.popleft()

    def take(self, most: int, rival: OrderKey | None) -> list[int]:
        """Take out the head of a shape that has one, and what follows as long as it goes before the rival."""
        if most == 1:
            return [self.pop()[-1]]
        if rival is None and not self._early:
            pop = self._queue.popleft
            return [pop()[-1] for _ in range(min(most, len(self._queue)))]
        numbers = [self.pop()[-1]]
        while len(numbers) < most and (head := self.head()) is not None and (rival is None or head < rival):
            numbers.append(self.pop()[-1])
        return numbers

    def ready(self) -> int:
        """How many tasks are ready."""
        return len(self._queue) + len(self._early)

    def numbers(self) -> Iterator[int]:
        """All that wait, ready or delayed, in no useful order."""
        yield from (key[-1] for key in self._queue)
        yield from (key[-1] for key in self._early)
        yield from self.delayed

    def clear(self) -> None:
        """Forget all that wait."""
        self._queue.clear()
        self._early.clear()
        self.delayed.clear()
        self.listed = None


class ReadyIndex:
    """Shapes by what they ask for, and a heap of their heads."""

    __slots__ = ("_heads", "shapes")

    def __init__(self) -> None:
        self.shapes: dict[tuple[Needs, Placement, bool], Shape] = {}
        # An entry counts only while its shape is listed under that very key.
        self._heads: list[tuple[OrderKey, Shape]] = []

    def shape_of(self, task: TaskSpec, hosts: Iterable[HostView]) -> Shape:
        """The shape of such a task, with ``never`` found out where it is new."""
        asked = (task.needs, task.placement, task.idempotent)
        shape = self.shapes.get(asked)
        if shape is None:
            shape = self.shapes[asked] = Shape(*asked)
            shape.never = why_never(shape, hosts)
        return shape

    def push(self, shape: Shape, key: OrderKey) -> None:
        """A task of this shape is ready."""
        shape.push(key)
        self._list(shape, key)

    def extend(self, shape: Shape, keys: Sequence[OrderKey]) -> None:
        """Tasks of this shape, whose keys rise, are ready."""
        if keys:
            shape.extend(keys)
            self._list(shape, keys[0])

    def first(self) -> Shape | None:
        """The shape whose head goes first, of those that are listed."""
        heads = self._heads
        while heads:
            key, shape = heads[0]
            if shape.listed is key:
                return shape
            heappop(heads)
        return None

    def take(self, shape: Shape, most: int) -> list[int]:
        """Take tasks of the shape that is first, for as long as it is, and give their numbers: one at least."""
        heads = self._heads
        numbers: list[int] = []
        while True:
            rival = min(heads[1:3])[0] if len(heads) > 1 else None
            numbers += shape.take(most - len(numbers), rival)
            shape.listed = head = shape.head()
            if head is None:
                heappop(heads)
            else:
                heapreplace(heads, (head, shape))
            if len(numbers) >= most or self.first() is not shape:
                return numbers

    def set_aside(self, shape: Shape) -> None:
        """Do not list the shape that is first."""
        heappop(self._heads)
        shape.listed = None

    def bring_back(self, shapes: Iterable[Shape]) -> None:
        """List shapes again that were set aside."""
        for shape in shapes:
            shape.listed = shape.head()
            if shape.listed is not None:
                heappush(self._heads, (shape.listed, shape))

    def waiting(self) -> Iterator[Shape]:
        """The shapes of which a task waits, ready or delayed, in the order in which they were first seen."""
        return (shape for shape in self.shapes.values() if shape.listed is not None or shape.delayed)

    def _list(self, shape: Shape, key: OrderKey) -> None:
        """List a shape under this key of its, where it is not listed under an earlier one."""
        if shape.listed is None or key < shape.listed:
            shape.listed = key
            heappush(self._heads, (key, shape))

    def __len__(self) -> int:
        return sum(shape.ready() for shape in self.shapes.values())
