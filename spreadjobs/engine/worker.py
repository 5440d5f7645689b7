"""One worker as the engine has it: its process and pipes, what it has in hand, what it printed, how it is ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from spreadjobs.core.actions import Cause
from spreadjobs.engine.channel import Reader, Text, Writer
from spreadjobs.engine.loop import READ, Loop, Timer
from spreadjobs.records import DEFAULTS
from spreadjobs.transports.base import Running, Spot, WorkerProcess
from worker_stub import supervise
from worker_stub.page import STEP_RUN

#: Seconds until what can be seen from the pipes (closed, broken) is held against a process that has not ended.
DOUBT: Final = 0.25
#: Seconds until a process that even SIGKILL does not end is given up.
DESPAIR: Final = 5.0
#: How often a process is looked at where the system cannot tell us its end, in seconds.
LOOK: Final = 0.05


class Dialect(Protocol):
    """How the bytes of one worker are understood."""

    def open(self) -> None:
        """Write what comes first."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def room(self) -> memoryview | None:
        """Where what comes next is to lie, if it is large; None: it goes to ``received``."""

    def filled(self, count: int) -> None:
        """So many bytes of that have come."""

    def send(self, tasks: tuple[tuple[int, int], ...]) -> None:
        """Send these (task, attempt) pairs."""

    def so_far(self) -> str:
        """What it has done and not done, for a message: ``it said nothing``."""

    def tail(self) -> list[str]:
        """What it printed after its input was closed, as lines."""


class Worker:
    """One worker's process and all that belongs to it."""

    def __init__(
        self,
        number: int,
        spot: Spot,
        process: WorkerProcess,
        loop: Loop,
        *,
        broken: Callable[[Worker, str], None],
        ended: Callable[[Worker, int | None], None],
    ) -> None:
        self.number = number
        self.spot = spot
        self.process = process
        self.dialect: Dialect
        #: attempt of each task that was sent and not answered, in the order sent; and when the last was sent.
        self.hand: dict[int, int] = {}
        self.sent = 0.0
        #: How many tasks it was ever sent.
        self.count = 0
        #: Bytes written at the last look, to see whether any have moved since.
        self.moved = 0
        #: True once its tasks have written to its descriptors.
        self.writes = False
        #: True once it has said that it notes in its page what it runs.
        self.has_page = False
        #: True once it is idle for the first time: what it prints from then on belongs to tasks.
        self.prepared = False
        self.closing = False
        self.out, self.err = Text(DEFAULTS.output), Text(DEFAULTS.output)
        #: What it printed outside tasks.
        self.own_out, self.own_err = Text(DEFAULTS.output), Text(DEFAULTS.output)
        #: Why we kill it, and what it did wrong, in a sentence.
        self.cause: Cause | None = None
        self.fault: str | None = None
        self._loop = loop
        self._broken = broken
        self._ended = ended
        self._timers: list[Timer] = []
        self.writer = Writer(loop, process.input, self._doubt_input)
        self.reader = Reader(loop, process.output, self._received, self._doubt_output, basin=self)
        self._errors = Reader(loop, process.errors, self._printed_error, lambda: None)
        self._capture = process.capture and Reader(loop, process.capture, self._printed, lambda: None)
        self._over = False
        if process.ended is not None:
            loop.watch(process.ended, READ, self._look)
        else:  # not before whoever made us knows us
            self._timers.append(loop.call_later(0.0, self._look_again))

    # What it is to do.

    def send(self, tasks: tuple[tuple[int, int], ...]) -> None:
        """Send it these (task, attempt) pairs."""
        self.hand.update(tasks)
        self.count += len(tasks)
        self.sent = self._loop.clock()
        self.dialect.send(tasks)

    def recall(self) -> list[int]:
        """Take back what it has not begun."""
        back = self.process.recall(self.count)
        tasks = list(self.hand)[-back:] if back else []
        for task in tasks:
            del self.hand[task]
        return tasks

    # What comes from it.

    def _received(self, data: bytes) -> None:
        self.dialect.received(data)

    def room(self) -> memoryview | None:
        """Where what comes next is to lie, if it is large."""
        return self.dialect.room()

    def filled(self, count: int) -> None:
        """So many bytes of that have come."""
        self.dialect.filled(count)

    def _printed(self, data: bytes) -> None:
        self.writes = self.writes or bool(self.hand)
        (self.out if self.hand else self.own_out).add(data)

    def _printed_error(self, data: bytes) -> None:
        self.writes = self.writes or bool(self.hand)
        (self.err if self.hand else self.own_err).add(data)

    def drain_prints(self) -> bool:
        """Take in what it has printed by now, so that it is told apart from what the next task prints; whether any."""
        self._errors.drain()
        if self._capture:
            self._capture.drain()
        return bool(self.out or self.err)

    # What tells that something is wrong with it. A process that ends closes its pipes first: so wait and see.

    def _doubt_input(self) -> None:
        self._doubt("it closed its input, and did not end")

    def _doubt_output(self) -> None:
        if not self.closing:
            self._doubt("it closed its output, and did not end")

    def _doubt(self, sentence: str) -> None:
        self._timers.append(
            self._loop.call_later(DOUBT, lambda: None if self.closing else self._broken(self, sentence))
        )

    # How it ends.

    def close_input(self) -> None:
        """Close its input once all is written."""
        self.closing = True
        self.writer.finish()

    def kill(self, grace: float, cause: Cause) -> None:
        """Climb the kill ladder on its process tree. Its input is closed first: one that is interrupted then goes."""
        self.cause = self.cause or cause
        self.closing = True
        self.writer.close()
        for delay, number in supervise.ladder(grace):
            self._timers.append(self._loop.call_later(delay, partial(self._signal, number)))

    def _signal(self, number: int) -> None:
        self.process.signal(number)
        if number == signal.SIGKILL:
            self._timers.append(self._loop.call_later(DESPAIR, lambda: self._end(None)))

    def _look(self) -> None:
        status = self.process.poll()
        if status is not None:
            self._end(status)

    def _look_again(self) -> None:
        self._timers.append(self._loop.call_later(LOOK, self._look_again))
        self._look()

    def _end(self, status: int | None) -> None:
        if self._over:
            return
        self._over = True
        if self.process.ended is not None:
            self._loop.unwatch(self.process.ended)
        if self.cause is not None or self.hand or status != 0:
            self.process.signal(signal.SIGKILL)  # what it has left behind
        self.reader.drain()
        self.drain_prints()
        self._ended(self, status)
        self.release()

    def release(self) -> None:
        """Let go of every descriptor and timer; to be called twice without harm."""
        self._over = True
        for timer in self._timers:
            timer.cancel()
        self.writer.close()
        for reader in (self.reader, self._errors, self._capture):
            if reader:
                reader.close()
        self.process.forget()

    def running(self) -> Running | None:
        """What it runs, as far as one can know: as it has noted, or else what it was sent; None: nothing."""
        if self.has_page:
            state = self.process.running()  # for an instant it may show a task that was recalled
            return state if state.task is not None and self.hand.get(state.task) == state.attempt else None
        return next((Running(task, attempt, self.sent, STEP_RUN) for task, attempt in self.hand.items()), None)

    def __str__(self) -> str:
        return f"worker {self.spot.slot} of {self.spot.host} ({_shown(self.spot.argv)})"


def _shown(argv: tuple[str, ...]) -> str:
    text = " ".join([os.path.basename(argv[0]), *argv[1:]])
    return text if len(text) <= 80 else text[:77] + "..."


def describe(worker: Worker, status: int | None) -> str:
    """How a worker's process ended, in words, as a clause; with what it printed if it never came to its tasks."""
    clause = _how(worker, status)
    words = "" if worker.prepared else worker.own_err.last_lines(12)
    return f"{clause}; it printed last:\n{words}" if words else clause


def _how(worker: Worker, status: int | None) -> str:
    if worker.fault is not None:
        return worker.fault
    if worker.cause is Cause.CONNECT:
        return f"{worker.dialect.so_far()} within the connect time"
    if worker.cause is not None:
        return f"it was killed: {worker.cause.value}"
    if status is None:
        return "it could not be ended, not even by SIGKILL"
    before = "" if worker.prepared else f" before its first task: {worker.dialect.so_far()}"
    if status < 0:
        return f"it was killed by signal {-status} ({_signal_name(-status)}){before}"
    return f"it ended by itself with exit status {status}{before}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "no name"
