"""``python -m worker_stub package.module:function``: a worker for any function that can be imported.

It can be run by its path as well. Without an argument the function comes over the wire.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn, Optional

USAGE = "usage: python -m worker_stub [package.module:function] [--prepare package.module:function]"


def parse(arguments: "list[str]") -> "tuple[Optional[str], Optional[str]]":
    """The names of the function and of what prepares it. Raises ValueError, with a sentence, for a bad command line."""
    compute = prepare = None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--prepare" or word.startswith("--prepare="):
            name = word[len("--prepare=") :] or (rest.pop(0) if word == "--prepare" and rest else "")
            prepare = checked(name)
        elif compute is None and not word.startswith("-"):
            compute = checked(word)
        else:
            raise ValueError(f"{word!r} has no meaning here")
    return compute, prepare


def checked(name: str) -> str:
    """A name of the form module:function. Raises ValueError for any other."""
    module, _, function = name.partition(":")
    if not all(part.isidentifier() for part in module.split(".") + function.split(".")):
        raise ValueError(f"{name!r} is not of the form package.module:function")
    return name


def load(name: str) -> "Callable[..., Any]":
    """Import a function by its name; the current folder is looked in first. Raises what the import raises."""
    import importlib

    here = os.getcwd()
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def leave(status: int) -> "NoReturn":
    """End the process, with its atexit handlers, and without waiting for threads that a task has left."""
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(status)


def main(arguments: "list[str]") -> None:
    """Be the worker that the command line asks for; does not return."""
    try:
        compute, prepare = parse(arguments)
    except ValueError as error:
        sys.stderr.write(f"worker_stub: {error}\n{USAGE}\n")
        raise SystemExit(2) from None
    from worker_stub.main import work

    status = 0
    try:
        work(lambda: (load(compute) if compute else None, load(prepare) if prepare else None))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    leave(status)


if __name__ == "__main__":
    if not __package__:
        # Run by its path: what is imported is the package, not its files one by one.
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    main(sys.argv[1:])
