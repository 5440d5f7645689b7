"""Programs that are not quite workers, each named in the argument: ``python -m tests.frontends.strangers greet``."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from tests.frontends.processes import note, still_there
from worker_stub import frames, small_msgpack

pack, unpack = small_msgpack.packb, small_msgpack.unpackb
reader = frames.Reader(0, frames.FROM_MASTER)


def say(kind: int, metadata: dict[str, Any], payload: bytes = b"") -> None:
    """Write a frame."""
    frames.write(1, frames.pack(kind, pack(metadata), [payload]))


def hear(kind: int) -> tuple[Any, bytes]:
    """Metadata and payload of the next frame of this kind; the others are skipped."""
    while True:
        frame = reader.read()
        if frame is None:
            sys.exit("the input has ended")
        if frame[0] == kind:
            return unpack(frame[1]), bytes(frame[2])


def greet(version: int = 1) -> None:
    """Say hello."""
    reader.read_marker(frames.MASTER_MARKER)
    hear(frames.MASTER_HELLO)
    os.write(1, frames.WORKER_MARKER)
    codecs = ["pickle", "msgpack"]
    say(frames.WORKER_HELLO, {"version": version, "meta": "msgpack", "codecs": codecs, "pid": os.getpid()})


def get_ready() -> None:
    """Say all that comes before the first task."""
    greet()
    say(frames.ACCEPTED, {})
    say(frames.READY, {"seconds": 0.0})


def answer(ok: bool) -> None:
    """Read a task, and give its argument back, or fail."""
    metadata, payload = hear(frames.TASKS)
    ((task, attempt, size, _),) = metadata["tasks"]
    extra = None if ok else {"error": {"kind": "raised", "type": "Unwilling", "message": "not me"}}
    say(frames.RESULTS, {"results": [[task, attempt, ok, size if ok else 0, 0, 0.0, extra]]}, payload if ok else b"")


def wait_for_ever() -> None:
    """Neither read nor write."""
    time.sleep(600)


def greet_and_be_silent() -> None:
    """Says hello and does not answer the first frame, nor read it."""
    greet()
    wait_for_ever()


def speak_another_version() -> None:
    """Its hello is of a later time."""
    greet(version=2)
    wait_for_ever()


def write_another_version() -> None:
    """Its frames are of a later time."""
    reader.read_marker(frames.MASTER_MARKER)
    os.write(1, frames.WORKER_MARKER + frames.MAGIC_BYTES + b"\x02\x10" + bytes(20))
    wait_for_ever()


def write_nonsense() -> None:
    """Its marker line is right, and nothing else."""
    reader.read_marker(frames.MASTER_MARKER)
    os.write(1, frames.WORKER_MARKER + b"how do you do?")
    wait_for_ever()


def hurry() -> None:
    """Its answer comes before the question."""
    greet()
    say(frames.RESULTS, {"results": []})
    wait_for_ever()


def know_no_codec() -> None:
    """It cannot read what it is to be sent."""
    reader.read_marker(frames.MASTER_MARKER)
    os.write(1, frames.WORKER_MARKER)
    say(frames.WORKER_HELLO, {"version": 1, "meta": "msgpack", "codecs": ["json"], "pid": os.getpid()})
    wait_for_ever()


def break_off() -> None:
    """It gets ready, and answers its first task with nonsense."""
    get_ready()
    hear(frames.TASKS)
    os.write(1, b"how do you do?" * 10)
    wait_for_ever()


def close_its_output() -> None:
    """It gets ready, and takes its first task without the means to answer it."""
    get_ready()
    hear(frames.TASKS)
    os.close(1)
    wait_for_ever()


def fail_and_leave() -> None:
    """It fails its first task, and exits with status 0."""
    get_ready()
    answer(ok=False)


def answer_and_leave() -> None:
    """It answers its first task, and exits with status 0; its number is noted in the folder of the task."""
    get_ready()
    note(sys.argv[2])
    answer(ok=True)


def answer_and_say_goodbye() -> None:
    """It answers its first task, prints a tail, and exits with status 1."""
    get_ready()
    answer(ok=True)
    say(frames.BYE, {})
    os.write(1, b"the tail of %d\n" % os.getpid())
    sys.exit(1)


def wait_until_one_has_left(folder: str) -> str:
    """For a good worker: return when whoever is noted in the folder is gone."""
    end = time.monotonic() + 10
    while not os.listdir(folder) or still_there(map(int, os.listdir(folder))):
        if time.monotonic() > end:
            raise TimeoutError(os.listdir(folder))
        time.sleep(0.001)
    return "waited"


if __name__ == "__main__":
    globals()[sys.argv[1]]()
