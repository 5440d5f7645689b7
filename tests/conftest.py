"""What holds for every test: it leaves nothing behind, and Hypothesis neither hurries nor throws dice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.leaks import belongings, changes, end_processes, mark_processes

#: Folders whose tests start no process; everywhere else the whole machine is searched for what a test has left.
PURE: Final = {"core", "protocol", "scheduling"}

# Workers print into buffers here too, as they do for most users; a machine of tests is often set up otherwise.
os.environ.pop("PYTHONUNBUFFERED", None)

# No deadline: a busy machine is not a defect. Derandomized: what passes here passes there.
hypothesis.settings.register_profile("usual", deadline=None, derandomize=True)
hypothesis.settings.register_profile("chaos", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile("usual")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what holds a time without coverage, which would be measured as well."""
    for item in items:
        if item.get_closest_marker("speed"):
            item.add_marker("no_cover")


@pytest.fixture(scope="session", autouse=True)
def _marked_processes(tmp_path_factory: pytest.TempPathFactory) -> None:
    mark_processes(tmp_path_factory.mktemp("t"))


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest, _marked_processes: None) -> Iterator[None]:
    folder = Path(request.path).relative_to(Path(__file__).parent).parts[0]
    look_far = folder not in PURE
    before = belongings(look_far)
    yield
    found = changes(before, look_far)
    if found:
        end_processes(found)
        pytest.fail("after the test: " + "; ".join(found.values()), pytrace=False)
