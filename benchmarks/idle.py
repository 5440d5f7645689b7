"""What do idle workers cost?

A master of its own has one task that sleeps, and a crew; the CPU time of all of them is read from outside.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from benchmarks.kit import ours
from benchmarks.kit.proc import cpu_seconds, family
from benchmarks.kit.question import Cannot, Contender, Part, Question, Setting, Table, Unit, at_most
from benchmarks.kit.work import nap

SHARE: Final = Unit("% of a CPU", 100.0)

#: The crew has started when it uses less than this of a CPU, looked at so often; and for so long we wait for that.
CALM: Final = 0.05
LOOK: Final = 0.5
START: Final = 60.0


def hold(workers: int, seconds: float) -> None:
    """Be the master, until somebody interrupts it."""
    with suppress(KeyboardInterrupt):
        ours.call(iter([seconds]), nap, workers=workers)  # an iterator: of a list, one task would get one worker


@contextmanager
def master(workers: int, seconds: float) -> Iterator[int]:
    """Such a master, in a process of its own: its pid."""
    script = f"from benchmarks.idle import hold; hold({workers}, {seconds})"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)


def use(pids: list[int], seconds: float) -> float:
    """How much of a CPU they use in so many seconds."""
    before, start = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pids) - before) / (time.monotonic() - start)


def measure(workers: int, seconds: float) -> dict[str, float]:
    """The share of one CPU that the master and all below it use while nothing happens."""
    with master(workers, START + seconds + 60.0) as pid:
        end = time.monotonic() + START
        while time.monotonic() < end:
            if use(family(pid), LOOK) < CALM and len(family(pid)) > workers:
                break
        crew = family(pid)
        if len(crew) <= workers:
            raise Cannot(f"of the master and {workers} workers only {len(crew)} processes are there")
        return {"share": use(crew, seconds)}


def parts(setting: Setting) -> Sequence[Part]:
    """One crew, and one minute."""
    workers, seconds = setting.pick(64, 4), setting.pick(60.0, 1.0)
    table = Table(
        f"{workers} workers for {seconds:g} s", SHARE, "share", {"main": at_most(0.005, SHARE)}, compares=False
    )
    return [Part([Contender("main", partial(measure, workers, seconds))], [table])]


QUESTION: Final = Question("what do idle workers cost?", parts, rounds=1)
