from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs import Connection_framed, TaskLost, TaskRaised, UsageError, main
from tests.foreign.perl import find_perl
from tests.frontends import deeds, preparations
from tests.frontends.conftest import Figures
from tests.frontends.processes import stub
from tests.frontends.test_strangers import shell, stranger

PREPARATIONS: Final = "tests.frontends.preparations"
PRELUDE: Final = ["first", {"second": 2}, b"third"]


def test_every_worker_gets_the_prelude(tmp_path: Path) -> None:
    """Each of two workers has all items, in order, before its first task."""
    answer = main([(str(tmp_path), 2)] * 2, preparations.meet_and_tell, workers=2, stdin=PRELUDE)
    assert [items for _, items in answer.results] == [PRELUDE, PRELUDE]
    assert len({pid for pid, _ in answer.results}) == 2


def test_a_generator_is_drained_once(tmp_path: Path) -> None:
    """A generator's items are pulled a single time, and replayed for every worker, also one that is started again."""
    pulled = []

    def items() -> Iterator[str]:
        for item in ("a", "b"):
            pulled.append(item)
            yield item

    todo: list[Any] = [(preparations.meet_and_tell, (str(tmp_path / "met"), 2))] * 2
    todo += [(preparations.die_once_and_tell, str(tmp_path / f"marker {x}")) for x in range(2)]
    (tmp_path / "met").mkdir()
    answer = main(todo, deeds.do, workers=2, stdin=items())
    assert pulled == ["a", "b"]
    assert [told for _, told in answer.results] == [["a", "b"]] * 4
    assert [len(task.attempts) for task in answer.report.tasks] == [1, 1, 2, 2]


def test_a_worker_that_starts_late_gets_it_too(tmp_path: Path) -> None:
    """A worker that comes when others have long begun is prepared as they were."""
    door = str(tmp_path / "door")
    late = shell('while [ ! -e "$0" ]; do sleep 0.01; done; exec "$@"', *stub(f"{PREPARATIONS}:open_and_meet"))
    late[3] = door
    (tmp_path / "met").mkdir()
    crew = [stub(f"{PREPARATIONS}:open_and_meet"), late]
    answer = main([(door, str(tmp_path / "met"))] * 2, crew, stdin=PRELUDE, connection_factory=Connection_framed)
    assert answer.results == [PRELUDE, PRELUDE]


def test_what_prepares_gets_the_items() -> None:
    """The function that is called before the first task has the list of them."""
    crew = [stub(f"{PREPARATIONS}:told_in_time", "--prepare", f"{PREPARATIONS}:be_told")] * 2
    answer = main(range(4), crew, stdin=PRELUDE, connection_factory=Connection_framed)
    assert answer.results == [PRELUDE] * 4


def test_an_item_that_cannot_be_pickled_is_refused_before_any_work(tmp_path: Path) -> None:
    """A lock in the prelude is told before anything is started."""
    sign = tmp_path / "sign"
    with pytest.raises(UsageError, match=r"item 1 of the prelude \(stdin\): TypeError: .*lock"):
        main([1], [["touch", str(sign)]], stdin=["good", threading.Lock()], connection_factory=Connection_framed)
    with pytest.raises(UsageError, match=r"item 0 of the prelude \(stdin\): TypeError: .*lock"):
        main([1], deeds.square, stdin=[threading.Lock()])
    assert not sign.exists()


def test_a_worker_that_does_not_read_delays_nobody(figures: Figures) -> None:
    """A large prelude that is stuck in one worker's pipe keeps no other from its work."""
    prelude = [os.urandom(1000) * 20_000]
    crew = [stranger("greet_and_be_silent"), stub("square")]
    answer = main(range(12), crew, stdin=prelude, connection_factory=Connection_framed, grace=0.3)
    assert answer.results == [x * x for x in range(12)]
    last = max([attempt.started for task in answer.report.tasks for attempt in task.attempts])
    figures.hold("12 tasks beside a worker that does not read", 0.5, last - answer.report.started)
    assert [worker.tasks for worker in answer.report.workers] == [0, 12]


@pytest.mark.skipif(find_perl() is None, reason="no whole Perl was found")
def test_a_worker_in_another_language() -> None:
    """A worker in Perl gets a prelude, echoes, fails properly, is killed and is started again."""
    worker = ["perl", str(Path(__file__).parents[1] / "foreign" / "worker.pl")]
    todo: list[Any] = ["é", "fail", {"a": [1, 2.5, None, True, b"\xff"]}, "die", *range(20)]
    answer = main(
        todo,
        [worker, worker],
        stdin=["item", 2],
        codec="msgpack",
        connection_factory=Connection_framed,
        on_error="return",
    )
    failed, lost = answer.results[1], answer.results[3]
    assert [x for i, x in enumerate(answer.results) if i not in (1, 3)] == [x for x in todo if x not in ("fail", "die")]
    assert type(failed) is TaskRaised and failed.reason == "it raised Failure: it was asked to fail"
    assert type(lost) is TaskLost and "killed by signal 9 (SIGKILL)" in lost.reason
    assert (lost.index, lost.attempt) == (3, 2)
    assert sum([worker.starts for worker in answer.report.workers]) in (3, 4)
    assert sum([worker.exit_statuses.count(-9) for worker in answer.report.workers]) == 2


def test_what_has_no_place_in_msgpack_fails_its_task_alone() -> None:
    """With codec="msgpack" an object is refused where it is sent, and nothing that comes back can run code."""
    answer = main(
        [1, object(), 3], [stub("square")], codec="msgpack", connection_factory=Connection_framed, on_error="return"
    )
    assert (answer.results[0], answer.results[2]) == (1, 9)
    assert type(answer.results[1]).__name__ == "SerializationError"
    with pytest.raises(UsageError, match="only be sent with codec='pickle'"):
        main([1], deeds.square, codec="msgpack")
