"""What a worker's side of the engine tells the run; the run turns it into events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from spreadjobs.engine.worker import Worker
    from spreadjobs.protocol.messages import Answer


class Listener(Protocol):
    """Who is told what happens to the workers."""

    def accepted(self, worker: Worker) -> None:
        """It is one of ours, and prepares."""

    def ready(self, worker: Worker) -> None:
        """It waits for tasks."""

    def answered(self, worker: Worker, answers: list[Answer]) -> None:
        """It has answered."""

    def printed(self, worker: Worker) -> None:
        """It prints its tail."""

    def faulted(self, worker: Worker, sentence: str, permanent: bool) -> None:
        """It broke the protocol, or cannot prepare; permanent: no other start will help."""

    def ended(self, worker: Worker, status: int | None) -> None:
        """Its process is gone; None: it was given up."""
