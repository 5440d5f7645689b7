"""Results handed to the user as they come: ``on_result`` is called in one thread of its own.

    loop's thread ──deliver(batch)──> [queue] ──on_result(index, value)──> the delivery's thread

Rule: the loop never waits for the user's function. While it is more than LIMIT results behind, no more tasks are
pulled; so what can lie here is that, and what the workers have in hand.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

#: How many results may wait before no more tasks are pulled.
LIMIT: Final = 4096

OnResult = Callable[[int, Any], object]


class Delivery:
    """Calls the user's function for each result, in the order in which they came. To be finished.

    relieved: called in the delivery's thread when it is no longer behind. failed: when the user's function raised;
    nothing is delivered then any more.
    """

    def __init__(self, on_result: OnResult, relieved: Callable[[], None], failed: Callable[[], None]) -> None:
        self._on_result = on_result
        self._relieved = relieved
        self._failed = failed
        self._batches: deque[list[tuple[int, Any]] | None] = deque()
        self._come = threading.Semaphore(0)
        self._delivered = 0
        self._taken = 0
        #: What the user's function raised.
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="spreadjobs-on-result", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether too many results wait."""
        return self._delivered - self._taken > LIMIT

    def deliver(self, batch: list[tuple[int, Any]]) -> None:
        """Let these be handed on: (index, value) of each."""
        self._delivered += len(batch)
        self._batches.append(batch)
        self._come.release()

    def finish(self) -> None:
        """Wait until all is handed on."""
        self.abandon()
        self._thread.join()

    def abandon(self) -> None:
        """Nothing more will come."""
        self._batches.append(None)
        self._come.release()

    def _work(self) -> None:
        while True:
            self._come.acquire()
            batch = self._batches.popleft()
            if batch is None:
                return
            if self.error is None:
                try:
                    for index, value in batch:
                        self._on_result(index, value)
                except BaseException as error:  # it is raised again in the caller's thread
                    self.error = error
                    self._failed()
            was_behind = self.is_behind
            self._taken += len(batch)
            if was_behind and not self.is_behind:
                self._relieved()
