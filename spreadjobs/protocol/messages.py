"""What master and worker say to each other: frames from our words, their words from frames.

Rule: everything that a worker says is checked here, once; what is malformed raises ProtocolError and says what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol.frames import Bytes, Frame
from spreadjobs.protocol.metadata import METAS, decode, encode
from spreadjobs.protocol.payloads import OVERHEAD, Sealed, length_of
from worker_stub import frames as wire
from worker_stub.plain import pack_task, read_result

# --- master -> worker: byte strings that are to be written one behind the other; ``meta`` is what the HELLO names


def master_hello(codec: str) -> list[Bytes]:
    """The first bytes to a worker: the marker line, and HELLO with the codec of the payloads."""
    return [wire.MASTER_MARKER, *_frame(wire.MASTER_HELLO, "msgpack", {"version": wire.VERSION, "codec": codec})]


def setup(
    meta: str, worker: int, host: str, frame: int, output: int, path: Sequence[bytes | str] | None = None
) -> list[Bytes]:
    """SETUP. frame: the cap of each frame, output: what to keep of each stream of a task, both in bytes."""
    values = {"worker": worker, "host": host, "frame": frame, "output": output}
    if path is not None:
        values["path"] = list(path)
    return _frame(wire.SETUP, meta, values)


def prelude(meta: str, sealed: Sealed) -> list[Bytes]:
    """PRELUDE: one item."""
    return _frame(wire.PRELUDE, meta, {}, [sealed])


def function(meta: str, digest: bytes, sealed: Sealed) -> list[Bytes]:
    """FUNCTION: a function, under the digest of 16 bytes by which tasks name it."""
    return _frame(wire.FUNCTION, meta, {"digest": digest}, [sealed])


def prepare(meta: str, compute: bytes | None = None) -> list[Bytes]:
    """PREPARE. compute: digest of the function of tasks that name none; None for the worker's own."""
    return _frame(wire.PREPARE, meta, {"compute": compute})


def tasks(meta: str, digest: bytes | None, letters: Sequence[tuple[int, int, Sealed]]) -> list[Bytes]:
    """TASKS of one function (its digest, None for the worker's own): (task, attempt, sealed payload) of each.

    In one frame, as far as it may hold them all: each alone must fit.
    """
    if len(letters) == 1 and digest is None and meta == "msgpack":
        task, attempt, (data, buffers) = letters[0]
        if not buffers and (plain := pack_task(task, attempt, data)) is not None:
            return [plain]
    rows = [(task, attempt, len(sealed[0]), len(sealed[1])) for task, attempt, sealed in letters]
    is_heavy = sum([row[2] for row in rows]) > wire.FRAME_CAP // 2 or any([row[3] for row in rows])
    if is_heavy and len(letters) > 1 and not _fit_together(letters):
        middle = len(letters) // 2
        return tasks(meta, digest, letters[:middle]) + tasks(meta, digest, letters[middle:])
    return _frame(wire.TASKS, meta, {"function": digest, "tasks": rows}, [sealed for _, _, sealed in letters])


def _fit_together(letters: Sequence[tuple[int, int, Sealed]]) -> bool:
    length = sum([OVERHEAD + length_of(sealed) for _, _, sealed in letters])
    return length <= wire.FRAME_CAP and sum([len(sealed[1]) for _, _, sealed in letters]) <= wire.BUFFERS_MAX


def _frame(kind: int, meta: str, values: dict[str, Any], payload: Sequence[Sealed] = ()) -> list[Bytes]:
    """The frame in few parts: short ones are joined, long ones are not copied."""
    buffers = [buffer for _, buffers in payload for buffer in buffers]
    return wire.joined(wire.pack(kind, encode(meta, values), [data for data, _ in payload], buffers))


# --- worker -> master


@dataclass(frozen=True, slots=True)
class WorkerHello:
    """Who the worker is. memory in bytes; None is what it does not know."""

    meta: str
    codecs: tuple[str, ...]
    pid: int
    python: tuple[int, int, int] | None
    cpus: int | None
    memory: int | None
    page: bool
    capture: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """It has read SETUP, and has run no user code yet."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It has prepared, in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FarError:
    """An error of the worker's side. kind: one of worker_stub.frames.ERROR_KINDS. code: what was given to sys.exit."""

    kind: str
    type: str
    message: str
    traceback: str | None = None
    code: int | str | None = None

    def summary(self) -> str:
        """Type and message, as the last line of a traceback has them."""
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class Trouble:
    """It could not prepare. out, err: what it printed meanwhile; dropped: how many bytes more there were."""

    error: FarError
    out: bytes = b""
    err: bytes = b""
    dropped: int = 0


#: Makes a named tuple in a third of the time that its own constructor takes.
_new = tuple.__new__


class Answer(NamedTuple):
    """What became of one attempt at a task.

    payload: the sealed result where ``error`` is None; else the sealed exception, or empty. seconds: how long it ran.
    out, err: what it printed; dropped: how many bytes more there were.
    """

    task: int
    attempt: int
    payload: Bytes
    buffers: Sequence[Bytes]
    seconds: float
    error: FarError | None = None
    out: bytes = b""
    err: bytes = b""
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """Answers, in the order in which they were computed."""

    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Bye:
    """Its last frame; what follows is its tail."""


FromWorker = WorkerHello | Accepted | Ready | Trouble | Results | Bye


def parse(frame: Frame, meta: str) -> FromWorker:
    """What a worker says. meta: what its HELLO names; HELLO itself is always MessagePack. Raises ProtocolError."""
    kind = frame.kind
    if kind == wire.RESULTS:
        return Results(_answers(decode(meta, frame.metadata), frame.payload, frame.buffers))
    if kind == wire.WORKER_HELLO:
        return _hello(decode("msgpack", frame.metadata))
    if kind == wire.ACCEPTED:
        return Accepted()
    if kind == wire.READY:
        return Ready(_seconds(decode(meta, frame.metadata).get("seconds")))
    if kind == wire.TROUBLE:
        values = decode(meta, frame.metadata)
        return Trouble(_error(values.get("error")), *_printed(values))
    if kind == wire.BYE:
        return Bye()
    raise ProtocolError(f"a frame of kind {kind}, which no worker sends")


def read_results(data: bytes, meta: str, answers: list[Answer]) -> int:
    """The hot path: take the RESULTS frames that ``data`` begins with, as far as they are whole and small.

    Their answers are added to ``answers``. How many bytes they take; what follows is for FrameReader and ``parse``,
    which would find the same in these. Raises ProtocolError, behind those that were good.
    """
    begin, length = 0, len(data)
    is_msgpack = meta == "msgpack"
    while length - begin >= wire.HEADER.size:
        if is_msgpack and (plain := read_result(data, begin)) is not None:
            task, attempt, sealed, seconds, begin = plain
            answers.append(_new(Answer, (task, attempt, sealed, (), seconds, None, b"", b"", 0)))
            continue
        magic, version, kind, metadata, payload, count, zero = wire.HEADER.unpack_from(data, begin)
        middle = begin + wire.HEADER.size + metadata
        end = middle + payload
        is_small = end <= length and end - begin < wire.LARGE and not count
        if not is_small or kind != wire.RESULTS or zero or (magic, version) != (wire.MAGIC, wire.VERSION):
            break
        answers += _answers(decode(meta, data[begin + wire.HEADER.size : middle]), data[middle:end], ())
        begin = end
    return begin


def check_codec(hello: WorkerHello, codec: str) -> None:
    """Raise ProtocolError for a worker that cannot be spoken to in ``codec``, or would answer in a less safe one."""
    if codec not in hello.codecs:
        known = ", ".join(hello.codecs) or "none"
        raise ProtocolError(f"it does not know the codec {codec!r} (it knows: {_short(known)})")
    if codec == "msgpack" and hello.meta != "msgpack":
        raise ProtocolError(f"its metadata would be {hello.meta}, where nothing but msgpack is read")


def _hello(values: dict[str, Any]) -> WorkerHello:
    version = values.get("version")
    if type(version) is not int or version != wire.VERSION:
        raise ProtocolError(f"it speaks version {_shown(version)} of the protocol; this side speaks {wire.VERSION}")
    meta = _text(values, "meta")
    if meta not in METAS:
        raise ProtocolError(f"meta is {_shown(meta)}, which is none of {', '.join(METAS)}")
    codecs = _list(values, "codecs")
    if not all([type(one) is str for one in codecs]):
        raise ProtocolError("codecs holds something that is no text")
    pid = _number(values, "pid")
    if not pid:
        raise ProtocolError("pid is missing")
    return WorkerHello(
        meta=meta,
        codecs=tuple(codecs),
        pid=pid,
        python=_python(values),
        cpus=_number(values, "cpus"),
        memory=_number(values, "memory"),
        page=_truth(values, "page"),
        capture=_truth(values, "capture"),
    )


def _python(values: dict[str, Any]) -> tuple[int, int, int] | None:
    if values.get("python") is None:
        return None
    numbers = _list(values, "python")
    if [type(one) for one in numbers] != [int, int, int]:
        raise ProtocolError("python is not three numbers")
    return numbers[0], numbers[1], numbers[2]


def _answers(values: dict[str, Any], payload: Bytes, buffers: Sequence[Bytes]) -> list[Answer]:
    answers: list[Answer] = []
    begin = first = 0
    for row in _list(values, "results"):
        if (type(row) is not list and type(row) is not tuple) or len(row) != 7:
            raise ProtocolError("a row of results that is not [task, attempt, ok, size, buffers, seconds, extra]")
        task, attempt, ok, size, count, seconds, extra = row
        for number in (task, attempt, size, count):
            if type(number) is not int or number < 0:
                raise ProtocolError(f"a row of results where {_shown(number)} stands for a number of 0 or more")
        if ok is not True and ok is not False:
            raise ProtocolError(f"a row of results where {_shown(ok)} stands for true or false")
        seconds = _seconds(seconds)
        end, last = begin + size, first + count
        sealed, parts = payload[begin:end], buffers[first:last]
        if ok and extra is None:
            answers.append(Answer(task, attempt, sealed, parts, seconds))
        elif type(extra) is dict:
            error = None if ok else _error(extra.get("error"))
            answers.append(Answer(task, attempt, sealed, parts, seconds, error, *_printed(extra)))
        else:
            raise ProtocolError(f"a row of results where {_shown(extra)} stands for a map")
        begin, first = end, last
    if begin != len(payload) or first != len(buffers):
        sizes = f"{begin} bytes and {first} buffers, and the frame holds {len(payload)} and {len(buffers)}"
        raise ProtocolError(f"rows of results that are of {sizes}")
    return answers


def _error(error: Any) -> FarError:
    if type(error) is not dict:
        raise ProtocolError(f"an error that is {_shown(error)}, not a map")
    kind = _text(error, "kind")
    if kind not in wire.ERROR_KINDS:
        raise ProtocolError(f"an error of kind {_shown(kind)}; there is none such")
    traceback = None if error.get("traceback") is None else _text(error, "traceback")
    code = error.get("code")
    if code is not None and type(code) is not int and type(code) is not str:
        raise ProtocolError(f"an error whose code is {_shown(code)}, neither number nor text")
    return FarError(kind, _text(error, "type"), _text(error, "message"), traceback, code)


def _printed(values: dict[str, Any]) -> tuple[bytes, bytes, int]:
    dropped = (_number(values, "out_dropped") or 0) + (_number(values, "err_dropped") or 0)
    return _bytes(values, "out"), _bytes(values, "err"), dropped


# --- one value each, checked; what came is shown in short, however long or deep it is


def _shown(value: Any) -> str:
    if value is None or isinstance(value, int | float | str):
        return _short(repr(value))
    return f"a {type(value).__name__}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _seconds(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise ProtocolError(f"{_shown(value)} stands where seconds belong")
    if not 0 <= value < math.inf:
        raise ProtocolError(f"{_shown(value)} stands where seconds belong")
    return float(value)


def _number(values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise ProtocolError(f"{key} is {_shown(value)}, not a number of 0 or more")
    return value


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if type(value) is not str:
        raise ProtocolError(f"{key} is {_shown(value)}, not text")
    return value


def _bytes(values: dict[str, Any], key: str) -> bytes:
    value = values.get(key)
    if value is not None and type(value) is not bytes:
        raise ProtocolError(f"{key} is {_shown(value)}, not bytes")
    return value or b""


def _truth(values: dict[str, Any], key: str) -> bool:
    value = values.get(key)
    if value is not None and type(value) is not bool:
        raise ProtocolError(f"{key} is {_shown(value)}, not true or false")
    return value is True


def _list(values: dict[str, Any], key: str) -> Sequence[Any]:
    value: Any = values.get(key)
    if type(value) is not list and type(value) is not tuple:
        raise ProtocolError(f"{key} is {_shown(value)}, not a list")
    found: Sequence[Any] = value
    return found
