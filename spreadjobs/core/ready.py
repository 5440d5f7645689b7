"""The READY index: ready tasks by shape, and which shape's head goes first.

Tasks of one shape ask for the same, so one look at the head of a shape answers for all that are behind it.
Rule: taking or adding a task costs the same however many wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, heapreplace

from spreadjobs.records import Needs, Placement
from spreadjobs.scheduling.admission import Asking, HostView, why_never
from spreadjobs.scheduling.order import OrderKey


class Shape:
    """What some tasks ask for, and those of them that wait."""

    __slots__ = ("_early", "_queue", "cpus", "delayed", "listed", "needs", "never", "placement")

    def __init__(self, needs: Needs, placement: Placement) -> None:
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
        self.shapes: dict[tuple[Needs, Placement], Shape] = {}
        # An entry counts only while its shape is listed under that very key.
        self._heads: list[tuple[OrderKey, Shape]] = []

    def shape_of(self, task: Asking, hosts: Iterable[HostView]) -> Shape:
        """The shape of such a task, with ``never`` found out where it is new."""
        asked = (task.needs, task.placement)
        shape = self.shapes.get(asked)
        if shape is None:
            shape = self.shapes[asked] = Shape(*asked)
            shape.never = why_never(shape, hosts)
        return shape

    def push(self, shape: Shape, key: OrderKey) -> None:
        """A task of this shape is ready."""
        shape.push(key)
        if shape.listed is None or key < shape.listed:
            shape.listed = key
            heappush(self._heads, (key, shape))

    def first(self) -> Shape | None:
        """The shape whose head goes first, of those that are listed."""
        heads = self._heads
        while heads:
            key, shape = heads[0]
            if shape.listed is key:
                return shape
            heappop(heads)
        return None

    def take(self, shape: Shape) -> int:
        """Take out the head of the shape that is first, and give its number."""
        number = shape.pop()[-1]
        head = shape.listed = shape.head()
        if head is None:
            heappop(self._heads)
        else:
            heapreplace(self._heads, (head, shape))
        return number

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

    def __len__(self) -> int:
        return sum(shape.ready() for shape in self.shapes.values())
