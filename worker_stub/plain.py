"""The two frames that nearly all frames are, packed and read in one go: one task, and one good answer.

Their metadata is MessagePack like any other, but each number has a fixed width, so that the whole has a fixed length:

    TASKS    {function: nil, tasks: [[task, attempt, size, 0]]}
    RESULTS  {results: [[task, attempt, true, size, 0, seconds, nil]]}

Rule: what does not fit, or was written in another form, goes the long way; both ways mean the same.
"""

import struct

from worker_stub.frames import HEADER, LARGE, MAGIC, RESULTS, TASKS, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

#: The codes of MessagePack between the numbers: 4 bytes follow; true, 4 bytes follow; 0, a double follows; nil.
_UINT, _TRUE_UINT, _ZERO_DOUBLE, _NIL = 0xCE, 0xC3CE, 0x00CB, 0xC0

_TASK_KEYS = b"\x82\xa8function\xc0\xa5tasks\x91\x94\xce"
_TASK = struct.Struct("!20sIBBIB")

_RESULT_KEYS = b"\x81\xa7results\x91\x97\xce"
#: It begins with the frame's header, whose length of the payload is its second value.
_RESULT = struct.Struct("!8sQ20sIBHIHdB")
_RESULT_HEAD = HEADER.pack(MAGIC, VERSION, RESULTS, _RESULT.size - HEADER.size, 0, 0, 0)[:8]
_RESULT_MIDDLE = bytes(8) + _RESULT_KEYS

TASK_MAX = 0xFFFFFFFF
ATTEMPT_MAX = 0x7F
#: What is longer with its payload is large.
PAYLOAD_MAX = LARGE - 1 - max(HEADER.size + _TASK.size, _RESULT.size)

_INFINITE = float("inf")


def pack_task(task: int, attempt: int, payload: bytes) -> "Optional[bytes]":
    """The frame of a task for the worker's own function; None where it has to go the long way."""
    size = len(payload)
    if task > TASK_MAX or attempt > ATTEMPT_MAX or size > PAYLOAD_MAX:
        return None
    head = HEADER.pack(MAGIC, VERSION, TASKS, _TASK.size, size, 0, 0)
    return head + _TASK.pack(_TASK_KEYS, task, attempt, _UINT, size, 0) + payload


def read_task(metadata: bytes, length: int) -> "Optional[tuple[int, int]]":
    """Task and attempt, of a TASKS frame with that length of payload and no buffers; None: it goes the long way."""
    if len(metadata) != _TASK.size:
        return None
    keys, task, attempt, code, size, count = _TASK.unpack(metadata)
    if keys != _TASK_KEYS or attempt > ATTEMPT_MAX or code != _UINT or size != length or count:
        return None
    return task, attempt


def pack_result(task: int, attempt: int, payload: bytes, seconds: float) -> "Optional[bytes]":
    """The frame of a good answer without prints; None where it has to go the long way."""
    size = len(payload)
    if task > TASK_MAX or attempt > ATTEMPT_MAX or size > PAYLOAD_MAX:
        return None
    head = _RESULT.pack(
        _RESULT_HEAD, size, _RESULT_MIDDLE, task, attempt, _TRUE_UINT, size, _ZERO_DOUBLE, seconds, _NIL
    )
    return head + payload


def read_result(data: bytes, begin: int) -> "Optional[tuple[int, int, bytes, float, int]]":
    """Task, attempt, payload, seconds, and the end, of the frame that begins there; None: it goes the long way."""
    body = begin + _RESULT.size
    if body > len(data):
        return None
    head, length, middle, task, attempt, code, size, zero_code, seconds, nil = _RESULT.unpack_from(data, begin)
    end = body + size
    if (
        head != _RESULT_HEAD
        or middle != _RESULT_MIDDLE
        or length != size
        or end > len(data)
        or size > PAYLOAD_MAX
        or attempt > ATTEMPT_MAX
        or (code, zero_code, nil) != (_TRUE_UINT, _ZERO_DOUBLE, _NIL)
        or not 0.0 <= seconds < _INFINITE
    ):
        return None
    return task, attempt, data[body:end], seconds, end
