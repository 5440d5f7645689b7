from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from tests.frontends.conftest import Figures
from tests.frontends.processes import ROOT, noted, still_there, wait_until_gone

#: Seconds in which whatever runs is stopped after the first Ctrl-C: the kill ladder's length.
STOP: Final = 1.0

START: Final = """
import json, os, signal, sys, time
from spreadjobs import RunInterrupted, TaskState, main, notComputed
from tests.frontends import deeds
from tests.frontends.processes import note, noted

folder = sys.argv[1]

def interrupt_master(x=None):
    os.kill(os.getppid(), signal.SIGINT)

def tell(error, began):
    print(json.dumps({
        "type": type(error).__name__,
        "text": str(error),
        "is_interrupt": isinstance(error, KeyboardInterrupt),
        "results": [None if result is notComputed else result for result in error.results],
        "tails": error.tails,
        "counts": error.report.counts(),
        "how": error.report.how.name,
        "seconds": time.monotonic() - began,
    }))
"""


def run_script(text: str, folder: Path) -> dict[str, Any]:
    """What a script tells of the run that it made."""
    script = folder / "script.py"
    script.write_text(START + text)
    (folder / "pids").mkdir()
    run = subprocess.run(
        [sys.executable, str(script), str(folder / "pids")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")
    told: dict[str, Any] = json.loads(run.stdout)
    assert still_there(noted(folder / "pids")) == []
    return told


def test_ctrl_c_ends_a_run_in_good_order(tmp_path: Path, figures: Figures) -> None:
    """What was finished is kept, what runs is stopped, and RunInterrupted has it all."""
    told = run_script(
        """
def work(x):
    note(folder)
    if x == 5:
        interrupt_master()
        time.sleep(600)
    return x * x

began = time.monotonic()
try:
    main(range(100), work, workers=1)
except RunInterrupted as error:
    tell(error, began)
""",
        tmp_path,
    )
    assert told["type"] == "RunInterrupted" and told["is_interrupt"]
    assert told["text"] == "interrupted; 5 of 100 tasks were done"
    assert told["results"] == [0, 1, 4, 9, 16] + [None] * 95
    assert told["counts"] == {"DONE": 5, "NOT_RUN": 95}
    assert told["how"] == "STOPPED"
    figures.hold("Ctrl-C, from start to end", STOP, told["seconds"])


def test_a_stubborn_task_is_killed_after_ctrl_c(tmp_path: Path, figures: Figures) -> None:
    """A task that is deaf to everything, and its deaf children, are gone within the ladder's time."""
    told = run_script(
        """
def work(x):
    deeds.raise_a_family(folder)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    interrupt_master()
    time.sleep(600)

began = time.monotonic()
try:
    main([1], work, on_error="return")
except RunInterrupted as error:
    tell(error, began)
""",
        tmp_path,
    )
    assert told["counts"] == {"NOT_RUN": 1}
    assert len(noted(tmp_path / "pids")) == 5
    figures.hold("Ctrl-C and a task that is deaf", STOP + 0.3, told["seconds"])


def test_ctrl_c_twice_ends_it_at_once(tmp_path: Path, figures: Figures) -> None:
    """The second one does not wait for whoever will not go, and no state of a task is left open."""
    told = run_script(
        """
def again(number, frame):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt_master()

def work(x):
    if x < 2:
        return x
    note(folder)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, again)
    interrupt_master()
    while True:
        time.sleep(600)

began = time.monotonic()
try:
    main((x for x in range(4)), work, workers=1)
except RunInterrupted as error:
    tell(error, began)
""",
        tmp_path,
    )
    assert told["results"] == [0, 1, None, None]
    assert told["counts"] == {"DONE": 2, "NOT_RUN": 2}
    assert told["seconds"] < STOP
    figures.hold("Ctrl-C twice, from start to end", 0.25, told["seconds"])


def test_ctrl_c_while_the_iterable_has_the_word(tmp_path: Path, figures: Figures) -> None:
    """An iterable that waits for something is interrupted there and then."""
    told = run_script(
        """
def todo():
    yield 1
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)

began = time.monotonic()
try:
    main(todo(), deeds.square)
except RunInterrupted as error:
    tell(error, began)
""",
        tmp_path,
    )
    assert (told["results"], told["counts"]) == ([None], {"NOT_RUN": 1})
    figures.hold("Ctrl-C in the iterable", 0.25, told["seconds"])


def test_a_program_with_a_handler_of_its_own_keeps_it(tmp_path: Path) -> None:
    """What it does then is its own business; if it raises KeyboardInterrupt, the run ends."""
    told = run_script(
        """
came = []
signal.signal(signal.SIGINT, lambda number, frame: came.append(number))

def work(x):
    interrupt_master()
    return x

assert main([1, 2], work, workers=1).results == [1, 2]
assert came
assert signal.getsignal(signal.SIGINT)(2, None) is None

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, stop)
def sleep(x):
    interrupt_master()
    time.sleep(600)

began = time.monotonic()
try:
    main([1, 2], sleep, workers=1)
except RunInterrupted as error:
    tell(error, began)
assert signal.getsignal(signal.SIGINT) is stop
""",
        tmp_path,
    )
    assert told["counts"] == {"NOT_RUN": 2}


def test_afterwards_ctrl_c_is_what_it_was(tmp_path: Path) -> None:
    """After a run, however it ended, SIGINT raises KeyboardInterrupt as in any program."""
    told = run_script(
        """
began = time.monotonic()
main([1], deeds.square)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
try:
    main([1], lambda x: interrupt_master() or time.sleep(600))
except RunInterrupted as error:
    tell(error, began)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
""",
        tmp_path,
    )
    assert told["how"] == "STOPPED"


def test_a_hail_of_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """However often it comes, also while the end is being made, all workers are gone, and all descriptors closed."""
    told = run_script(
        """
import threading

began = time.monotonic()
main([1], deeds.square)
before = len(os.listdir("/proc/self/fd"))
over = False

def hail():
    while not noted(folder):
        time.sleep(0.001)
    while not over:
        os.kill(os.getpid(), signal.SIGINT)

def work(x):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    note(folder)
    time.sleep(600)

thread = threading.Thread(target=hail)
thread.start()
caught = None
while signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    try:
        if caught is None:
            main([1, 2], work, workers=2)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt as error:
        caught = error
over = True
thread.join()
left = [len(os.listdir("/proc/self/fd")) - before]
with open(f"/proc/self/task/{os.getpid()}/children") as file:
    left.append(file.read())
print(json.dumps({"left": left, "is_interrupt": isinstance(caught, KeyboardInterrupt)}))
""",
        tmp_path,
    )
    assert told == {"left": [0, ""], "is_interrupt": True}


@pytest.mark.parametrize("target", ["master", "group"])
def test_ctrl_c_at_a_terminal_ends_a_program(target: str, tmp_path: Path, figures: Figures) -> None:
    """A program that catches nothing ends with a traceback, whether the signal reaches it or its whole group."""
    script = tmp_path / "script.py"
    script.write_text(
        START
        + """
def work(x):
    note(folder)
    time.sleep(600)

main([1], work)
"""
    )
    (tmp_path / "pids").mkdir()
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "pids")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        while not noted(tmp_path / "pids"):
            time.sleep(0.001)
        with figures.clock(f"Ctrl-C to the {target}", STOP):
            (os.kill if target == "master" else os.killpg)(program.pid, signal.SIGINT)
            errors = program.communicate(timeout=30)[1]
    assert program.returncode == 1
    assert errors.decode().splitlines()[-1] == "spreadjobs.errors.RunInterrupted: interrupted; 0 of 1 tasks were done"
    wait_until_gone(noted(tmp_path / "pids")[0], 0.0)
