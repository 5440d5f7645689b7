"""What the tests' workers do. It runs on every Python that the stub runs on."""

import atexit
import ctypes
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref

import worker_stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_seen: "list[Any]" = []


class Marked:
    """Something whose life can be watched."""


class Odd(Exception):
    """Cannot be rebuilt from its args."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("odd")


class Unsendable(Exception):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("unsendable", threading.Lock())


class Base(BaseException):
    """Not an Exception."""


class Mute(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError


class Exits:
    """Leaves when it is unpickled."""

    def __reduce__(self) -> "tuple[Any, ...]":
        return sys.exit, (3,)


class ForksWhenSealed:
    """Its pickling forks, and both copies go on."""

    def __reduce__(self) -> "tuple[Any, ...]":
        os.fork()
        return int, (5,)


def run(payload: "tuple[Any, ...]") -> object:
    """Call the function that the payload names with the rest of it."""
    return globals()[payload[0]](*payload[1:])


def raised(exception: BaseException) -> None:
    """Raise it from two frames of the user's."""
    raise exception


def raised_odd() -> None:
    """Raise what cannot be rebuilt."""
    raise Odd(1, 2)


def raised_unsendable() -> None:
    """Raise what cannot be pickled."""
    raise Unsendable


def raised_base() -> None:
    """Raise what is no Exception."""
    raise Base("base")


def raised_mute() -> None:
    """Raise what has no text."""
    raise Mute


def left(code: "Any") -> None:
    """Ask to exit."""
    sys.exit(code)


def lock() -> object:
    """Give what cannot be pickled."""
    return threading.Lock()


def many(size: int) -> bytes:
    """Give so many bytes."""
    return b"x" * size


def exits() -> object:
    """Give what leaves when it is unpickled."""
    return Exits()


def forks_when_sealed() -> object:
    """Give what forks when it is pickled."""
    return ForksWhenSealed()


def printed(out: str, err: str) -> None:
    """Print on both streams of Python's."""
    sys.stdout.write(out)
    sys.stderr.write(err)


def printed_often(times: int) -> int:
    """Print single characters; gives the growth of memory in bytes."""
    import tracemalloc

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        sys.stdout.write("x")
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


class Talkative:
    """Prints when it is let go of."""

    def __reduce__(self) -> "tuple[Any, ...]":
        return int, (5,)

    def __del__(self) -> None:
        sys.stdout.write("gone\n")


def talkative(number: int) -> object:
    """Give something that prints, or raise while having it."""
    found = Talkative()
    if not number:
        raise ValueError("no")
    return found


def printed_low(text: bytes, times: int) -> None:
    """Write on descriptor 1 from C, while holding the interpreter lock."""
    write = ctypes.PyDLL(None).write
    for _ in range(times):
        left = text
        while left:
            left = left[write(1, left, len(left)) :]


def printed_below(text: str) -> None:
    """Let a child process print, and a forked copy."""
    subprocess.call([sys.executable, "-c", f"print({text!r})"])
    pid = os.fork()
    if not pid:
        sys.stdout.write(text + " forked\n")
        os._exit(0)
    os.waitpid(pid, 0)


def stream() -> "list[Any]":
    """What the standard streams are."""
    out = sys.stdout
    out.flush()
    return [out.encoding, out.isatty(), out.fileno(), sys.stderr.fileno(), out.name, out.buffer.write(b"raw\n")]


def closed_streams() -> None:
    """Close the standard streams, as careless code does."""
    sys.stdout.close()
    sys.stderr.close()


def forked(how: str) -> int:
    """Fork; the copy ends as it is told. Gives the copy's exit status."""
    pid = os.fork()
    if pid:
        return os.WEXITSTATUS(os.waitpid(pid, 0)[1])
    if how == "raised":
        raise ValueError("in the copy")
    if how == "exited":
        sys.exit(7)
    return 0


def closed_low() -> None:
    """Close what careless code closes."""
    os.closerange(0, 21)


def descriptors() -> "list[Any]":
    """Which of the first descriptors are open, and what is read from the first."""
    return [os.readlink("/proc/self/fd/0"), os.read(0, 10), sorted(map(int, os.listdir("/proc/self/fd")))]


def environment() -> "list[Any]":
    """The names in the environment that are the stub's."""
    return [name for name in os.environ if name.endswith("_FD")]


def thread() -> None:
    """Leave a thread behind."""
    threading.Thread(target=threading.Event().wait).start()


def waited(number: int) -> None:
    """Tell that it has begun, and wait for the end of the world, or for a signal that is told."""
    if number:
        try:
            os.write(1, b"waiting\n")
            time.sleep(60)
        except KeyboardInterrupt:
            os.write(1, b"interrupted\n")
            raise
    else:
        os.write(1, b"waiting\n")
        threading.Event().wait()


def killed(number: int) -> None:
    """Send a signal to itself."""
    os.kill(os.getpid(), number)


def ended() -> None:
    """End the process without a word."""
    os._exit(0)


def crashed() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def interrupted() -> str:
    """Catch an interrupt, and return all the same."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    except KeyboardInterrupt:
        pass
    return "went on"


def failed_with_local() -> None:
    """Raise from a frame that holds something, and note it."""
    local = Marked()
    _seen.append(weakref.ref(local))
    try:
        raise KeyError("inner")
    except KeyError as error:
        kept = error
        raise ValueError(str(kept)) from error


def alive() -> "list[Any]":
    """Which of the noted things are still alive."""
    return [reference() is not None for reference in _seen]


def at_exit(text: str) -> None:
    """Print when the process ends."""
    atexit.register(print, text)


def prelude() -> "list[Any]":
    """What was sent before the tasks."""
    return worker_stub.prelude()


def where() -> "list[Any]":
    """The module look-up's folders, and this module's file."""
    return [list(sys.path), __file__]


def prepared(items: "list[Any]") -> None:
    """Prepare: note the items."""
    _seen.append(items)


def seen() -> "list[Any]":
    """What was noted."""
    return list(_seen)


def unprepared(items: "list[Any]") -> None:
    """Cannot prepare."""
    sys.stdout.write(f"tried with {items}\n")
    raise RuntimeError("no licence")


def size_of(data: bytes) -> int:
    """How many bytes came."""
    return len(data)


def again(data: bytes) -> object:
    """Unpickle."""
    return pickle.loads(data)


def pooled(how: str) -> "list[int]":
    """Spread work of its own."""
    with multiprocessing.get_context(how).Pool(2) as pool:
        return pool.map(abs, [-1, 2, -3])


def given(value: object) -> object:
    """Give it back."""
    return value


def large(size: int, count: int) -> "list[Any]":
    """Give so many bytearrays; each is a buffer, where there are such."""
    if hasattr(pickle, "PickleBuffer"):
        return [pickle.PickleBuffer(bytearray(size)) for _ in range(count)]
    return [bytearray(size) for _ in range(count)]


def written(value: bytearray) -> bytearray:
    """Write to it, and make it longer."""
    value[0] = 1
    value.append(2)
    return value


def counted(array: "Any") -> "Any":
    """Add one to an array where it lies."""
    array += 1
    return array


def raised_large(size: int) -> None:
    """Raise something that holds much."""
    raise ValueError("large", bytearray(size), *large(size, 1))


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number
