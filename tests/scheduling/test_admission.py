from __future__ import annotations

import pytest

from spreadjobs.scheduling.admission import can_ever, why_never, why_not_now
from tests.scheduling.views import Asked, Shown, ask

ANT, BEE = Shown("ant", slots=2), Shown("bee", slots=4)


@pytest.mark.parametrize(
    ("task", "host", "can"),
    [
        (ask(), ANT, True),
        (ask(2), ANT, True),
        (ask(3), ANT, False),
        (ask(1, "bee"), ANT, False),
        (ask(1, "bee", "ant"), ANT, True),
        (ask(), Shown("gone", slots=0), False),
    ],
)
def test_a_host_can_run_what_fits_into_it_when_it_is_empty(task: Asked, host: Shown, can: bool) -> None:
    """It counts what the host has, not what is free."""
    assert can_ever(task, host) is can
    assert can_ever(task, Shown(host.name, host.slots, used=host.slots)) is can


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (ask(), None),
        (ask(4), None),
        (ask(5), "it needs 5 cpus, and bee, the largest of its hosts, has 4"),
        (ask(3, "ant"), "it needs 3 cpus, and ant, the largest of its hosts, has 2"),
        (ask(1, "cat", "dog"), "it may run on cat, dog only, and no such host is there"),
        (ask(1, "down"), "it may run on down only, and no such host is there"),
    ],
)
def test_what_can_never_run_is_told_why(task: Asked, reason: str | None) -> None:
    """A host without slots is as good as none."""
    assert why_never(task, [ANT, BEE, Shown("down", slots=0)]) == reason


def test_where_no_host_is_nothing_can_run() -> None:
    """And it says so."""
    assert why_never(ask(), []) == "no host is there"


@pytest.mark.parametrize(
    ("task", "host", "ahead", "reason"),
    [
        (ask(), ANT, [], None),
        (ask(2), ANT, [], None),
        (ask(1, "bee"), ANT, [], "it may not run on ant"),
        (ask(2), Shown("ant", slots=2, used=1), [], "it needs 2 cpus, and 1 of ant are free"),
        (ask(), Shown("bee", slots=4, used=1), [ask(4)], "a task that needs 4 cpus waits for bee before it"),
        (ask(), ANT, [ask(4), ask(1, "bee")], None),
    ],
)
def test_a_task_starts_where_it_fits_and_overtakes_nobody(
    task: Asked, host: Shown, ahead: list[Asked], reason: str | None
) -> None:
    """What goes before it and waits is not overtaken on hosts for which it waits; elsewhere it is no hindrance."""
    assert why_not_now(task, host, ahead) == reason
