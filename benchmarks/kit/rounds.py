"""Turns, round by round: whatever slows the machine for a while slows everybody.

    round 0:  us, Pool, loky      round 1:  Pool, loky, us      round 2:  loky, us, Pool      ...

Each turn is a process of its own with a process group of its own, which is ended with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.kit.question import Contender, Part, Setting

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Outcome:
    """What came of a contender's turns.

    figures: each turn's, by the name of the figure. is_missing: it is not installed here. cannot: why there is no
    figure here. failed: how it failed; it gets no further turn.
    """

    figures: dict[str, list[float]] = field(default_factory=dict)
    is_missing: bool = False
    cannot: str | None = None
    failed: str | None = None

    @property
    def is_out(self) -> bool:
        """Whether it gets no further turn."""
        return self.is_missing or self.cannot is not None or self.failed is not None


def take_turns(
    question: str, number: int, part: Part, setting: Setting, rounds: int, say: Callable[[str], None]
) -> dict[str, Outcome]:
    """Measure each contender of a question's part once a round; say: is told who is next."""
    outcomes = {it.who: Outcome(is_missing=not is_there(it)) for it in part.contenders}
    order = list(enumerate(part.contenders))
    for turn in range(rounds):
        start = turn % len(order)
        for place, contender in order[start:] + order[:start]:
            outcome = outcomes[contender.who]
            if not outcome.is_out:
                say(f"{question}: round {turn + 1} of {rounds}, {contender.who}")
                words = [question, str(number), str(place), json.dumps(asdict(setting))]
                _take(words, part.patience, outcome)
    return outcomes


def is_there(contender: Contender) -> bool:
    """Whether what it needs is installed here."""
    return contender.module is None or find_spec(contender.module) is not None


def _take(words: list[str], patience: float, outcome: Outcome) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answer, log = Path(folder, "answer"), Path(folder, "log")
        argv = [sys.executable, "-m", "benchmarks.kit.turn", str(answer), *words]
        with log.open("wb") as prints:
            status = _run(argv, prints.fileno(), patience)
        if status is None:
            outcome.failed = f"it took longer than {patience:g} s"
        elif not answer.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            outcome.failed = lines[-1] if lines else f"it ended with exit status {status}"
        else:
            found = json.loads(answer.read_text(encoding="utf-8"))
            outcome.cannot = found.get("cannot")
            for name, figure in found.get("figures", {}).items():
                outcome.figures.setdefault(name, []).append(figure)


def _run(argv: list[str], prints: int, patience: float) -> int | None:
    """The exit status; None where the patience was not enough."""
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=nothing, stdout=prints, stderr=prints, start_new_session=True
    ) as process:
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):  # the usual case: nobody of the group is left
                os.killpg(process.pid, signal.SIGKILL)
