"""One turn, in a process of its own, so that nobody pays for what another has left behind.

    python -m benchmarks.kit.turn ANSWER QUESTION PART CONTENDER SETTING

ANSWER is the file that the figures go to, as JSON; PART and CONTENDER are numbers; SETTING is JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.kit.question import Cannot, Setting
from benchmarks.kit.register import find


def main(answer: str, question: str, part: str, contender: str, setting: str) -> None:
    """Measure, and leave the answer: ``{"figures": {...}}``, or ``{"cannot": "a sentence"}``."""
    parts = find(question).parts(Setting(**json.loads(setting)))
    found: dict[str, object]
    try:
        found = {"figures": dict(parts[int(part)].contenders[int(contender)].measure())}
    except Cannot as why:
        found = {"cannot": str(why)}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
