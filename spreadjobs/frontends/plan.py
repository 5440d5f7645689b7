"""From the arguments of a call to all that a run needs; what is wrong with them is said before any work begins."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Final

from spreadjobs.core.rules import Rules
from spreadjobs.engine.framed import FramedDialect, Preparation
from spreadjobs.engine.lines import LinesDialect
from spreadjobs.engine.run import Run
from spreadjobs.engine.worker import Dialect, Worker
from spreadjobs.errors import UsageError
from spreadjobs.frontends.connections import Connection_framed, Connection_lines
from spreadjobs.protocol.lines import encode_prelude
from spreadjobs.protocol.payloads import CODECS, Sealed, Sealer, SealError
from spreadjobs.records import DEFAULTS, Limits, Task, is_count, is_number
from spreadjobs.scheduling.windows import MOST
from spreadjobs.transports.base import Spot
from spreadjobs.transports.local import LocalTransport
from worker_stub import __main__ as stub

Function = Callable[[Any], Any]
LOCALHOST: Final = "localhost"
#: What holds for a task where nobody has said anything.
USUAL: Final = Limits(DEFAULTS.timeout, DEFAULTS.attempts, DEFAULTS.losses, DEFAULTS.timeout_grace)


@dataclass(frozen=True, slots=True)
class Crewing:
    """Who works: the workers' places, and how one speaks with each."""

    spots: tuple[Spot, ...]
    dialect: Callable[[Run], Callable[[Worker], Dialect]]
    sends_nothing: bool


def crew_of_function(function: Function, workers: int, prelude: Iterable[Any], sealer: Sealer) -> Crewing:
    """Local workers that run a Python function. Raises UsageError where it cannot be sent to them."""
    if sealer.name != "pickle":
        raise UsageError(f"codec={sealer.name!r}: a Python function can only be sent with codec='pickle'")
    try:
        sealed = sealer.seal(function)
    except SealError as error:
        raise UsageError(f"the function {function!r} cannot be used: {error}") from error
    import hashlib  # late: it takes its time, and only functions need it

    digest = hashlib.blake2b(sealed[0], digest_size=16).digest()
    path = _module_path()
    preparation = Preparation(sealer, _sealed_prelude(prelude, sealer), (digest, sealed), path)
    argv = (sys.executable, os.path.abspath(stub.__file__))
    return Crewing(_local([argv] * workers), _framed(preparation), sends_nothing=False)


def crew_of_programs(
    list_of_args: Sequence[Sequence[Any]],
    factory: type | None,
    prelude: Iterable[Any],
    sealer: Sealer,
    *,
    has_tasks: bool,
) -> Crewing:
    """A worker for each argument list. Raises UsageError where they make no sense."""
    spots = _local([_argv(args, index) for index, args in enumerate(list_of_args)])
    items = list(prelude)
    if not has_tasks and not items:
        return Crewing(spots, _lines(b""), sends_nothing=True)
    if factory is None:
        raise UsageError(
            "say which dialect the workers speak: connection_factory=Connection_framed for those made with"
            " worker_stub, Connection_lines for plain commands"
        )
    if factory is Connection_lines:
        if has_tasks:
            raise UsageError("Connection_lines is for plain commands, which take no tasks: todo must be empty")
        return Crewing(spots, _lines(encode_prelude(items)), sends_nothing=False)
    return Crewing(spots, _framed(Preparation(sealer, _sealed_prelude(items, sealer), None, None)), sends_nothing=False)


def _framed(preparation: Preparation) -> Callable[[Run], Callable[[Worker], Dialect]]:
    return lambda run: lambda worker: FramedDialect(worker, preparation, run.source.sealed, run)


def _lines(prelude: bytes) -> Callable[[Run], Callable[[Worker], Dialect]]:
    return lambda run: lambda worker: LinesDialect(worker, prelude, run)


def _local(argvs: Sequence[tuple[str, ...]]) -> tuple[Spot, ...]:
    transport = LocalTransport()
    return tuple([Spot(index, LOCALHOST, argv, transport) for index, argv in enumerate(argvs)])


def _argv(args: Sequence[Any], index: int) -> tuple[str, ...]:
    if isinstance(args, str | bytes):
        raise UsageError(f"list_of_args[{index}] is {args!r}: it must be a list of arguments, not one text")
    if not isinstance(args, Iterable):
        raise UsageError(f"list_of_args[{index}] is {args!r}: it must be a list of arguments")
    argv = tuple([_argument(arg, index) for arg in args])
    if not argv:
        raise UsageError(f"list_of_args[{index}] is empty: it must name a program")
    if any(["\0" in arg for arg in argv]):
        raise UsageError(f"list_of_args[{index}] has a NUL byte in an argument")
    return argv


def _argument(arg: Any, index: int) -> str:
    if arg is None:
        raise UsageError(f"list_of_args[{index}] has None in it: that is no argument")
    text = os.fsdecode(arg) if isinstance(arg, bytes | os.PathLike) else str(arg)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise UsageError(f"list_of_args[{index}]: {text!r} cannot be given to a program here (locale, UTF-8)") from None
    return text


def _module_path() -> list[bytes]:
    """Where the workers of a function look for modules: where we do, as absolute folders."""
    found = []
    for folder in sys.path:
        if isinstance(folder, str | bytes):
            try:
                found.append(os.fsencode(os.path.abspath(folder)))
            except OSError:  # it is relative to a folder that is gone
                continue
    return found


def _sealed_prelude(items: Iterable[Any], sealer: Sealer) -> tuple[Sealed, ...]:
    sealed = []
    for index, item in enumerate(items):
        try:
            sealed.append(sealer.seal(item))
        except SealError as error:
            raise UsageError(f"item {index} of the prelude (stdin): {error}") from error
    return tuple(sealed)


def size(todo: Iterable[Any]) -> int:
    """How many tasks there are, as far as one can know without pulling them."""
    return len(todo) if isinstance(todo, Sized) else 0


def enough(workers: int, todo: Iterable[Any]) -> int:
    """No more workers than a list of tasks can fill; all of them where its length is not known."""
    if not isinstance(todo, Sequence) or len(todo) >= workers:
        return workers
    return max(1, min(workers, sum([item.needs.cpus if isinstance(item, Task) else 1 for item in todo])))


def check(on_error: str, codec: str, on_result: object, window: object, **seconds: float | None) -> None:
    """Raise UsageError for a setting that makes no sense."""
    if on_result is not None and not callable(on_result):
        raise UsageError(f"on_result={on_result!r}: it must be a function of index and value")
    if window is not None and not is_count(window):
        raise UsageError(f"window={window!r}: it must be a whole number of at least 1")
    if on_error not in ("raise", "return"):
        raise UsageError(f"on_error={on_error!r}: it must be 'raise' or 'return'")
    if codec not in CODECS:
        raise UsageError(f"codec={codec!r}: it must be one of {', '.join(map(repr, CODECS))}")
    for name, value in seconds.items():
        if value is None and name != "deadline":
            raise UsageError(f"{name}=None: it must be a number of seconds; leave it out for the usual one")
        if value is not None and not (is_number(value) and 0 < value < math.inf):
            raise UsageError(f"{name}={value!r}: it must be a number of seconds, more than 0")


def check_iterable(name: str, items: Iterable[Any]) -> Iterator[Any]:
    """An iterator over them. Raises UsageError where there can be none."""
    try:
        return iter(items)
    except TypeError as error:
        raise UsageError(f"{name}={items!r}: it must be an iterable") from error


def check_crew(
    list_of_args: Iterable[Sequence[Any]] | Callable[[Any], Any], factory: type | None, workers: object
) -> list[Sequence[Any]] | Callable[[Any], Any]:
    """The argument lists, or the function. Raises UsageError for what is neither, or goes ill with the others."""
    if factory not in (None, Connection_framed, Connection_lines):
        raise UsageError(f"connection_factory={factory!r}: it must be Connection_framed or Connection_lines")
    if workers is not None and not is_count(workers):
        raise UsageError(f"workers={workers!r}: it must be a whole number of at least 1")
    if callable(list_of_args):
        if factory is Connection_lines:
            raise UsageError("Connection_lines is for plain commands; functions have framed workers")
        return list_of_args
    if workers is not None:
        raise UsageError("workers= goes with a function; with argument lists, each of them is one worker")
    if not isinstance(list_of_args, Iterable):
        raise UsageError(f"list_of_args is {list_of_args!r}: it must be a list of argument lists, or a function")
    crew = list(list_of_args)
    if not crew:
        raise UsageError("list_of_args is empty: there is nobody to do the work")
    return crew


def make_rules(
    connect: float,
    grace: float,
    deadline: float | None,
    window: int | None,
    *,
    stop_on_failure: bool,
    crewing: Crewing,
) -> Rules:
    """The machine's rules, where the clock says that it is now."""
    return Rules(
        connect=connect,
        grace=grace,
        stop_on_failure=stop_on_failure,
        deadline=None if deadline is None else time.monotonic() + deadline,
        window=MOST if window is None else min(window, MOST),
        unlimited_tail=crewing.sends_nothing,
    )
