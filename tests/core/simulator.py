"""A world in virtual time: scripted workers, the real machine.

    Sim ──events──> Bench (Machine, invariants, Shadow) ──actions──> Sim ──> Process: what a Life and a Deed say

A worker lives as its Life says; a task does on it what its Deed says. Nothing here waits: the clock jumps to whatever
comes next, the world's next event or the machine's wake-up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice

from spreadjobs.core.actions import (
    Action,
    CloseWorker,
    EndRun,
    KillWorker,
    LookAtWorker,
    RecallTasks,
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
    TasksRecalled,
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
#: How many tasks are submitted at a time.
BATCH = 64


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
    #: It may have several tasks in hand, and those that it has not begun can be recalled.
    ahead: bool = False
    #: Seconds that what is written takes to arrive, each way.
    latency: float = 0.0
    #: Its answers are read so many at a time, or when it has nothing more to do.
    batch: int = 1
    #: In the instant of a recall it begins the first of what is recalled.
    is_hasty: bool = False


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
    #: What it was sent and has not done: task, attempt, and when that arrives. The first is what it begins or runs.
    hand: list[tuple[int, int, float]] = field(default_factory=list)
    #: Whether it does the first, or waits to.
    is_busy: bool = False
    running: int | None = None
    began: float | None = None
    #: The recalled attempt that it began all the same.
    stolen: tuple[int, int] | None = None
    #: What it has answered and nobody has read.
    unread: list[Outcome] = field(default_factory=list)

    @property
    def noted(self) -> tuple[int | None, float | None]:
        """What it runs and since when, as far as anybody waits for it."""
        is_stolen = self.running is not None and self.hand[0][:2] == self.stolen
        return (None, None) if is_stolen else (self.running, self.began)


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
        # What is submitted when the machine wants more: number and deed; None where nothing is.
        self._store: Iterator[tuple[int, Deed]] | None = None
        self._like = PLAIN

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

    def feed(self, deeds: Iterable[Deed], like: TaskSpec = PLAIN) -> None:
        """These tasks come whenever the machine wants more, BATCH at a time; then the input ends."""
        self._store, self._like = enumerate(deeds), like

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
            self._tell(event)
            while self._store is not None and self.bench.machine.wanted() > 0:
                self._refill(self._store)
        else:
            raise AssertionError(f"{ceiling} events, and no end")
        assert self.how is not None, "nothing will happen any more, and the run is not over"

    def _tell(self, event: Event) -> None:
        for action in self.bench.tell(event):
            self._act(action)

    def _refill(self, store: Iterator[tuple[int, Deed]]) -> None:
        batch = dict(islice(store, BATCH))
        if batch:
            self._deeds.update((number, (deed,)) for number, deed in batch.items())
            self._tell(TasksSubmitted(self.now, [(number, self._like) for number in batch]))
        else:
            self._store = None
            self._tell(InputEnded(self.now))

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

    def _at_once(self, event: Event) -> None:
        """This happens before anything else does."""
        self._noted += 1
        heappush(self._agenda, (self.now, -self._noted, lambda: event))

    def _act(self, action: Action) -> None:
        if isinstance(action, StartWorker):
            self._start(action)
        elif isinstance(action, SendTasks):
            process = self.processes[action.worker]
            process.hand += [(task, attempt, self.now + process.life.latency) for task, attempt in action.tasks]
            self._begin_next(process)
        elif isinstance(action, RecallTasks):
            self._recall(self.processes[action.worker])
        elif isinstance(action, LookAtWorker):
            process = self.processes[action.worker]
            self.later(self.now, WorkerSeen(self.now, process.worker, *process.noted, False))
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
        self._if_there(accepts + life.prepares, process, lambda: WorkerReady(self.now, worker, life.ahead))
        self._if_there(born + life.faults, process, lambda: WorkerFaulted(self.now, worker, life.permanent))
        self._end(born + life.dies, process, -9)
        self._end(born + life.exits, process, 0)

    def _close(self, process: Process) -> None:
        life = process.life
        for count in range(1, life.prints + 1):
            self._if_there(self.now + count * life.tail, process, lambda: WorkerPrinted(self.now, process.worker))
        self._end(self.now + (life.prints + 1) * life.tail, process, 0)

    def _recall(self, process: Process) -> None:
        """Take back what has not begun, and tell so."""
        kept = 0 if process.running is None else 1
        back = process.hand[kept:]
        del process.hand[kept:]
        if not kept:
            process.is_busy = False
            if back and process.life.is_hasty and process.stolen is None:
                process.stolen = back[0][:2]
                process.hand.append(back[0])
                self._begin_next(process)
        self._at_once(TasksRecalled(self.now, process.worker, [task for task, _, _ in back]))

    def _begin_next(self, process: Process) -> None:
        if process.life.is_frozen or process.is_busy or not process.hand:
            return
        process.is_busy = True
        first = number, attempt, arrives = process.hand[0]
        deeds = self._deeds[number]
        deed = deeds[min(attempt, len(deeds)) - 1]

        def begin() -> None:
            if process.running is not None or not process.hand or process.hand[0] is not first:
                return  # it was recalled
            process.running, process.began = number, self.now
            end = self.now + deed.seconds / process.life.speed
            if deed.kills:
                self._end(end, process, -11)
            else:
                self._if_there(end, process, finish)

        def finish() -> Event | None:
            process.hand.pop(0)
            process.running = process.began = None
            process.is_busy = False
            self._begin_next(process)
            process.unread.append(Outcome(number, attempt, deed.ok))
            is_told = len(process.unread) >= process.life.batch or not process.hand
            return self._read(process) if is_told else None

        self._if_there(max(self.now, arrives) + deed.delay, process, begin)

    def _read(self, process: Process) -> Event | None:
        """Tell what a worker has answered, as soon as it has arrived."""
        answered, process.unread = process.unread, []
        if not process.life.latency:
            return TasksFinished(self.now, process.worker, answered)
        arrives = self.now + process.life.latency
        self.later(arrives, TasksFinished(arrives, process.worker, answered))
        return None

    def _end(self, at: float, process: Process, status: int | None) -> None:
        """Its end is told once all that it has written is read."""

        def end() -> Event | None:
            process.is_there = False
            told = self.now + process.life.latency
            task, _ = process.noted
            ended = WorkerEnded(told, process.worker, status, task, process.life.is_missing)
            if not process.unread and told == self.now:
                return ended
            if process.unread:
                self.later(told, TasksFinished(told, process.worker, process.unread))
            self.later(told, ended)
            return None

        self._if_there(at, process, end)

    def _if_there(self, at: float, process: Process, happen: Callable[[], Event | None]) -> None:
        """Plan what happens only while the process is there."""
        self._plan(at, lambda: happen() if process.is_there else None)


def endings(sim: Sim) -> list[tuple[float, int, TaskState]]:
    """When each task ended, and how, in the order in which it was told."""
    resolved = [(at, action) for at, action in sim.trace if isinstance(action, Resolve)]
    return [(at, ending.task, ending.state) for at, action in resolved for ending in action.endings]
