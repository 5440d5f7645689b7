"""A master of a few lines: it starts one worker and speaks with it over real pipes, word by word."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import FrameReader
from spreadjobs.protocol.messages import Answer, FromWorker
from spreadjobs.protocol.payloads import Sealed, Sealer
from spreadjobs.protocol.preamble import MarkerScanner
from worker_stub import page

ROOT: Final = Path(__file__).parents[2]
TASKS: Final = "tests.stub.tasks:run"
#: The first Python whose pickles have buffers beside them.
OUT_OF_BAND: Final = (3, 8, 0)
#: Seconds after which a worker that does not answer fails the test.
PATIENCE: Final = 30.0


class PipeMaster:
    """One worker, and everything that comes from it: ``out`` (not yet read), ``err``, ``captured``."""

    def __init__(self, arguments: Sequence[str], codec: str = "pickle", cwd: Path = ROOT, gifts: bool = True) -> None:
        self.codec = codec
        self.sealer = Sealer(codec)
        self.meta = "msgpack"
        self.hello: messages.WorkerHello
        self.page, page_fd = page.create()
        capture, capture_in = os.pipe()
        environment = dict(os.environ)
        if gifts:
            environment.update(SPREADJOBS_PAGE_FD=str(page_fd), SPREADJOBS_CAPTURE_FD=str(capture_in))
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(page_fd, capture_in) if gifts else (),
            cwd=cwd,
            env=environment,
            bufsize=0,
        )
        os.close(page_fd)
        os.close(capture_in)
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._input = self.process.stdin
        self._open = {self.process.stdout.fileno(): "out", self.process.stderr.fileno(): "err", capture: "captured"}
        self._capture = capture
        self.out = self.err = self.captured = b""
        self._scanner = MarkerScanner()
        self._frames = FrameReader()
        self._messages: Iterator[Any] = iter(())

    # --- speaking

    def write(self, *parts: bytes | bytearray | memoryview) -> None:
        """Write bytes."""
        for part in parts:
            left = memoryview(part)
            while left:
                left = left[self._input.write(left) :]

    def greet(self) -> messages.WorkerHello:
        """Marker and HELLO each way."""
        self.write(*messages.master_hello(self.codec))
        found = self.hear()
        assert isinstance(found, messages.WorkerHello)
        self.hello = found
        self.meta = found.meta
        return found

    def set_up(self, frame: int = 1 << 32, output: int = 1000, path: Sequence[str] | None = None) -> None:
        """HELLO, SETUP, ACCEPTED."""
        self.greet()
        self.write(*messages.setup(self.meta, 0, "here", frame, output, path))
        assert self.hear() == messages.Accepted()

    def begin(self, prelude: Sequence[object] = (), compute: bytes | None = None, **setup: Any) -> PipeMaster:
        """All that comes before the first task."""
        self.set_up(**setup)
        for item in prelude:
            self.write(*messages.prelude(self.meta, self.sealed(item)))
        self.write(*messages.prepare(self.meta, compute))
        assert isinstance(self.hear(), messages.Ready)
        return self

    def send(self, *payloads: object, function: bytes | None = None) -> None:
        """One TASKS frame, with a task for each payload."""
        self.send_sealed(*[self.sealed(payload) for payload in payloads], function=function)

    def send_sealed(self, *payloads: bytes | Sealed, function: bytes | None = None) -> None:
        """The same with payloads that are already sealed, or that are not what they should be."""
        sealed = [(payload, ()) if isinstance(payload, bytes) else payload for payload in payloads]
        letters = [(number, 1, payload) for number, payload in enumerate(sealed)]
        self.write(*messages.tasks(self.meta, function, letters))

    def sealed(self, value: object) -> Sealed:
        """A value as this worker can read it."""
        sealed = self.sealer.seal(value)
        is_old = self.hello.python is None or self.hello.python < OUT_OF_BAND
        return self.sealer.older(sealed) if is_old else sealed

    def run(self, *payload: object) -> Answer:
        """Send one task and wait for its answer."""
        self.send(payload)
        return self.answer()

    def value(self, *payload: object) -> Any:
        """Send one task and give what it returned."""
        return self.opened(self.run(*payload))

    def close_input(self) -> None:
        """No more tasks."""
        self._input.close()

    # --- hearing

    def hear(self) -> FromWorker | None:
        """The next message, or None at the end of the worker's output."""
        while True:
            for message in self._messages:
                found: FromWorker = message
                return found
            if not self.pump("out", lambda: bool(self.out)):
                return None
            data, self.out = self.out, b""
            rest = data if self._scanner.is_found else self._scanner.feed(data)
            if rest is not None:
                self._messages = (messages.parse(frame, self.meta) for frame in self._frames.feed(rest))

    def answer(self) -> Answer:
        """The next answer."""
        found = self.hear()
        assert isinstance(found, messages.Results), f"{found}, {self.err!r}"
        (answer,) = found.answers
        return answer

    def opened(self, answer: Answer) -> Any:
        """What an answer holds."""
        assert answer.error is None, answer.error
        return self.sealer.unseal(answer.payload, answer.buffers)

    def pump(self, name: str, until: Callable[[], bool]) -> bool:
        """Take in what comes until that is true; False when no more can come of the stream that is named."""
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            for fd in self._open:
                selector.register(fd, selectors.EVENT_READ)
            while not until():
                if name not in self._open.values():
                    return False
                assert time.monotonic() < end, f"the worker says nothing; so far {self.err!r}, {self.captured!r}"
                for key, _ in selector.select(end - time.monotonic()):
                    data = os.read(key.fd, 1 << 20)
                    if not data:
                        selector.unregister(key.fd)
                        del self._open[key.fd]
                    else:
                        stream = self._open[key.fd]
                        setattr(self, stream, getattr(self, stream) + data)
        return True

    def wait_for(self, text: bytes) -> None:
        """Until that has been printed on descriptor 1."""
        assert self.pump("captured", lambda: text in self.captured), (self.captured, self.err)

    def deafen(self) -> None:
        """Close our end of the worker's output."""
        assert self.process.stdout is not None
        del self._open[self.process.stdout.fileno()]
        self.process.stdout.close()

    # --- the end

    def leave(self) -> tuple[int, bytes]:
        """Close the worker's input; its exit status and its tail."""
        self.close_input()
        assert self.hear() == messages.Bye()
        return self.end()

    def end(self) -> tuple[int, bytes]:
        """Wait for the worker's end; its exit status, and what it wrote behind its last frame."""
        for name in ("out", "err", "captured"):
            self.pump(name, lambda: False)
        return self.process.wait(PATIENCE), self._frames.rest() + self.out

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        os.close(self._capture)
        self.page.close()


def stub(*arguments: str, python: str = sys.executable) -> list[str]:
    """The command line of a worker of ours."""
    return [python, "-m", "worker_stub", *arguments]
