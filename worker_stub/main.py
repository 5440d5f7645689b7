"""The life of a worker, phase after phase: exec, prepare, run, shutdown.

    take descriptors -> marker, HELLO -> SETUP, ACCEPTED -> prelude, functions -> READY -> tasks ... end of input -> BYE

No user code runs before ACCEPTED has been written.
"""

import faulthandler
import functools
import os
import sys
import time

from worker_stub import codec, frames, small_msgpack
from worker_stub.answers import Answers
from worker_stub.capture import Capture, flush
from worker_stub.descriptors import Descriptors
from worker_stub.items import remember
from worker_stub.page import PHASE_EXEC, PHASE_PREPARE, PHASE_RUN, PHASE_SHUTDOWN
from worker_stub.plain import read_task
from worker_stub.runner import Interrupts, Runner, complain, describe, let_go

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence

    from worker_stub.runner import Function

    #: Gives the worker's own function, and what prepares it; called in phase prepare.
    Load = Callable[[], tuple[Optional[Function], Optional[Callable[[list[Any]], Any]]]]

MARKER_TEXT = frames.MASTER_MARKER.decode().strip()

STATUS_TROUBLE = 1
STATUS_NO_PROTOCOL = 2


def work(load: "Load", before_marker: bytes = b"") -> None:
    """Be a worker until the input ends; descriptor 1 and sys.stdout are then those of before, for the tail.

    Raises SystemExit: 1 after TROUBLE, 2 when the master does not speak the protocol.
    """
    worker = Worker()
    try:
        if worker.introduce(before_marker):
            if worker.prepare(load):
                worker.run()
            worker.say_goodbye()
        worker.give_back()
    except frames.FrameError as error:
        complain(f"cannot go on: {error}")
        raise SystemExit(STATUS_NO_PROTOCOL) from None


class Worker:
    """One worker; its methods stand in the order in which they are called."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            flush(stream)  # what was printed before goes where it was meant to go
        self._descriptors = Descriptors()
        self._page = self._descriptors.page
        self._page.phase(PHASE_EXEC)
        self._capture = Capture()
        self._interrupts = Interrupts()
        faulthandler.enable(self._descriptors.errors, all_threads=True)
        self._reader = frames.Reader(self._descriptors.input, frames.FROM_MASTER)
        self._functions = Functions()
        self._prelude: list[tuple[codec.Data, Sequence[codec.Data]]] = []

    # --- exec

    def introduce(self, before_marker: bytes) -> bool:
        """Marker and HELLO each way, SETUP, ACCEPTED. False when the input ended between two of them."""
        seen = self._reader.read_marker(frames.MASTER_MARKER)
        if not seen:
            return False
        if seen != frames.MASTER_MARKER:
            raise frames.FrameError(
                f"its input begins with {frames.excerpt(seen)}, not with the line {MARKER_TEXT}, so it is no master's"
            )
        hello = self._expect(frames.MASTER_HELLO, small_msgpack.unpackb)
        if hello is None:
            return False
        try:
            self._codec = codec.payload_codec(hello.get("codec", "pickle"))
        except ValueError as error:
            raise frames.FrameError(str(error)) from None
        has_library = codec.msgpack_functions()[2]
        self._is_msgpack = has_library or self._codec.name == "msgpack"
        meta = "msgpack" if self._is_msgpack else "pickle"
        self._encode, self._decode = codec.metadata_functions(meta)
        self._write([before_marker, frames.WORKER_MARKER])
        self._send(frames.WORKER_HELLO, self._hello(meta), small_msgpack.packb)
        setup = self._expect(frames.SETUP, self._decode)
        if setup is None:
            self.say_goodbye()  # there was nothing left to do; what the program prints now is its tail
            return False
        self._reader.frames.cap = setup.get("frame") or frames.FRAME_CAP
        if setup.get("output") is not None:
            self._capture.limit(setup["output"])
        if setup.get("path") is not None:
            sys.path[:] = [os.fsdecode(folder) for folder in setup["path"]]
        self._send(frames.ACCEPTED, {})
        return True

    def _hello(self, meta: str) -> "dict[str, Any]":
        return {
            "version": frames.VERSION,
            "meta": meta,
            "codecs": ["pickle", "msgpack"],
            "pid": os.getpid(),
            "python": list(sys.version_info[:3]),
            "cpus": cpu_count(),
            "memory": memory_size(),
            "page": self._descriptors.has_page,
            "capture": self._descriptors.has_capture,
        }

    # --- prepare

    def prepare(self, load: "Load") -> bool:
        """Take prelude and functions, then prepare. False when the input ended; SystemExit after TROUBLE."""
        self._page.phase(PHASE_PREPARE)
        while True:
            frame = self._reader.read()
            if frame is None:
                return False
            kind, metadata, payload, buffers = frame
            if kind == frames.PRELUDE:
                self._prelude.append((payload, buffers))
            elif kind == frames.FUNCTION:
                self._keep_function(metadata, payload, buffers)
            elif kind == frames.PREPARE:
                break
            else:
                raise misplaced(kind)
        compute = self._read_map(metadata).get("compute")
        began = time.monotonic()
        answers = Answers(self._encode, self._is_msgpack, self._reader.frames.cap)
        self._runner = Runner(self._page, self._capture, self._codec, answers.pack, self._write, self._interrupts)
        self._stage = "argument"
        try:
            self._interrupts.is_open = True
            try:
                self._prepare(load, compute)
            finally:
                self._interrupts.is_open = False
        except BaseException as raised:
            self._interrupts.is_open = False
            self._runner.leave_if_copy("the preparation", raised)
            error = describe(raised, self._stage)
            let_go(raised)
        else:
            self._send(frames.READY, {"seconds": time.monotonic() - began})
            return True
        self._descriptors.mend()
        self._send(frames.TROUBLE, {"error": error})
        raise SystemExit(STATUS_TROUBLE)

    def _prepare(self, load: "Load", compute: "Optional[bytes]") -> None:
        """The part of the preparation that is user code; ``_stage`` says what it means when something is raised."""
        items = [self._codec.unseal(payload, buffers) for payload, buffers in self._prelude]
        del self._prelude[:]
        remember(items)
        self._stage = "function"
        own, prepare = load()
        self._functions.own = own
        if compute is not None:
            self._functions.own = self._functions.find(compute, self._codec)
        self._stage = "raised"
        if prepare is not None:
            prepare(items)
        self._runner.leave_if_copy("the preparation")

    # --- run

    def run(self) -> None:
        """Answer tasks until the input ends."""
        self._page.phase(PHASE_RUN)
        while True:
            frame = self._reader.read()
            if frame is None:
                return
            kind, metadata, payload, buffers = frame
            if kind == frames.FUNCTION:
                self._keep_function(metadata, payload, buffers)
            elif kind == frames.TASKS:
                self._descriptors.mend()
                self._run_tasks(metadata, payload, buffers)
            else:
                raise misplaced(kind)
            del frame, payload, buffers  # what the next wait need not keep alive

    def _run_tasks(self, metadata: bytes, payload: "codec.Data", buffers: "Sequence[codec.Data]") -> None:
        if self._is_msgpack and not buffers:
            plain = read_task(metadata, len(payload))
            if plain is not None:
                self._runner.run(plain[0], plain[1], self._find_own, payload, ())
                return
        values = self._read_map(metadata)
        find = functools.partial(self._functions.find, values.get("function"), self._codec)
        begin = first = 0
        for task, attempt, size, count in values["tasks"]:
            end, last = begin + size, first + count
            self._runner.run(task, attempt, find, payload[begin:end], buffers[first:last] if count else ())
            begin, first = end, last

    def _find_own(self) -> "Function":
        return self._functions.find(None, self._codec)

    # --- shutdown

    def say_goodbye(self) -> None:
        """The last frame; what follows is the tail."""
        self._page.phase(PHASE_SHUTDOWN)
        self._descriptors.mend()
        self._send(frames.BYE, {})

    def give_back(self) -> None:
        """Descriptor 1, sys.stdout and sys.stderr are again what they were."""
        self._capture.give_back()
        flush(sys.stdout)
        self._descriptors.give_output_back()

    # --- the wire

    def _expect(self, kind: int, decode: "Callable[[bytes], Any]") -> "Optional[dict[str, Any]]":
        frame = self._reader.read()
        if frame is None:
            return None
        if frame[0] != kind:
            raise misplaced(frame[0])
        return as_map(frame[1], decode)

    def _read_map(self, metadata: bytes) -> "dict[str, Any]":
        return as_map(metadata, self._decode)

    def _keep_function(self, metadata: bytes, payload: "codec.Data", buffers: "Sequence[codec.Data]") -> None:
        self._functions.sealed[self._read_map(metadata)["digest"]] = payload, buffers

    def _send(self, kind: int, metadata: "dict[str, Any]", encode: "Optional[Callable[[Any], bytes]]" = None) -> None:
        self._write(frames.pack(kind, (encode or self._encode)(metadata)))

    def _write(self, parts: "Sequence[frames.Part]") -> None:
        try:
            frames.write(self._descriptors.output, parts)
        except OSError:
            os._exit(STATUS_TROUBLE)  # nobody reads any more: the master is gone


class Functions:
    """What tasks may run: the worker's own function, and those that were sent, unsealed at their first use."""

    def __init__(self) -> None:
        self.own: Optional[Function] = None
        self.sealed: dict[bytes, tuple[codec.Data, Sequence[codec.Data]]] = {}
        self._open: dict[bytes, Function] = {}

    def find(self, digest: "Optional[bytes]", reader: "Any") -> "Function":
        """The function of that digest, or the worker's own for None. Raises what is wrong with it."""
        if digest is None:
            if self.own is None:
                raise LookupError("this worker has no function of its own, and the task names none")
            return self.own
        function = self._open.get(digest)
        if function is None:
            if digest not in self.sealed:
                raise LookupError(f"a function that was not sent: {digest.hex()}")
            function = reader.unseal(*self.sealed[digest])
            if not callable(function):
                raise TypeError(f"a {type(function).__name__} was sent as a function")
            self._open[digest] = function
            del self.sealed[digest]
        return function


def misplaced(kind: int) -> frames.FrameError:
    """The error for a frame that came at the wrong time."""
    return frames.FrameError(f"{frames.KIND_NAMES[kind]} came at the wrong time")


def as_map(metadata: bytes, decode: "Callable[[bytes], Any]") -> "dict[str, Any]":
    """Metadata, read. Raises FrameError when it is no map."""
    try:
        value = decode(metadata) if metadata else {}
    except Exception as error:
        raise frames.FrameError(f"metadata that cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise frames.FrameError("metadata that is no map")
    return value


def cpu_count() -> int:
    """How many CPUs this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def memory_size() -> "Optional[int]":
    """The machine's memory in bytes, None where that cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
