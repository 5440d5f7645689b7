"""Placement: on which of the hosts with an idle worker a task goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from spreadjobs.scheduling.admission import Asking, HostView, why_not_now

H = TypeVar("H", bound=HostView)


def choose_host(task: Asking, hosts: Mapping[str, H], ahead: Iterable[Asking]) -> H | None:
    """The first host that admits the task, None where none does.

    hosts: those with an idle worker and a free cpu, by name, the one that has waited longest first.
    ahead: as in ``why_not_now``. A task that names its hosts goes to the first that it names.
    """
    named = task.placement.hosts
    candidates = [hosts[name] for name in named if name in hosts] if named else hosts.values()
    for host in candidates:
        if why_not_now(task, host, ahead) is None:
            return host
    return None
