"""Admission: whether a task can run on a host at all, and whether it may start there now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from spreadjobs.records import Needs, Placement


class Asking(Protocol):
    """What is asked for a task; TaskSpec is one."""

    @property
    def needs(self) -> Needs: ...
    @property
    def placement(self) -> Placement: ...


class HostView(Protocol):
    """What admission sees of a host. slots: those not given up; used: cpus that running tasks fill."""

    @property
    def name(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def used(self) -> int: ...


def can_ever(task: Asking, host: HostView) -> bool:
    """Whether the host, with nothing else on it, could run the task."""
    named = task.placement.hosts
    return host.slots >= task.needs.cpus and (not named or host.name in named)


def why_never(task: Asking, hosts: Iterable[HostView]) -> str | None:
    """Why none of the hosts can ever run the task; None where one can."""
    allowed: list[HostView] = []
    for host in hosts:
        if can_ever(task, host):
            return None
        if host.slots and (not task.placement.hosts or host.name in task.placement.hosts):
            allowed.append(host)
    if allowed:
        largest = max(allowed, key=lambda host: host.slots)
        return f"it needs {task.needs.cpus} cpus, and {largest.name}, the largest of its hosts, has {largest.slots}"
    if task.placement.hosts:
        return f"it may run on {', '.join(task.placement.hosts)} only, and no such host is there"
    return "no host is there"


def why_not_now(task: Asking, host: HostView, ahead: Iterable[Asking]) -> str | None:
    """Why the task may not start on this host, which has an idle worker; None where it may.

    ahead: what goes before it and waits. Where such a one waits for cpus of this host, it is not overtaken: so a
    large task is not starved by small ones.
    """
    named = task.placement.hosts
    if named and host.name not in named:
        return f"it may not run on {host.name}"
    free = host.slots - host.used
    if task.needs.cpus > free:
        return f"it needs {task.needs.cpus} cpus, and {free} of {host.name} are free"
    for other in ahead:
        if can_ever(other, host):
            return f"a task that needs {other.needs.cpus} cpus waits for {host.name} before it"
    return None
