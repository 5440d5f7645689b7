"""The frame of each answer: in a worker's metadata, and never longer than the cap."""

from worker_stub import frames
from worker_stub.plain import pack_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence

    from worker_stub.codec import Sealed


class Answers:
    """Makes frames of answers.

    encode: how metadata is written. is_msgpack: whether that is MessagePack. cap: the longest frame, in bytes.
    """

    def __init__(self, encode: "Callable[[Any], bytes]", is_msgpack: bool, cap: int) -> None:
        self._encode = encode
        self._is_plain = is_msgpack and cap >= frames.LARGE
        self._cap = cap

    def pack(
        self, task: int, attempt: int, seconds: float, sealed: "Sealed", extra: "Optional[dict[str, Any]]"
    ) -> "Sequence[frames.Part]":
        """The frame of an answer; when it would be too long, that of a failure."""
        data, buffers = sealed
        if extra is None and not buffers and self._is_plain:
            plain = pack_result(task, attempt, data, seconds)
            if plain is not None:
                return (plain,)
        ok = extra is None or "error" not in extra
        metadata = self._encode({"results": [[task, attempt, ok, len(data), len(buffers), seconds, extra]]})
        length = frames.HEADER.size + len(metadata) + len(data) + sum([8 + len(buffer) for buffer in buffers])
        if length > self._cap:
            text = f"its answer takes {length} bytes; a frame may have {self._cap}"
            error = {"kind": "result", "type": "ValueError", "message": text, "traceback": None}
            metadata = self._encode({"results": [[task, attempt, False, 0, 0, seconds, {"error": error}]]})
            data, buffers = b"", ()
        return frames.pack(frames.RESULTS, metadata, [data] if data else [], buffers)
