"""The least that scheduling must be shown."""

from __future__ import annotations

from dataclasses import dataclass

from spreadjobs.records import Needs, Placement


@dataclass(frozen=True)
class Asked:
    """A task, as scheduling sees it."""

    needs: Needs
    placement: Placement


@dataclass(frozen=True)
class Shown:
    """A host, as scheduling sees it."""

    name: str
    slots: int
    used: int = 0


def ask(cpus: int = 1, *hosts: str) -> Asked:
    """A task that needs so many cpus, on one of these hosts if any are named."""
    return Asked(Needs(cpus), Placement(hosts))
