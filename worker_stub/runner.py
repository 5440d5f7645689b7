"""Runs one task, and says how it ended.

    page begins -> function and argument are unsealed -> it runs -> its result is sealed -> answer written -> page ends

Each ending is told apart by where it happened and by what was raised, and none of them harms the next task.
"""

import os
import signal
import sys
import time

from worker_stub import frames
from worker_stub.page import STEP_RESULT, STEP_RUN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Callable, Optional, Sequence, Union

    from worker_stub.capture import Capture
    from worker_stub.codec import Data, MsgpackCodec, PickleCodec
    from worker_stub.page import NoPage, Page

    Function = Callable[[Any], Any]

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TEXT_LIMIT = 64 * 1024


class Interrupts:
    """SIGINT raises KeyboardInterrupt while user code runs, and does nothing at any other time."""

    #: A second one that comes sooner is taken for the same: it could hit our own clean-up after the first.
    PAUSE = 0.05

    def __init__(self) -> None:
        self.is_open = False
        self._last = 0.0
        try:
            signal.signal(signal.SIGINT, self._handle)
        except ValueError:
            pass  # not in the main thread: whoever rules there decides

    def _handle(self, number: int, frame: "Optional[FrameType]") -> None:
        now = time.monotonic()
        if self.is_open and now - self._last > self.PAUSE:
            self._last = now
            raise KeyboardInterrupt


class Runner:
    """Runs tasks one after the other.

    encode: how metadata is written. write: sends the parts of a frame. cap: the longest frame, in bytes.
    interrupts: open while user code runs.
    """

    def __init__(
        self,
        page: "Union[Page, NoPage]",
        capture: "Capture",
        codec: "Union[PickleCodec, MsgpackCodec]",
        encode: "Callable[[Any], bytes]",
        write: "Callable[[Sequence[frames.Part]], None]",
        cap: int,
        interrupts: Interrupts,
    ) -> None:
        self._interrupts = interrupts
        self._page = page
        self._capture = capture
        self._codec = codec
        self._encode = encode
        self._write = write
        self._cap = cap
        self._pid = os.getpid()
        self._stage = "raised"

    def run(
        self, task: int, attempt: int, find: "Callable[[], Function]", payload: "Data", buffers: "Sequence[Data]"
    ) -> None:
        """Run a task and write its answer. ``find`` gives its function, or raises what is wrong with it."""
        self._page.begin(task, attempt)
        self._capture.start()
        began = time.monotonic()
        error: Optional[dict[str, Any]] = None
        try:
            sealed = self._attempt(find, payload, buffers)
            self.leave_if_copy(f"task {task}")
        except BaseException as raised:
            self._interrupts.is_open = False
            self.leave_if_copy(f"task {task}", raised)
            error = describe(raised, self._stage)
            sealed = self._seal_exception(raised) if error["kind"] == "raised" else b""
            let_go(raised)
        extra = self._capture.take()
        if error is not None:
            extra["error"] = error
        parts = self._answer([task, attempt, error is None, len(sealed), 0, time.monotonic() - began, extra], sealed)
        self._write(parts)
        self._page.end()

    def _attempt(self, find: "Callable[[], Function]", payload: "Data", buffers: "Sequence[Data]") -> bytes:
        """The sealed result; in ``_stage`` stands what it means when something is raised."""
        self._interrupts.is_open = True
        try:
            self._stage = "function"
            function = find()
            self._stage = "argument"
            argument = self._codec.unseal(payload, buffers)
            self._stage = "raised"
            self._page.step(STEP_RUN)
            result = function(argument)
            if os.getpid() == self._pid:
                self._page.step(STEP_RESULT)
                self._stage = "result"
                return self._codec.seal(result)
            return b""
        finally:
            self._interrupts.is_open = False

    def leave_if_copy(self, of: str, raised: "Optional[BaseException]" = None) -> None:
        """End a forked copy of this process here: only the original may answer. of: what it ran, for the message."""
        if os.getpid() == self._pid:
            return
        status = 0
        how = "returned"
        if isinstance(raised, SystemExit):
            how = "exited"
            status = exit_status(raised.code)
        elif raised is not None:
            how = f"raised {type(raised).__name__}"
            status = 1
        try:
            os.write(2, (f"worker_stub: a forked copy of {of} {how}; it ends here\n").encode())
        finally:
            os._exit(status)

    def _seal_exception(self, raised: BaseException) -> bytes:
        """The exception, if it can be sealed and read again (an odd ``__init__`` prevents that); else nothing."""
        if self._codec.name != "pickle":
            return b""
        try:
            sealed = self._codec.seal(raised)
            if isinstance(self._codec.unseal(sealed), BaseException):
                return sealed
        except BaseException:
            self.leave_if_copy("a task")
        return b""

    def _answer(self, row: "list[Any]", sealed: bytes) -> "Sequence[frames.Part]":
        """The frame of an answer; when it would be too long, that of a failure."""
        row[6] = row[6] or None
        metadata = self._encode({"results": [row]})
        length = frames.HEADER.size + len(metadata) + len(sealed)
        if length > self._cap:
            text = f"its answer takes {length} bytes; a frame may have {self._cap}"
            error = {"kind": "result", "type": "ValueError", "message": text, "traceback": None}
            metadata = self._encode({"results": [[*row[:2], False, 0, 0, row[5], {"error": error}]]})
            sealed = b""
        return frames.pack(frames.RESULTS, metadata, [sealed] if sealed else [])


def describe(raised: BaseException, stage: str) -> "dict[str, Any]":
    """The ``error`` of an answer. stage: what the error is when nothing more is known: one of ERROR_KINDS."""
    kind = stage
    if isinstance(raised, KeyboardInterrupt):
        kind = "interrupt"
    elif stage == "raised" and isinstance(raised, SystemExit):
        kind = "exit"
    error: dict[str, Any] = {
        "kind": kind,
        "type": clean(type(raised).__name__),
        "message": message_of(raised),
        "traceback": traceback_of(raised),
    }
    if isinstance(raised, SystemExit) and kind == "exit":
        error["code"] = exit_code(raised.code)
    return error


def exit_code(code: "Any") -> "Union[int, str, None]":
    """What was given to sys.exit, as nil, a number, or text."""
    if code is None:
        return None
    if isinstance(code, int) and -(2**63) <= code < 2**63:
        return int(code)
    try:
        return clean(str(code))
    except BaseException:
        return f"<{type(code).__name__} that cannot be printed>"


def exit_status(code: "Any") -> int:
    """The exit status that Python makes of what was given to sys.exit."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def message_of(raised: BaseException) -> str:
    """Its text, whatever its ``__str__`` does."""
    try:
        return clean(str(raised))
    except BaseException:
        return f"<{type(raised).__name__} that cannot be printed>"


def traceback_of(raised: BaseException) -> "Optional[str]":
    """Its traceback without our own frames; None when there is no way to make one."""
    try:
        import traceback

        trace: Optional[TracebackType] = raised.__traceback__
        while trace is not None and os.path.abspath(trace.tb_frame.f_code.co_filename).startswith(_OURS):
            trace = trace.tb_next
        return clean("".join(traceback.format_exception(type(raised), raised, trace)))
    except BaseException:
        return None


def clean(text: str) -> str:
    """Text that UTF-8 can carry, and not too much of it."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > _TEXT_LIMIT:
        half = _TEXT_LIMIT // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text


def let_go(raised: "Optional[BaseException]") -> None:
    """Drop the frames that an exception, and what led to it, keep alive."""
    seen: list[BaseException] = []
    todo = [raised]
    while todo:
        error = todo.pop()
        if error is not None and not any(error is other for other in seen):
            seen.append(error)
            # By BaseException's own ways, since its class may guard its attributes.
            todo += [BaseException.__getattribute__(error, name) for name in ("__cause__", "__context__")]
            BaseException.__setattr__(error, "__traceback__", None)


def complain(text: str) -> None:
    """One sentence on descriptor 2."""
    if sys.stderr is not None:
        sys.stderr.write(f"worker_stub: {text}\n")
        sys.stderr.flush()
