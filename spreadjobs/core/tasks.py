"""What becomes of tasks: they come, are answered, are lost, wait, and end.

Rule: a task leaves ``RunState.tasks`` when its state is final, in the same breath in which Resolve says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spreadjobs.core.actions import Cause, Ending, Resolve, Retry
from spreadjobs.core.budgets import charge_error, charge_loss, pause
from spreadjobs.core.deadlines import Timer
from spreadjobs.core.events import TasksFinished, TaskSpec, TasksRecalled, TasksSubmitted
from spreadjobs.core.ready import Shape
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState, TaskStep
from spreadjobs.core.worker import WorkerEntry, WorkerState
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.admission import why_never
from spreadjobs.scheduling.order import OrderKey

#: A worker killed for one of these is no fault of the tasks that it still has: one that timed out has ended.
BLAMELESS: Final = (Cause.STOP, Cause.FROZEN, Cause.TIMEOUT)

#: Ends that are no failure.
UNBLAMED: Final = (TaskState.DONE, TaskState.NOT_RUN)

# Makes a named tuple in a third of the time that its own constructor takes.
_new = tuple.__new__
# What each answer needs is looked up once: in an enum that costs as much as a call does.
_SENT, _DONE = TaskState.SENT, TaskState.DONE
_BEGIN, _SUCCEED = TaskStep.BEGIN, TaskStep.SUCCEED


class Tasks:
    """The steps of tasks, and what each asks to be said."""

    __slots__ = ("_endings", "_retries", "_run")

    def __init__(self, run: RunState) -> None:
        self._run = run
        # What the event at hand has ended so far, not said yet.
        self._endings: list[Ending] = []
        self._retries: list[Ending] = []

    def submit(self, event: TasksSubmitted) -> None:
        """Tasks have come.

        Raises InternalError, and takes none, where a number is not higher than all before, or the input had ended.
        """
        run = self._run
        highest = self._check_numbers(event)
        run.highest = highest
        run.submitted = run.submitted or bool(event.tasks or event.rejected)
        if run.how is not None:
            numbers = sorted([*(number for number, _ in event.tasks), *event.rejected])
            self._note([Ending(number, 0, TaskState.NOT_RUN, None) for number in numbers])
        else:
            self._note([Ending(number, 0, TaskState.FAILED, None) for number in event.rejected])
            self._take(event.tasks)
            self._endings.sort()
        self._say()

    def finish(self, event: TasksFinished, worker: WorkerEntry) -> bool:
        """A worker has answered; whether for anything: what it has not in hand, or at another attempt, is stale."""
        hand, teller, tasks, tally, done = worker.hand, worker.id, self._run.tasks, self._run.tally, 0
        before = len(hand)
        for number, attempt, ok in event.outcomes:
            task = hand.get(number)
            if task is None or task.attempt != attempt:
                tally.stale += 1
                continue
            del hand[number]
            if ok:
                task.step(_SUCCEED)
                del tasks[number]
                self._endings.append(_new(Ending, (number, attempt, _DONE, teller)))
                done += 1
            else:
                if task.state is _SENT:
                    task.step(_BEGIN)
                self._charge(task, charge_error(task), TaskState.FAILED, event.at)
        tally.ended[_DONE] += done
        answered = before - len(hand)
        if answered:
            worker.ran = True
            if worker.most > 1:
                self._learn(worker, event.at, answered)
        self._say()
        return answered > 0

    def recall(self, event: TasksRecalled, worker: WorkerEntry) -> None:
        """What a worker had not begun, and will not, is ready again."""
        for number in event.tasks:
            task = worker.hand.pop(number, None)
            if task is not None:
                self._return(task)
        self._run.weigh(worker)
        self._say()

    def give_back(self, worker: WorkerEntry, running: int | None, at: float) -> None:
        """A worker has ended: charge the task that had begun, and take back the others."""
        blameless = worker.cause in BLAMELESS
        for task in worker.hand.values():
            began = task.id == running or task.state is TaskState.RUNNING
            if began and not (blameless and task.spec.idempotent):
                if task.state is TaskState.SENT:
                    task.step(TaskStep.BEGIN)
                self._charge(task, charge_loss(task), TaskState.LOST, at)
            else:
                self._return(task)
        worker.hand.clear()
        self._say()

    def expire(self, task: TaskEntry, worker: WorkerEntry) -> None:
        """A task has run longer than it may. Its worker fills its cpus until it has ended."""
        del worker.hand[task.id]
        self._end(task, TaskStep.EXPIRE)
        self._say()

    def release(self, number: int) -> None:
        """A task's back-off is over."""
        task = self._run.tasks[number]
        task.step(TaskStep.RELEASE)
        del task.shape.delayed[number]
        self._run.ready.push(task.shape, task.key)

    def reconsider(self) -> None:
        """The hosts have changed: end what waits and can never run now."""
        run = self._run
        for shape in run.ready.shapes.values():
            shape.never = why_never(shape, run.ledger.hosts.values())
            if shape.never is not None:
                self._strand(sorted(shape.numbers()))
                shape.clear()
        self._say()

    def abandon_all(self) -> None:
        """The run is stopped: end all that is open."""
        run = self._run
        self._abandon(sorted(run.tasks))
        for shape in run.ready.shapes.values():
            shape.clear()
        for worker in run.workers.values():
            worker.hand.clear()
        run.loaded.clear()
        self._say()

    def _learn(self, worker: WorkerEntry, at: float, answered: int) -> None:
        run, growth = self._run, worker.hear(at, answered)
        if worker.state is WorkerState.BUSY:
            run.windows += growth
            run.weigh(worker)

    def _check_numbers(self, event: TasksSubmitted) -> int:
        """The highest number there is now."""
        run = self._run
        if run.input_ended and run.how is None:
            raise InternalError("tasks were submitted after the end of the input")
        numbers = [number for number, _ in event.tasks]
        numbers = sorted([*numbers, *event.rejected]) if event.rejected else numbers
        highest = run.highest
        for number in numbers:
            if number <= highest:
                raise InternalError(f"task {number} was submitted after task {highest}: a number is used twice")
            highest = number
        return highest

    def _take(self, tasks: Sequence[tuple[int, TaskSpec]]) -> None:
        run = self._run
        # Most tasks share one spec, and hashing it costs more than all the rest.
        kinds: dict[int, tuple[Shape, list[OrderKey]]] = {}
        for number, spec in tasks:
            kind = kinds.get(id(spec))
            if kind is None:
                kind = kinds[id(spec)] = run.ready.shape_of(spec, run.ledger.hosts.values()), []
            shape, keys = kind
            task = run.tasks[number] = TaskEntry(number, spec, shape)
            if shape.never is None:
                keys.append(task.key)
            else:
                self._end(task, TaskStep.FAIL)
        for shape, keys in kinds.values():
            run.ready.extend(shape, keys)

    def _return(self, task: TaskEntry) -> None:
        """A task that was sent and had not begun is ready again, if anybody can run it."""
        if task.shape.never is None:
            self._retry(task, TaskState.READY)
            task.step(TaskStep.RETURN)
            self._run.ready.push(task.shape, task.key)
        else:
            task.worker = None
            self._strand([task.id])

    def _strand(self, numbers: Sequence[int]) -> None:
        """End tasks that no worker is left for: that is not how a run should end."""
        self._run.stranded = self._run.stranded or bool(numbers)
        self._abandon(numbers)

    def _abandon(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            task = self._run.tasks[number]
            if task.state is TaskState.DELAYED:
                self._run.deadlines.clear((Timer.TASK, number))
            self._end(task, TaskStep.ABANDON)

    def _charge(self, task: TaskEntry, step: TaskStep, ended: TaskState, at: float) -> None:
        """Take the step that a budget decided: the end, or a pause before another attempt."""
        if step is not TaskStep.DELAY:
            self._end(task, step)
            return
        run = self._run
        self._retry(task, ended)
        task.step(step)
        task.shape.delayed[task.id] = None
        run.deadlines.set((Timer.TASK, task.id), at + pause(run.rules, task.errors + task.losses, run.jitter))

    def _retry(self, task: TaskEntry, ended: TaskState) -> None:
        self._retries.append(Ending(task.id, task.attempt, ended, task.worker))
        self._run.tally.retries += 1
        task.worker = None

    def _end(self, task: TaskEntry, step: TaskStep) -> None:
        task.step(step)
        del self._run.tasks[task.id]
        self._note([Ending(task.id, task.attempt, task.state, task.worker)])

    def _note(self, endings: Sequence[Ending]) -> None:
        run = self._run
        for ending in endings:
            run.tally.ended[ending.state] += 1
            run.failed = run.failed or ending.state not in UNBLAMED
        self._endings += endings

    def _say(self) -> None:
        run = self._run
        if self._endings:
            run.out.append(Resolve(tuple(self._endings)))
            self._endings.clear()
        if self._retries:
            run.out.append(Retry(tuple(self._retries)))
            self._retries.clear()
