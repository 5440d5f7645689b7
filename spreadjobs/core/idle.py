"""Who waits for a task: idle workers by host, in order of arrival.

Rule: each operation costs the same however many wait. (Hence OrderedDict: a plain dict drained from its front walks
its tombstones.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from spreadjobs.core.host import HostEntry
from spreadjobs.core.worker import WorkerEntry


class IdleIndex:
    """Idle workers, and which hosts could start a task now."""

    __slots__ = ("_queues", "open")

    def __init__(self) -> None:
        self._queues: dict[str, OrderedDict[int, WorkerEntry]] = {}
        #: The hosts with an idle worker and a free cpu; the one that has waited longest for a task is first.
        self.open: OrderedDict[str, HostEntry] = OrderedDict()

    def welcome(self, host: HostEntry) -> None:
        """A host has come."""
        self._queues[host.name] = OrderedDict()

    def of(self, host: HostEntry) -> Mapping[int, WorkerEntry]:
        """The idle workers of a host, by number."""
        return self._queues[host.name]

    def add(self, worker: WorkerEntry) -> None:
        """A worker waits."""
        host = worker.slot.host
        self._queues[host.name][worker.id] = worker
        if host.used < host.slots:
            self.open.setdefault(host.name, host)

    def drop(self, worker: WorkerEntry) -> None:
        """A worker waits no longer."""
        host = worker.slot.host
        del self._queues[host.name][worker.id]
        self.refresh(host)

    def claim(self, host: HostEntry) -> WorkerEntry:
        """Take the worker that has waited longest on an open host, whose cpus have just been taken."""
        queue = self._queues[host.name]
        worker = queue.popitem(last=False)[1]
        if queue and host.used < host.slots:
            self.open.move_to_end(host.name)
        else:
            del self.open[host.name]
        return worker

    def refresh(self, host: HostEntry) -> None:
        """The host's free cpus have changed."""
        if self._queues[host.name] and host.used < host.slots:
            self.open.setdefault(host.name, host)
        else:
            self.open.pop(host.name, None)
