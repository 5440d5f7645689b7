from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

#: A figure that we promise is held with so much room: a busy machine is not a defect.
ROOM: Final = 4


class Figures:
    """What was asked and what was reached, in seconds; ``--junitxml=FILE -o junit_family=xunit1`` shows both."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record

    def hold(self, name: str, asked: float, reached: float) -> None:
        """Fail where more was needed than the room allows."""
        self._record(name, f"asked {asked:g} s, reached {reached:.3f} s")
        assert reached <= ROOM * asked, f"{name}: {reached:.3f} s, where {asked:g} s were asked"

    @contextmanager
    def clock(self, name: str, asked: float) -> Iterator[None]:
        """Hold the time that a block takes."""
        began = time.monotonic()
        yield
        self.hold(name, asked, time.monotonic() - began)


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Holds times against the figures that were asked for."""
    return Figures(record_property)
