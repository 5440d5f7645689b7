"""What the masters of tests.engine.masters run: each function here is a program, started as a process of its own.

The programs of a case, and all that their tasks start, can be told by its mark: a length of sleep that nobody else asks
for. It stands in the environment (CASE), and in the arguments of each sleeper, whose environment may be empty.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from spreadjobs import main
from spreadjobs.engine.guardian import Guardian
from spreadjobs.engine.loop import Loop
from spreadjobs.transports.local import LocalTransport
from worker_stub import guardian as script

CASE: Final = "SPREADJOBS_TEST_CASE"
#: The folder in which programs and tasks note facts, a file each; the files' text is a process id, or empty.
FACTS: Final = "SPREADJOBS_TEST_FACTS"


class Kind(NamedTuple):
    """A kind of child: options of Popen; what a shell is told (None: no shell, but a sleep); a signal that it gets."""

    options: dict[str, Any]
    told: str | None = None
    sent: signal.Signals | None = None


DEAF: Final = "trap '' INT TERM HUP; sleep {0} & touch {1}; wait"
SESSION: Final = {"start_new_session": True}
GROUP: Final = {"preexec_fn": os.setpgrp}
BARE: Final[dict[str, Any]] = {"env": {}}

#: The kinds of children that a task may have.
KINDS: Final = {
    "in our group": Kind({}),
    "in a group of its own": Kind(GROUP),
    "in a session of its own": Kind(SESSION),
    "an orphan in a session of its own": Kind(SESSION, "sleep {0} & touch {1}"),
    "deaf": Kind({}, DEAF),
    "deaf in a session of its own": Kind(SESSION, DEAF),
    "stopped": Kind({}, sent=signal.SIGSTOP),
    "stopped in a session of its own": Kind(SESSION, sent=signal.SIGSTOP),
    "without environment": Kind(BARE),
    "without environment, in a group of its own": Kind(BARE | GROUP),
}

#: The kind that is not found.
HIDDEN: Final = "without environment, in a session of its own"

_children: list[subprocess.Popen[bytes]] = []


def note(fact: str, pid: int | None = None) -> None:
    """Make a fact known to the test."""
    folder = os.environ[FACTS]
    unfinished = Path(folder, f".{fact} {os.getpid()}")
    unfinished.write_text(str(os.getpid() if pid is None else pid))
    unfinished.rename(Path(folder, fact))


def is_fact(fact: str) -> bool:
    """Whether it has been noted."""
    return Path(os.environ[FACTS], fact).exists()


def wait_for(condition: Callable[[], object], patience: float = 30.0) -> None:
    """Return when a condition holds. Raises TimeoutError where it never does."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} does not hold after {patience} s")
        time.sleep(0.002)


def start_child(name: str, owner: object) -> None:
    """Start a child of this kind, and wait until it is what it is to be. owner: distinguishes its facts from others."""
    kind = Kind(BARE | SESSION) if name == HIDDEN else KINDS[name]
    fact = f"{name} of {owner}"
    if kind.told is None:
        child = subprocess.Popen(["sleep", os.environ[CASE]], **kind.options)
        note(fact, child.pid)
    else:
        path = Path(os.environ[FACTS], fact.replace(" ", "_"))
        child = subprocess.Popen(["sh", "-c", kind.told.format(os.environ[CASE], path)], **kind.options)
        wait_for(path.exists)
    if kind.sent is not None:
        child.send_signal(kind.sent)
    _children.append(child)


def busy(payload: int) -> None:
    """A task that has children of every kind, and never ends; one with an odd number is stubborn as well."""
    for name in KINDS:
        start_child(name, payload)
    note(f"task {payload}")
    while True:
        with contextlib.suppress(KeyboardInterrupt) if payload % 2 else contextlib.nullcontext():
            time.sleep(600)


def lonely(payload: object) -> None:
    """A task that has no children, and ends when the fact "go" is known."""
    note(f"task {payload}")
    wait_for(lambda: is_fact("go"))


def hiding(payload: object) -> None:
    """A task with a child that cannot be found."""
    start_child(HIDDEN, payload)
    lonely(payload)


def idle_or_lonely(payload: int) -> None:
    """Ends, if the payload is 0, once the other worker is at work."""
    if payload:
        lonely(payload)
    else:
        wait_for(lambda: is_fact("task 1"))
        note("idle")


def nesting(payload: str) -> None:
    """A task that is itself a run, with children of every kind; but for the payload "later"."""
    if payload == "later":
        lonely(payload)
    else:
        note("inner master")
        main([10, 11], busy, workers=2)


# The programs.


def two_busy() -> None:
    """Two workers with a task each, and all kinds of children."""
    main([0, 1], busy, workers=2)


def two_lonely() -> None:
    """Two workers with a task each, until "go"."""
    main([0, 1], lonely, workers=2)


def one_idle() -> None:
    """Two workers of which one has nothing more to do, while the other is at work until "go"."""
    main([0, 1], idle_or_lonely, workers=2)


def one_hiding() -> None:
    """A worker with a child that cannot be found."""
    main([0], hiding, workers=1)


def forking() -> None:
    """Two busy workers; while they start, the user's iterable leaves a copy of the master."""

    def todo() -> Iterator[int]:
        yield 0
        copy = os.fork()
        if not copy:
            time.sleep(600)
            os._exit(0)
        note("copy", copy)
        yield 1

    main(todo(), busy, workers=2)


def nested() -> None:
    """A run inside a task of a run."""
    main(["nested"], nesting, workers=1)


def nested_until_timeout(seconds: float) -> None:
    """A run inside a task that may only take so long; the next task is there until "go"."""
    results, _ = main(["nested", "later"], nesting, workers=1, timeout=seconds, on_error="return")
    note(type(results[0]).__name__)


def commands(count: int) -> None:
    """Plain commands that read no input, and so cannot see it closed."""
    main([], [["sleep", os.environ[CASE]]] * count)


def restless() -> None:
    """One run after the other."""
    for number in itertools.count(1):
        main([0, 1], abs, workers=2)
        note(f"run {number}")


def abrupt() -> None:
    """Two busy workers, in a program that leaves by an exception when it is told to terminate."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    try:
        two_busy()
    except SystemExit:
        note("over")
        wait_for(lambda: is_fact("go"))


def careless() -> None:
    """A run in a program that never wants to hear of its children; one task kills its worker."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    results, _ = main([0, 1, 2, 3], deadly, workers=2, on_error="return", losses=1)
    note(" ".join([result if isinstance(result, str) else type(result).__name__ for result in results]))


def deadly(payload: int) -> str:
    """Kills its worker if the payload is 2."""
    if payload == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return "fine"


def poor() -> None:
    """Starts a process with ever more descriptors to be had, until it can be started; notes what a failure leaves."""
    mine = len(os.listdir("/proc/self/fd"))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for room in itertools.count():
        resource.setrlimit(resource.RLIMIT_NOFILE, (mine + room, limit))
        try:
            process = LocalTransport().start(["sleep", os.environ[CASE]], "no such run")
        except OSError:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            if len(os.listdir("/proc/self/fd")) != mine or Path("/proc/thread-self/children").read_text():
                note("something left")
        else:
            note(f"{'some' if room else 'no'} failures")
            process.signal(signal.SIGKILL)
            process.forget()
            return


def with_script(path: str, program: str, *words: object) -> None:
    """Another program, with another guardian."""
    script.__file__ = path
    globals()[program](*words)


def without_pidfd() -> None:
    """Two busy workers, in a system that has no pidfd_open."""
    del os.pidfd_open
    two_busy()


def last_words(bystander: int) -> None:
    """Tells its guardian of a group, and leaves a copy that holds the guardian's pipe open."""
    guardian = Guardian(Loop(), "no such run")
    guardian.add(bystander)
    copy = os.fork()
    if copy:
        note("copy", copy)
    time.sleep(600)


def chatty(bystander: int) -> None:
    """A master that tells a stopped guardian more than its pipe holds, and then dies; a group that it had told is gone.

    What is gone is in truth the bystander's group, so that the test sees whether it is signalled.
    """
    loop = Loop()
    guardian = Guardian(loop, "no such run")
    pid, pipe = guardian.pid, guardian._input
    assert pid is not None and pipe is not None
    os.kill(pid, signal.SIGSTOP)
    guardian.add(bystander)
    for number in range(10**8, 10**8 + 10_000):
        guardian.add(number)
        guardian.discard(number)
    guardian.discard(bystander)
    os.kill(pid, signal.SIGCONT)
    told = 2 * (10_000 * len("+100000000\n") + len(f"+{bystander}\n"))
    while pipe.written < told:
        loop.turn(loop.clock() + 0.01)
    note("all told", pid)
    os._exit(0)
