"""A world in virtual time: scripted workers, the real machine.

    Sim ──events──> Bench (Machine, invariants, Shadow) ──actions──> Sim ──> Process: what a Life and a Deed say

A worker lives as its Life says; a task does on it what its Deed says. Nothing here waits: the clock jumps to whatever
comes next, the world's next event or the machine's wake-up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from spreadjobs.core.actions import (
    Action,
    CloseWorker,
    EndRun,
    KillWorker,
    LookAtWorker,
    Resolve,
    RunEnd,
    SendTasks,
    StartWorker,
)
from spreadjobs.core.events import (
    Event,
    InputEnded,
    Outcome,
    SlotsOffered,
    StopRequested,
    TasksFinished,
    TaskSpec,
    TasksSubmitted,
    TimePassed,
    WorkerAccepted,
    WorkerEnded,
    WorkerFaulted,
    WorkerPrinted,
    WorkerReady,
    WorkerSeen,
)
from spreadjobs.core.rules import Rules
from spreadjobs.core.task import TaskState
from tests.core.bench import PLAIN, Bench

INF = math.inf


@dataclass(frozen=True)
class Life:
    """A worker's: seconds, ``INF`` for never."""

    #: From the start until it accepts, and from then until it is ready.
    accepts: float = 0.0
    prepares: float = 0.0
    #: Seconds of work that it does in a second.
    speed: float = 1.0
    #: Its age when it is killed from outside, leaves with status 0, breaks the protocol (for good or not).
    dies: float = INF
    exits: float = INF
    faults: float = INF
    permanent: bool = False
    #: It does not begin what it is sent.
    is_frozen: bool = False
    #: How often, and how far apart, it prints after its input is closed, before it ends.
    prints: int = 0
    tail: float = 0.0
    #: It ends only at the end of the kill ladder, not at its start.
    is_stubborn: bool = False
    #: It cannot be started at all.
    is_missing: bool = False


@dataclass(frozen=True)
class Deed:
    """What a task does, on one attempt."""

    seconds: float = 1.0
    ok: bool = True
    #: It takes its worker down when its seconds are over.
    kills: bool = False
    #: Seconds from when it is sent, or its worker is free, until it begins.
    delay: float = 0.0


@dataclass
class Process:
    """A worker's process."""

    worker: int
    life: Life
    is_there: bool = True
    hand: list[tuple[int, int]] = field(default_factory=list)
    running: int | None = None
    began: float | None = None


class Sim:
    """Describe a world, then ``run`` it; read ``trace``, ``ended``, ``how``."""

    def __init__(self, rules: Rules | None = None, jitter: Callable[[], float] = lambda: 1.0, check: int = 1) -> None:
        self.bench = Bench(rules, jitter, check)
        self.now = 0.0
        self.processes: dict[int, Process] = {}
        self._lives: dict[int, list[Life]] = {}
        self._deeds: dict[int, Sequence[Deed]] = {}
        self._agenda: list[tuple[float, int, Callable[[], Event | None]]] = []
        self._noted = 0

    @property
    def trace(self) -> list[tuple[float, Action]]:
        """Every action, with its time."""
        return self.bench.trace

    @property
    def ended(self) -> dict[int, TaskState]:
        """How each task ended."""
        return self.bench.shadow.ended

    @property
    def how(self) -> RunEnd | None:
        """How the run ended, None where it goes on."""
        over = self.bench.shadow.over
        return None if over is None else over.how

    def host(self, name: str, *slots: Sequence[Life] | Life, at: float = 0.0) -> None:
        """A host comes, with slots; each has a worker of each of these lives in turn, and the last one's for ever."""
        first = len(self._lives)
        for life in slots:
            self._lives[len(self._lives)] = [life] if isinstance(life, Life) else list(life)
        self.later(at, SlotsOffered(at, name, range(first, len(self._lives))))

    def task(self, number: int, *deeds: Deed, like: TaskSpec = PLAIN, at: float = 0.0) -> None:
        """A task comes, which does one of these things on each attempt in turn, the last one for ever."""
        self.tasks([number], *deeds, like=like, at=at)

    def tasks(self, numbers: Sequence[int], *deeds: Deed, like: TaskSpec = PLAIN, at: float = 0.0) -> None:
        """Tasks of one kind come, all at once."""
        self._deeds.update(dict.fromkeys(numbers, deeds or (Deed(),)))
        self.later(at, TasksSubmitted(at, [(number, like) for number in numbers]))

    def end_input(self, at: float = 0.0) -> None:
        """No further task comes."""
        self.later(at, InputEnded(at))

    def stop(self, at: float) -> None:
        """Whoever owns the run wants it to end."""
        self.later(at, StopRequested(at))

    def later(self, at: float, event: Event) -> None:
        """This happens then, whatever comes before."""
        self._plan(at, lambda: event)

    def run(self, ceiling: int = 100_000) -> None:
        """Let things happen until the run is over, and fail where it never is."""
        for _ in range(ceiling):
            event = self._next()
            if event is None:
                break
            for action in self.bench.tell(event):
                self._act(action)
        else:
            raise AssertionError(f"{ceiling} events, and no end")
        assert self.how is not None, "nothing will happen any more, and the run is not over"

    def _next(self) -> Event | None:
        """The next event of the world, or the machine's wake-up where that is sooner; None where there is neither."""
        while True:
            wake_at = self.bench.machine.wake_at()
            if wake_at is not None and not (self._agenda and self._agenda[0][0] <= wake_at):
                self.now = max(self.now, wake_at)
                return TimePassed(self.now)
            if not self._agenda:
                return None
            at, _, happen = heappop(self._agenda)
            self.now = max(self.now, at)
            event = happen()
            if event is not None:
                return event

    def _plan(self, at: float, happen: Callable[[], Event | None]) -> None:
        if at < INF:
            self._noted += 1
            heappush(self._agenda, (at, self._noted, happen))

    def _act(self, action: Action) -> None:
        if isinstance(action, StartWorker):
            self._start(action)
        elif isinstance(action, SendTasks):
            process = self.processes[action.worker]
            process.hand += action.tasks
            if len(process.hand) == len(action.tasks):
                self._begin_next(process)
        elif isinstance(action, LookAtWorker):
            process = self.processes[action.worker]
            self.later(self.now, WorkerSeen(self.now, process.worker, process.running, process.began, False))
        elif isinstance(action, CloseWorker):
            self._close(self.processes[action.worker])
        elif isinstance(action, KillWorker):
            process = self.processes[action.worker]
            self._end(self.now + (action.grace if process.life.is_stubborn else 0.0), process, -9)
        else:
            assert not isinstance(action, EndRun) or not any(p.is_there for p in self.processes.values())

    def _start(self, action: StartWorker) -> None:
        lives = self._lives[action.slot]
        life = lives.pop(0) if len(lives) > 1 else lives[0]
        process = self.processes[action.worker] = Process(action.worker, life)
        worker, born = action.worker, self.now
        if life.is_missing:
            self._end(born, process, None)
            return
        accepts = born + life.accepts
        self._if_there(accepts, process, lambda: WorkerAccepted(self.now, worker))
        self._if_there(accepts + life.prepares, process, lambda: WorkerReady(self.now, worker))
        self._if_there(born + life.faults, process, lambda: WorkerFaulted(self.now, worker, life.permanent))
        self._end(born + life.dies, process, -9)
        self._end(born + life.exits, process, 0)

    def _close(self, process: Process) -> None:
        life = process.life
        for count in range(1, life.prints + 1):
            self._if_there(self.now + count * life.tail, process, lambda: WorkerPrinted(self.now, process.worker))
        self._end(self.now + (life.prints + 1) * life.tail, process, 0)

    def _begin_next(self, process: Process) -> None:
        if process.life.is_frozen:
            return
        number, attempt = process.hand[0]
        deeds = self._deeds[number]
        deed = deeds[min(attempt, len(deeds)) - 1]

        def begin() -> None:
            process.running, process.began = number, self.now
            end = self.now + deed.seconds / process.life.speed
            if deed.kills:
                self._end(end, process, -11)
            else:
                self._if_there(end, process, finish)

        def finish() -> Event:
            process.hand.pop(0)
            process.running = process.began = None
            if process.hand:
                self._begin_next(process)
            return TasksFinished(self.now, process.worker, [Outcome(number, attempt, deed.ok)])

        self._if_there(self.now + deed.delay, process, begin)

    def _end(self, at: float, process: Process, status: int | None) -> None:
        def end() -> Event:
            process.is_there = False
            return WorkerEnded(self.now, process.worker, status, process.running, process.life.is_missing)

        self._if_there(at, process, end)

    def _if_there(self, at: float, process: Process, happen: Callable[[], Event | None]) -> None:
        """Plan what happens only while the process is there."""
        self._plan(at, lambda: happen() if process.is_there else None)


def endings(sim: Sim) -> list[tuple[float, int, TaskState]]:
    """When each task ended, and how, in the order in which it was told."""
    resolved = [(at, action) for at, action in sim.trace if isinstance(action, Resolve)]
    return [(at, ending.task, ending.state) for at, action in resolved for ending in action.endings]
