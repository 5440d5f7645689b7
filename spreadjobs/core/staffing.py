"""Staffing: which slots get a worker, and which are given up.

Rule 1: a worker is started only while it is wanted; a slot whose worker is not is vacant, and is looked at again.
Rule 2: three workers in a row that end before any task has begun cost the slot; so starting workers comes to an end.
"""

from __future__ import annotations

from spreadjobs.core.actions import Cause, GiveUpSlot
from spreadjobs.core.budgets import pause
from spreadjobs.core.crew import Crew
from spreadjobs.core.state import RunState
from spreadjobs.core.tasks import Tasks
from spreadjobs.core.worker import WorkerEntry
from spreadjobs.scheduling.admission import can_ever


class Staffing:
    """What becomes of slots."""

    __slots__ = ("_crew", "_run", "_tasks")

    def __init__(self, run: RunState, crew: Crew, tasks: Tasks) -> None:
        self._run = run
        self._crew = crew
        self._tasks = tasks

    def settle(self, worker: WorkerEntry, left: bool, at: float) -> None:
        """A slot's worker has ended; left: because it wanted to."""
        run, slot = self._run, worker.slot
        if run.closing or worker.closed:
            run.ledger.finish(slot)
        elif left or worker.permanent:
            self._give_up(worker)
        elif worker.ran:
            slot.deaths = 0
            run.ledger.vacate(slot)
        else:
            self._count_early_death(worker, at)

    def end_rest(self, number: int) -> None:
        """A slot's rest is over."""
        ledger = self._run.ledger
        ledger.vacate(ledger.slots[number])

    def staff(self, at: float) -> None:
        """Start workers in vacant slots, as far as they are wanted."""
        run = self._run
        vacant = run.ledger.vacant
        while vacant and (not run.input_ended or not run.submitted or run.ledger.live < len(run.tasks)):
            self._crew.start(next(iter(vacant.values())), at)
        if vacant:
            self._serve_every_shape(at)

    def _serve_every_shape(self, at: float) -> None:
        """Let no task wait while all the live workers are where it may not run."""
        run = self._run
        for shape in run.ready.waiting():
            if not any(host.live and can_ever(shape, host) for host in run.ledger.hosts.values()):
                slot = next((slot for slot in run.ledger.vacant.values() if can_ever(shape, slot.host)), None)
                if slot is not None:
                    self._crew.start(slot, at)

    def _count_early_death(self, worker: WorkerEntry, at: float) -> None:
        """A death that we caused costs no rest, but it counts: or a slot that always freezes would go on for ever."""
        run, slot = self._run, worker.slot
        slot.deaths += 1
        if slot.deaths >= run.rules.early_deaths:
            self._give_up(worker)
        elif worker.cause is Cause.FROZEN:
            run.ledger.vacate(slot)
        else:
            run.ledger.rest(slot)
            run.deadlines.set(slot.key, at + pause(run.rules, slot.deaths, run.jitter))

    def _give_up(self, worker: WorkerEntry) -> None:
        run = self._run
        run.ledger.finish(worker.slot)
        run.out.append(GiveUpSlot(worker.slot.id, worker.id))
        self._tasks.reconsider()
