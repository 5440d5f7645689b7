"""A second, naive account of a run, kept from what goes into the machine and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence

from spreadjobs.core.actions import (
    Action,
    Cause,
    CloseWorker,
    EndRun,
    GiveUpSlot,
    KillWorker,
    LookAtWorker,
    RecallTasks,
    Resolve,
    Retry,
    SendTasks,
    StartWorker,
)
from spreadjobs.core.events import (
    Event,
    SlotsOffered,
    TasksFinished,
    TaskSpec,
    TasksRecalled,
    TasksSubmitted,
    WorkerEnded,
    WorkerReady,
    WorkerSeen,
)
from spreadjobs.core.task import FINAL, TaskState


class Shadow:
    """Asserts that what the machine asks for makes sense, and that each task ends exactly once."""

    def __init__(self) -> None:
        #: What was submitted; the rejected have no spec.
        self.specs: dict[int, TaskSpec | None] = {}
        #: How each task ended.
        self.ended: dict[int, TaskState] = {}
        #: The attempt at which each task is, and who has it.
        self.attempts: dict[int, int] = {}
        self.holder: dict[int, int] = {}
        #: The same the other way round; the workers that may hold several, and those that are asked for what they hold.
        self.hands: dict[int, dict[int, None]] = {}
        self.ahead: dict[int, bool] = {}
        self.asked: dict[int, None] = {}
        #: The workers that are there, with their slots; those that may be sent tasks; those that are killed, and why.
        self.workers: dict[int, int] = {}
        self.welcome: dict[int, bool] = {}
        self.killed: dict[int, Cause] = {}
        self.started = 0
        #: Slots that may have a worker, and those that have one.
        self.slots: dict[int, bool] = {}
        self.filled: dict[int, int] = {}
        #: What each task has done: errors told, workers taken down, workers on which it was seen or answered.
        self.errors: dict[int, int] = {}
        self.losses: dict[int, int] = {}
        self.began: dict[int, bool] = {}
        self.over: EndRun | None = None

    def follow(self, event: Event, actions: Sequence[Action]) -> None:
        """One event, and what came of it."""
        self._note(event)
        for action in actions:
            assert self.over is None or isinstance(action, Resolve), f"{action} after the end"
            self._do(action)
        if self.over is not None:
            assert self.ended.keys() == self.specs.keys(), "the run ended with open tasks"
            assert not self.workers, "the run ended with workers"

    def _note(self, event: Event) -> None:
        if isinstance(event, SlotsOffered):
            self.slots.update(dict.fromkeys(event.slots, True))
        elif isinstance(event, TasksSubmitted):
            self.specs.update(event.tasks)
            self.specs.update(dict.fromkeys(event.rejected))
        elif isinstance(event, WorkerReady):
            self.ahead[event.worker] = event.ahead
        elif isinstance(event, TasksRecalled):
            assert event.worker in self.asked, "nobody asked"
            del self.asked[event.worker]
        elif isinstance(event, TasksFinished):
            for number, attempt, ok in event.outcomes:
                if self.holder.get(number) == event.worker and self.attempts[number] == attempt:
                    self.began[number] = True
                    self.errors[number] = self.errors.get(number, 0) + (not ok)
        elif isinstance(event, WorkerSeen) and event.task is not None:
            if self.holder.get(event.task) == event.worker:
                self.began[event.task] = True
        elif isinstance(event, WorkerEnded):
            self._note_end(event)

    def _note_end(self, event: WorkerEnded) -> None:
        for number, worker in self.holder.items():
            if worker == event.worker and (number == event.running or self.began[number]):
                self.began[number] = True
                if self._may_charge(number, worker):
                    self.losses[number] = self.losses.get(number, 0) + 1
        del self.filled[self.workers.pop(event.worker)]
        self.welcome.pop(event.worker)
        self.asked.pop(event.worker, None)

    def _do(self, action: Action) -> None:
        if isinstance(action, StartWorker):
            assert action.worker == self.started, "workers are numbered in order"
            assert self.slots[action.slot] and action.slot not in self.filled, "the slot is free"
            self.started += 1
            self.workers[action.worker] = action.slot
            self.filled[action.slot] = action.worker
            self.welcome[action.worker] = True
            self.hands[action.worker] = {}
        elif isinstance(action, SendTasks):
            assert self.welcome[action.worker], f"worker {action.worker} is sent something that it cannot answer"
            for number, attempt in action.tasks:
                self._send(number, attempt, action.worker)
            self._check_hand(action.worker)
        elif isinstance(action, RecallTasks):
            assert self.welcome[action.worker] and len(self.hands[action.worker]) > 1, "there is nothing to recall"
            assert action.worker not in self.asked, "it is asked twice"
            self.asked[action.worker] = None
        elif isinstance(action, Resolve):
            for number, attempt, state, worker in action.endings:
                self._end(number, attempt, state, worker)
        elif isinstance(action, Retry):
            for number, attempt, state, worker in action.endings:
                assert worker is not None and state in (TaskState.READY, TaskState.FAILED, TaskState.LOST)
                self._let_go(number, attempt, state, worker)
                self._check_budget(number, state, 1)
        elif isinstance(action, KillWorker):
            self.welcome[action.worker] = False
            self.killed.setdefault(action.worker, action.cause)
        elif isinstance(action, CloseWorker):
            assert self.welcome[action.worker], f"worker {action.worker} is closed twice"
            self.welcome[action.worker] = False
        elif isinstance(action, LookAtWorker):
            assert self.hands[action.worker], "there is nothing to look at"
        elif isinstance(action, GiveUpSlot):
            assert self.slots[action.slot] and action.slot not in self.filled
            self.slots[action.slot] = False
        else:
            assert self.over is None, "the run ends twice"
            self.over = action

    def _send(self, number: int, attempt: int, worker: int) -> None:
        task = self.specs[number]
        assert task is not None and number not in self.ended, f"task {number} is sent after its end"
        assert number not in self.holder, f"task {number} is sent twice at a time"
        assert attempt == self.attempts.get(number, 0) + 1, "attempts are counted up"
        assert task.idempotent or not self.began.get(number), f"task {number} began, and must not be run again"
        self.attempts[number] = attempt
        self.holder[number] = worker
        self.hands[worker][number] = None
        self.began[number] = False

    def _check_hand(self, worker: int) -> None:
        """Several tasks are of one kind, may be run again, and are on a worker that notes what it begins."""
        specs = [spec for number in self.hands[worker] if (spec := self.specs[number]) is not None]
        if len(specs) > 1:
            assert self.ahead[worker], f"worker {worker} has {len(specs)} tasks, and cannot say which it runs"
            assert worker not in self.asked, f"worker {worker} is sent tasks while others are recalled"
            assert all(spec.idempotent for spec in specs)
            assert len({(spec.needs, spec.placement) for spec in specs}) == 1

    def _end(self, number: int, attempt: int, state: TaskState, worker: int | None) -> None:
        assert number in self.specs, f"task {number} was never submitted"
        assert number not in self.ended, f"task {number} ends twice"
        assert state in FINAL
        if number in self.holder and worker is not None:
            self._let_go(number, attempt, state, worker)
        holder = self.holder.pop(number, None)
        if holder is not None:
            del self.hands[holder][number]
        self.ended[number] = state
        self._check_budget(number, state, 0)

    def _let_go(self, number: int, attempt: int, state: TaskState, worker: int) -> None:
        assert self.holder.pop(number) == worker, f"worker {worker} answers for task {number}, which it has not"
        del self.hands[worker][number]
        assert self.attempts[number] == attempt
        if state is TaskState.READY:
            assert not self.began[number] or not self._may_charge(number, worker), f"task {number} had begun"
        else:
            assert self.began[number] or state is TaskState.NOT_RUN, f"task {number} pays, and had not begun"

    def _may_charge(self, number: int, worker: int) -> bool:
        """Whether a task that had begun pays for the end of its worker: not where we killed it for another's sake."""
        task = self.specs[number]
        is_ours = self.killed.get(worker) in (Cause.FROZEN, Cause.TIMEOUT)
        return not is_ours or (task is not None and not task.idempotent)

    def _check_budget(self, number: int, state: TaskState, left: int) -> None:
        """Whoever pays has done something; whoever goes on has something left, and must be allowed to begin again."""
        task = self.specs[number]
        if task is None:
            return
        errors, losses = self.errors.get(number, 0), self.losses.get(number, 0)
        assert errors + left <= task.attempts or state is not TaskState.FAILED
        assert losses + left <= task.losses or state is not TaskState.LOST
        assert losses or state is not TaskState.LOST, f"task {number} pays for what it did not do"
