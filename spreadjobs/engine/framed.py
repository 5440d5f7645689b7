"""The framed dialect, from the master's side: what one worker says into what the run is told, tasks into frames.

    marker, HELLO ─> SETUP ... PREPARE ─> ACCEPTED ─> READY ─> RESULTS ... ─> BYE, tail

Rule: a message that is no row of STEPS breaks the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from spreadjobs.engine.listener import Listener
from spreadjobs.engine.worker import Worker
from spreadjobs.errors import ProtocolError
from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import FrameReader
from spreadjobs.protocol.lines import LineReader
from spreadjobs.protocol.messages import Accepted, Bye, FromWorker, Ready, Results, Trouble, WorkerHello
from spreadjobs.protocol.preamble import MarkerScanner
from spreadjobs.records import DEFAULTS
from worker_stub.frames import excerpt


@dataclass(frozen=True, slots=True)
class Preparation:
    """What each worker of a run is sent before its first task.

    function: its digest and itself, sealed; None for workers that bring their own. path: folders for module look-up
    in the worker; None: its own.
    """

    codec: str
    prelude: tuple[bytes, ...]
    function: tuple[bytes, bytes] | None
    path: list[str] | None


class Stage(IntEnum):
    """How far a worker has come."""

    SILENT = 0
    GREETED = 1
    ACCEPTED = 2
    READY = 3
    TROUBLED = 4
    LEAVING = 5


_S = Stage

STEPS: Final[dict[tuple[Stage, type[Any]], Stage]] = {
    (_S.SILENT, WorkerHello): _S.GREETED,
    (_S.GREETED, Accepted): _S.ACCEPTED,
    (_S.ACCEPTED, Ready): _S.READY,
    (_S.ACCEPTED, Trouble): _S.TROUBLED,
    (_S.READY, Results): _S.READY,
    (_S.READY, Trouble): _S.TROUBLED,
    (_S.GREETED, Bye): _S.LEAVING,
    (_S.ACCEPTED, Bye): _S.LEAVING,
    (_S.READY, Bye): _S.LEAVING,
}

#: How far it has come, in words.
SO_FAR: Final = {
    _S.SILENT: "it did not say that it is a worker",
    _S.GREETED: "it said hello, but did not answer the first frame",
    _S.ACCEPTED: "it did not get ready",
    _S.READY: "it was ready",
    _S.TROUBLED: "it could not prepare",
    _S.LEAVING: "it had said good-bye",
}


class FramedDialect:
    """Speaks docs/protocol.md with one worker.

    sealed: the payload of each open task.
    """

    def __init__(self, worker: Worker, preparation: Preparation, sealed: dict[int, bytes], listener: Listener) -> None:
        self._worker = worker
        self._preparation = preparation
        self._sealed = sealed
        self._listener = listener
        self._stage = Stage.SILENT
        self._scanner = MarkerScanner(DEFAULTS.banner)
        self._frames = FrameReader(DEFAULTS.frame)
        self._meta = "msgpack"
        self._lines = LineReader()
        self._tail: list[str] = []

    def open(self) -> None:
        """Say hello."""
        self._worker.writer.write(messages.master_hello(self._preparation.codec))

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._worker.fault is not None:
            return
        is_new = self._stage < Stage.ACCEPTED
        try:
            if self._stage is not Stage.LEAVING:
                data = self._read(data)
        except ProtocolError as error:
            self._listener.faulted(self._worker, str(error), permanent=is_new)
        if self._stage is Stage.LEAVING:
            self._tail += self._lines.feed(data)
            self._listener.printed(self._worker)

    def _read(self, data: bytes) -> bytes:
        """Handle what is whole; give what follows the last frame of all."""
        if not self._scanner.is_found:
            behind = self._scanner.feed(data)
            if behind is None:
                return b""
            data = behind
        for frame in self._frames.feed(data):
            self._handle(messages.parse(frame, self._meta))
        return self._frames.rest() if self._frames.is_finished else b""

    def _handle(self, message: FromWorker) -> None:
        after = STEPS.get((self._stage, type(message)))
        if after is None:
            raise ProtocolError(f"it sent {type(message).__name__} at the wrong time: {SO_FAR[self._stage]}")
        self._stage = after
        worker, listener = self._worker, self._listener
        if isinstance(message, Results):
            listener.answered(worker, message.answers)
        elif isinstance(message, WorkerHello):
            self._greeted(message)
        elif isinstance(message, Accepted):
            listener.accepted(worker)
        elif isinstance(message, Ready):
            worker.prepared = True
            listener.ready(worker)
        elif isinstance(message, Trouble):
            worker.own_out.add(message.out)
            worker.own_err.add(message.err)
            listener.faulted(worker, f"it could not prepare: {message.error.summary()}", permanent=True)

    def _greeted(self, hello: WorkerHello) -> None:
        plan, spot = self._preparation, self._worker.spot
        messages.check_codec(hello, plan.codec)
        meta = self._meta = hello.meta
        self._worker.has_page = hello.page
        pieces = messages.setup(meta, spot.slot, spot.host, DEFAULTS.frame, DEFAULTS.output, plan.path)
        for item in plan.prelude:
            pieces += messages.prelude(meta, item)
        if plan.function is not None:
            pieces += messages.function(meta, *plan.function)
        pieces += messages.prepare(meta, None if plan.function is None else plan.function[0])
        self._worker.writer.write(pieces)

    def send(self, tasks: tuple[tuple[int, int], ...]) -> None:
        """Send these (task, attempt) pairs."""
        letters = [(task, attempt, self._sealed[task]) for task, attempt in tasks]
        self._worker.writer.write(messages.tasks(self._meta, None, letters))

    def so_far(self) -> str:
        """What it has done and not done."""
        printed = b"" if self._scanner.is_found else self._scanner.skipped
        return SO_FAR[self._stage] + (f", but printed {excerpt(printed)}" if printed else "")

    def tail(self) -> list[str]:
        """What it printed after it had taken its leave."""
        return self._tail + self._lines.close()
