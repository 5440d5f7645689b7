"""The ledger: which slots there are and who has them, and which cpus of which host are taken.

Rule: no other file counts slots, live workers or cpus.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from spreadjobs.core.host import HostEntry, HostStep
from spreadjobs.core.idle import IdleIndex
from spreadjobs.core.slot import SlotEntry, SlotState
from spreadjobs.core.worker import WorkerEntry
from spreadjobs.errors import InternalError


class Ledger:
    """Hosts, slots, and what is taken of them."""

    __slots__ = ("hosts", "idle", "live", "slots", "standing", "vacant")

    def __init__(self) -> None:
        self.hosts: dict[str, HostEntry] = {}
        self.slots: dict[int, SlotEntry] = {}
        self.idle = IdleIndex()
        #: The slots that could have a worker now, in the order in which they fell vacant.
        self.vacant: OrderedDict[int, SlotEntry] = OrderedDict()
        #: How many slots are not finished.
        self.standing = 0
        #: How many workers are live, those included that start after a rest.
        self.live = 0

    def offer(self, name: str, slots: Sequence[int]) -> None:
        """A host has come with these slots, or with more of them.

        Raises InternalError where a slot's number was used before, or the host is down.
        """
        used = [number for number in slots if number in self.slots]
        if used:
            raise InternalError(f"slots {used} of {name} are offered twice")
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = HostEntry(name)
            self.idle.welcome(host)
        elif not host.slots:
            raise InternalError(f"host {name} is {host.state.name} and offers slots")
        for number in slots:
            self.slots[number] = self.vacant[number] = SlotEntry(number, host)
        host.offered += len(slots)
        host.slots += len(slots)
        self.standing += len(slots)
        self.idle.refresh(host)

    def fill(self, slot: SlotEntry) -> None:
        """A worker is started in a vacant slot."""
        del self.vacant[slot.id]
        slot.state = SlotState.FILLED
        self._count_live(slot.host, 1)

    def retire(self, worker: WorkerEntry) -> None:
        """A worker is live no longer."""
        self._count_live(worker.slot.host, -1)

    def vacate(self, slot: SlotEntry) -> None:
        """A slot's worker has ended, or its rest is over."""
        self._wake(slot)
        slot.state = SlotState.VACANT
        self.vacant[slot.id] = slot

    def rest(self, slot: SlotEntry) -> None:
        """A slot's worker has ended, and another starts after a rest."""
        slot.state = SlotState.RESTING
        self._count_live(slot.host, 1)

    def finish(self, slot: SlotEntry) -> None:
        """A slot has no further worker, whatever it has now."""
        self._wake(slot)
        self.vacant.pop(slot.id, None)
        slot.state = SlotState.FINISHED
        self.standing -= 1
        host = slot.host
        host.slots -= 1
        if not host.slots:
            host.step(HostStep.FALL)
        self.idle.refresh(host)

    def claim(self, host: HostEntry, cpus: int) -> WorkerEntry:
        """Take the worker that has waited longest on an open host, and so many cpus of the host."""
        host.used += cpus
        worker = self.idle.claim(host)
        worker.cpus = cpus
        return worker

    def free(self, worker: WorkerEntry) -> None:
        """A worker has nothing in hand, gives the cpus back, and waits."""
        worker.slot.host.used -= worker.cpus
        worker.cpus = 0
        self.idle.add(worker)

    def bury(self, worker: WorkerEntry) -> None:
        """A worker has ended, and gives the cpus back."""
        host = worker.slot.host
        host.used -= worker.cpus
        worker.cpus = 0
        self.idle.refresh(host)

    def _wake(self, slot: SlotEntry) -> None:
        if slot.state is SlotState.RESTING:
            self._count_live(slot.host, -1)

    def _count_live(self, host: HostEntry, change: int) -> None:
        host.live += change
        self.live += change
