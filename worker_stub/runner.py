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
    from worker_stub.codec import Data, MsgpackCodec, PickleCodec, Sealed
    from worker_stub.page import NoPage, Page

    Function = Callable[[Any], Any]

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TEXT_LIMIT = 64 * 1024

_clock, _getpid = time.monotonic, os.getpid


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

    pack: makes the frame of an answer, as Answers.pack does. write: sends it. interrupts: open while user code runs.
    """

    def __init__(
        self,
        page: "Union[Page, NoPage]",
        capture: "Capture",
        codec: "Union[PickleCodec, MsgpackCodec]",
        pack: "Callable[..., Sequence[frames.Part]]",
        write: "Callable[[Sequence[frames.Part]], None]",
        interrupts: Interrupts,
    ) -> None:
        self._interrupts = interrupts
        self._page = page
        self._capture = capture
        self._codec = codec
        self._pack = pack
        self._write = write
        self._pid = os.getpid()

    def run(
        self, task: int, attempt: int, find: "Callable[[], Function]", payload: "Data", buffers: "Sequence[Data]"
    ) -> None:
        """Run a task and write its answer. ``find`` gives its function, or raises what is wrong with it."""
        page, interrupts, codec = self._page, self._interrupts, self._codec
        if not page.begin(task, attempt):
            page.end()
            return
        self._capture.start()
        error: Optional[dict[str, Any]] = None
        began = _clock()
        stage = "function"  # what it means when something is raised
        try:
            interrupts.is_open = True
            try:
                function = find()
                stage = "argument"
                argument = codec.unseal(payload, buffers)
                stage = "raised"
                page.step(STEP_RUN)
                result = function(argument)
                page.step(STEP_RESULT)
                stage = "result"
                sealed = codec.seal(result)
            finally:
                interrupts.is_open = False
            if _getpid() != self._pid:
                self.leave_if_copy(f"task {task}")
        except BaseException as raised:
            interrupts.is_open = False
            self.leave_if_copy(f"task {task}", raised)
            error = describe(raised, stage)
            sealed = self._seal_exception(raised) if error["kind"] == "raised" else (b"", ())
            let_go(raised)
        argument = result = None  # what they print when they go belongs to this task
        extra = self._capture.take()
        if error is not None:
            extra = extra or {}
            extra["error"] = error
        self._write(self._pack(task, attempt, _clock() - began, sealed, extra))
        page.end()

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

    def _seal_exception(self, raised: BaseException) -> "Sealed":
        """The exception, if it can be sealed and read again (an odd ``__init__`` prevents that); else nothing."""
        if self._codec.name != "pickle":
            return b"", ()
        try:
            sealed = self._codec.seal(raised)
            if isinstance(self._codec.unseal(*sealed), BaseException):
                return sealed
        except BaseException:
            self.leave_if_copy("a task")
        return b"", ()


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
    seen: set[int] = set()
    todo = [raised]
    while todo:
        error = todo.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            # By BaseException's own ways, since its class may guard its attributes.
            todo += [BaseException.__getattribute__(error, name) for name in ("__cause__", "__context__")]
            BaseException.__setattr__(error, "__traceback__", None)


def complain(text: str) -> None:
    """One sentence on descriptor 2."""
    if sys.stderr is not None:
        sys.stderr.write(f"worker_stub: {text}\n")
        sys.stderr.flush()
