from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, Connection_lines, Limits, Needs, UsageError, main
from tests.frontends import deeds

FRAMED: Final = {"connection_factory": Connection_framed}

#: Settings that make no sense with a function, and what is told of each.
BAD_SETTINGS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"on_error": "ignore"}, "on_error='ignore': it must be 'raise' or 'return'"),
    ({"codec": "json"}, "codec='json': it must be one of 'pickle', 'msgpack'"),
    ({"codec": "msgpack"}, "codec='msgpack': a Python function can only be sent with codec='pickle'"),
    ({"workers": 0}, "workers=0: it must be a whole number of at least 1"),
    ({"workers": 1.5}, "workers=1.5: it must be a whole number of at least 1"),
    ({"timeout": 0}, "timeout=0: it must be more than 0 seconds; leave it out for no limit"),
    ({"timeout": -1}, "timeout=-1: it must be more than 0 seconds; leave it out for no limit"),
    ({"timeout": math.nan}, "timeout=nan: it must be more than 0 seconds; leave it out for no limit"),
    ({"timeout": "1"}, "timeout='1': it must be more than 0 seconds; leave it out for no limit"),
    ({"attempts": 0}, "attempts=0: it must be a whole number of at least 1"),
    ({"losses": "2"}, "losses='2': it must be a whole number of at least 1"),
    ({"deadline": 0}, "deadline=0: it must be a number of seconds, more than 0"),
    ({"deadline": math.inf}, "deadline=inf: it must be a number of seconds, more than 0"),
    ({"connect": -1}, "connect=-1: it must be a number of seconds, more than 0"),
    ({"grace": "3"}, "grace='3': it must be a number of seconds, more than 0"),
    ({"connection_factory": int}, "connection_factory=<class 'int'>: it must be Connection_framed or Connection_lines"),
    ({"connection_factory": Connection_lines}, "Connection_lines is for plain commands; functions have framed workers"),
    ({"stdin": 5}, "stdin=5: it must be an iterable"),
    ({"stdin": [threading.Lock()]}, "item 0 of the prelude (stdin): TypeError: cannot pickle '_thread.lock' object"),
]


@pytest.mark.parametrize(("settings", "sentence"), BAD_SETTINGS, ids=lambda case: str(case)[:40])
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any], sentence: str) -> None:
    """It is told in one sentence, which names the argument, and its value, and what it may be."""
    with pytest.raises(UsageError) as caught:
        main([1], deeds.square, **settings)
    assert str(caught.value) == sentence


#: One of a crew that is all right; SIGN stands for a file that it would make.
GOOD: Final = ["touch", "SIGN"]

#: Crews and settings that make no sense.
BAD_CREWS: Final[list[tuple[Any, dict[str, Any], str]]] = [
    ([], FRAMED, "list_of_args is empty: there is nobody to do the work"),
    (5, FRAMED, "list_of_args is 5: it must be a list of argument lists, or a function"),
    ([GOOD, []], FRAMED, "list_of_args[1] is empty: it must name a program"),
    ([GOOD, 5], FRAMED, "list_of_args[1] is 5: it must be a list of arguments"),
    ([GOOD, "echo"], FRAMED, "list_of_args[1] is 'echo': it must be a list of arguments, not one text"),
    ([GOOD, ["a\0b"]], FRAMED, "list_of_args[1] has a NUL byte in an argument"),
    (
        [GOOD],
        {"workers": 2, **FRAMED},
        "workers= goes with a function; with argument lists, each of them is one worker",
    ),
    (
        [GOOD],
        {},
        "say which dialect the workers speak: connection_factory=Connection_framed for those made with worker_stub, "
        "Connection_lines for plain commands",
    ),
    (
        [GOOD],
        {"connection_factory": Connection_lines},
        "Connection_lines is for plain commands, which take no tasks: todo must be empty",
    ),
    (
        [GOOD],
        {"connection_factory": str},
        "connection_factory=<class 'str'>: it must be Connection_framed or Connection_lines",
    ),
]


@pytest.mark.parametrize(("crew", "settings", "sentence"), BAD_CREWS, ids=lambda case: str(case)[:40])
def test_a_crew_that_makes_no_sense_is_refused(
    crew: Any, settings: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    """It is told before any of the crew is started, also of those that are all right."""
    sign = tmp_path / "sign"
    if isinstance(crew, list):
        crew = [[str(sign) if arg == "SIGN" else arg for arg in args] if type(args) is list else args for args in crew]
    with pytest.raises(UsageError) as caught:
        main([1], crew, **settings)
    assert str(caught.value) == sentence
    assert not sign.exists()


def test_a_prelude_for_commands_is_text() -> None:
    """Connection_lines writes text and bytes; anything else is refused, and so is a prelude for nobody knows whom."""
    with pytest.raises(UsageError, match="stdin: a command reads text or bytes, not a int"):
        main([], [["cat"]], stdin=[5], connection_factory=Connection_lines)
    with pytest.raises(UsageError, match="say which dialect the workers speak"):
        main([], [["cat"]], stdin=["text"])


def test_a_function_that_cannot_be_sent_is_refused() -> None:
    """What cannot be pickled is told with its reason, before any work."""
    lock = threading.Lock()
    with pytest.raises(UsageError, match=r"the function <function .*> cannot be used: .*lock"):
        main([1], lambda x: lock.locked())


def test_limits_and_needs_check_themselves() -> None:
    """A Task's own settings are refused where they are made."""
    wrong: Any
    for wrong in (0, -1, math.nan, "1"):
        with pytest.raises(UsageError, match="timeout="):
            Limits(timeout=wrong)
    for wrong in (-1, math.inf, "1"):
        with pytest.raises(UsageError, match="grace="):
            Limits(grace=wrong)
    for wrong in (0, 1.5, "1"):
        with pytest.raises(UsageError, match="attempts="):
            Limits(attempts=wrong)
        with pytest.raises(UsageError, match="losses="):
            Limits(losses=wrong)
        with pytest.raises(UsageError, match="cpus="):
            Needs(cpus=wrong)


def test_a_bad_argument_is_a_value_error() -> None:
    """Who knows nothing of us can catch it all the same."""
    with pytest.raises(ValueError, match="workers=0"):
        main([1], deeds.square, workers=0)
