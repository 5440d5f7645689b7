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
from spreadjobs.protocol.messages import Accepted, Answer, Bye, FromWorker, Ready, Results, Trouble, WorkerHello
from spreadjobs.protocol.payloads import Sealed, Sealer, SealError
from spreadjobs.protocol.preamble import MarkerScanner
from spreadjobs.records import DEFAULTS
from worker_stub.frames import excerpt


@dataclass(frozen=True, slots=True)
class Preparation:
    """What each worker of a run is sent before its first task.

    sealer: seals and unseals payloads. function: its digest and itself, sealed; None for workers that bring their own.
    path: folders for module look-up in the worker; None: its own.
    """

    sealer: Sealer
    prelude: tuple[Sealed, ...]
    function: tuple[bytes, Sealed] | None
    path: list[bytes] | None


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
    (_S.READY, Trouble): _S.TROUBLED,
    (_S.GREETED, Bye): _S.LEAVING,
    (_S.ACCEPTED, Bye): _S.LEAVING,
    (_S.READY, Bye): _S.LEAVING,
}

#: The first Python whose pickles have buffers beside them.
OUT_OF_BAND: Final = (3, 8, 0)

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

    def __init__(self, worker: Worker, preparation: Preparation, sealed: dict[int, Sealed], listener: Listener) -> None:
        self._worker = worker
        self._preparation = preparation
        self._sealed = sealed
        self._listener = listener
        self._stage = Stage.SILENT
        self._scanner = MarkerScanner(DEFAULTS.banner)
        self._frames = FrameReader(DEFAULTS.frame)
        self._meta = "msgpack"
        self._knows_buffers = False
        self._lines = LineReader()
        self._tail: list[str] = []

    def open(self) -> None:
        """Say hello."""
        self._worker.writer.write(messages.master_hello(self._preparation.sealer.name))

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._worker.fault is not None:
            return
        if self._stage is Stage.LEAVING:
            self._print(data)
            return
        is_new, answers = self._stage < Stage.ACCEPTED, list[Answer]()
        try:
            self._read(data, answers)
        except ProtocolError as error:
            self._answer(answers)
            self._listener.faulted(self._worker, str(error), permanent=is_new)
        else:
            self._answer(answers)

    def room(self) -> memoryview | None:
        """Where what comes next is to lie, if it is large; None: it goes to ``received``."""
        return self._frames.room() if self._worker.fault is None else None

    def filled(self, count: int) -> None:
        """So many bytes of that have come."""
        self._frames.filled(count)
        if self._frames.room() is None:
            self.received(b"")

    def _read(self, data: bytes, answers: list[Answer]) -> None:
        """Handle what is whole, and collect answers."""
        if not self._scanner.is_found:
            behind = self._scanner.feed(data)
            if behind is None:
                return
            data = behind
        if self._stage is Stage.READY and self._frames.is_between:
            data = data[messages.read_results(data, self._meta, answers) :]
        for frame in self._frames.feed(data):
            message = messages.parse(frame, self._meta)
            if isinstance(message, Results) and self._stage is Stage.READY:
                answers += message.answers
            else:
                self._handle(message)
        if self._frames.is_finished:
            self._print(self._frames.rest())

    def _answer(self, answers: list[Answer]) -> None:
        if answers:
            self._listener.answered(self._worker, answers)

    def _print(self, text: bytes) -> None:
        self._tail += self._lines.feed(text)
        self._listener.printed(self._worker)

    def _handle(self, message: FromWorker) -> None:
        after = STEPS.get((self._stage, type(message)))
        if after is None:
            raise ProtocolError(f"it sent {type(message).__name__} at the wrong time: {SO_FAR[self._stage]}")
        self._stage = after
        worker, listener = self._worker, self._listener
        if isinstance(message, WorkerHello):
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
        messages.check_codec(hello, plan.sealer.name)
        self._knows_buffers = hello.python is not None and hello.python >= OUT_OF_BAND
        meta = self._meta = hello.meta
        self._worker.has_page = hello.page
        pieces = messages.setup(meta, spot.slot, spot.host, DEFAULTS.frame, DEFAULTS.output, plan.path)
        for item in plan.prelude:
            pieces += messages.prelude(meta, self._fit(item))
        if plan.function is not None:
            pieces += messages.function(meta, *plan.function)
        pieces += messages.prepare(meta, None if plan.function is None else plan.function[0])
        self._worker.writer.write(pieces)

    def send(self, tasks: tuple[tuple[int, int], ...]) -> None:
        """Send these (task, attempt) pairs."""
        sealed = self._sealed
        letters = [(task, attempt, sealed[task]) for task, attempt in tasks]
        if not self._knows_buffers:
            letters = [(task, attempt, self._fit(payload)) for task, attempt, payload in letters]
        self._worker.writer.write(messages.tasks(self._meta, None, letters))

    def _fit(self, sealed: Sealed) -> Sealed:
        """As this worker can read it."""
        if self._knows_buffers:
            return sealed
        try:
            return self._preparation.sealer.older(sealed)
        except SealError:  # it cannot be read here either: the worker's answer will say why
            return sealed

    def so_far(self) -> str:
        """What it has done and not done."""
        printed = b"" if self._scanner.is_found else self._scanner.skipped
        return SO_FAR[self._stage] + (f", but printed {excerpt(printed)}" if printed else "")

    def tail(self) -> list[str]:
        """What it printed after it had taken its leave."""
        return self._tail + self._lines.close()
