from __future__ import annotations

from spreadjobs.scheduling.placement import choose_host
from tests.scheduling.views import Shown, ask

HOSTS = {"ant": Shown("ant", slots=2, used=1), "bee": Shown("bee", slots=4), "cat": Shown("cat", slots=1)}


def test_a_task_goes_to_the_first_host_that_admits_it() -> None:
    """The order is that in which they wait."""
    assert choose_host(ask(), HOSTS, []) is HOSTS["ant"]
    assert choose_host(ask(2), HOSTS, []) is HOSTS["bee"]


def test_a_task_that_names_hosts_goes_to_the_first_that_it_names() -> None:
    """Those that it names and that are not open are passed over."""
    assert choose_host(ask(1, "dog", "cat", "ant"), HOSTS, []) is HOSTS["cat"]


def test_a_task_that_no_host_admits_waits() -> None:
    """Whether it is too large for now, or others wait before it, or its host is not open."""
    assert choose_host(ask(5), HOSTS, []) is None
    assert choose_host(ask(1, "dog"), HOSTS, []) is None
    assert choose_host(ask(), HOSTS, [ask()]) is None
