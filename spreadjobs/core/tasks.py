"""What becomes of tasks: they come, are answered, are lost, wait, and end.

Rule: a task leaves ``RunState.tasks`` when its state is final, in the same breath in which Resolve says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spreadjobs.core.actions import Cause, Ending, Resolve, Retry
from spreadjobs.core.budgets import charge_error, charge_loss, pause
from spreadjobs.core.deadlines import Timer
from spreadjobs.core.events import TasksFinished, TaskSpec, TasksSubmitted
from spreadjobs.core.ready import Shape
from spreadjobs.core.state import RunState
from spreadjobs.core.task import TaskEntry, TaskState, TaskStep
from spreadjobs.core.worker import WorkerEntry
from spreadjobs.errors import InternalError
from spreadjobs.scheduling.admission import why_never

#: A worker killed for one of these is no fault of the task that it had.
BLAMELESS: Final = (Cause.STOP, Cause.FROZEN)

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
            self._endings += [Ending(number, 0, TaskState.NOT_RUN, None) for number in numbers]
        else:
            self._endings += [Ending(number, 0, TaskState.FAILED, None) for number in event.rejected]
            self._take(event.tasks)
            self._endings.sort()
        self._say()

    def finish(self, event: TasksFinished, worker: WorkerEntry) -> None:
        """A worker has answered. What it has not in hand, or answers for another attempt, is stale."""
        hand = worker.hand
        for number, attempt, ok in event.outcomes:
            task = hand.get(number)
            if task is None or task.attempt != attempt:
                self._run.tally.stale += 1
                continue
            del hand[number]
            if task.state is _SENT:
                task.step(_BEGIN)
            worker.ran = True
            if ok:
                self._end(task, _SUCCEED)
            else:
                self._charge(task, charge_error(task), TaskState.FAILED, event.at)
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
            elif task.shape.never is None:
                self._retry(task, TaskState.READY)
                task.step(TaskStep.RETURN)
                self._run.ready.push(task.shape, task.key)
            else:
                task.worker = None
                self._strand([task.id])
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
        self._say()

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
        shapes: dict[int, Shape] = {}
        for number, spec in tasks:
            shape = shapes.get(id(spec))  # most tasks share one spec, and hashing it costs more than all the rest
            if shape is None:
                shape = shapes[id(spec)] = run.ready.shape_of(spec, run.ledger.hosts.values())
            task = run.tasks[number] = TaskEntry(number, spec, shape)
            if shape.never is None:
                run.ready.push(shape, task.key)
            else:
                self._end(task, TaskStep.FAIL)

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
        self._endings.append(Ending(task.id, task.attempt, task.state, task.worker))

    def _say(self) -> None:
        run = self._run
        if self._endings:
            for ending in self._endings:
                state = ending.state
                run.tally.ended[state] += 1
                if state is not _DONE and state is not TaskState.NOT_RUN:
                    run.failed = True
            run.out.append(Resolve(tuple(self._endings)))
            self._endings.clear()
        if self._retries:
            run.out.append(Retry(tuple(self._retries)))
            self._retries.clear()
