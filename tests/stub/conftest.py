"""Workers that a test starts, and that end with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.stub.pipes import TASKS, PipeMaster, stub

Start = Callable[..., PipeMaster]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker: by default one of ours that runs tests.stub.tasks."""
    with ExitStack() as stack:

        def start_one(*arguments: str, **options: Any) -> PipeMaster:
            return stack.enter_context(closing(PipeMaster(list(arguments) or stub(TASKS), **options)))

        yield start_one


@pytest.fixture
def worker(start: Start) -> PipeMaster:
    """A worker that is ready for tasks."""
    return start().begin()
