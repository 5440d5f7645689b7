"""``serve`` makes a user's own program a worker."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional


def serve(compute: "Callable[[Any], Any]", prepare: "Optional[Callable[[list[Any]], Any]]" = None) -> None:
    """Be a worker: answer each task with ``compute(payload)`` until the master has no more.

    prepare: called once before the first task, with the list of the prelude's items.
    What the program prints after this has returned is the worker's tail. Before it is called nothing should be printed
    that matters: it is skipped. Raises SystemExit when the preparation failed (status 1), or when what is at the other
    end of standard input does not speak the protocol (2).
    """
    from worker_stub.main import work

    # A line break first: the program may have printed something without one.
    work(lambda: (compute, prepare), before_marker=b"\n")
