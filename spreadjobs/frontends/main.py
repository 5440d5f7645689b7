"""``results, tails = main(todo, list_of_args)``: the classic call."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, NamedTuple, NoReturn

from spreadjobs.core.actions import RunEnd
from spreadjobs.core.task import TaskState
from spreadjobs.engine.interrupt import Interrupt
from spreadjobs.engine.results import Results
from spreadjobs.engine.run import Run
from spreadjobs.engine.source import Source
from spreadjobs.errors import CrewLost, DeadlinePassed, RunInterrupted
from spreadjobs.frontends import plan
from spreadjobs.frontends.report import Report
from spreadjobs.protocol.payloads import Sealer
from spreadjobs.records import DEFAULTS, Limits
from worker_stub.main import cpu_count


class _Pair(NamedTuple):
    results: list[Any]
    tails: list[list[str]]


class RunResult(_Pair):
    """What ``main`` returns: the tuple ``(results, tails)``, which has the ``report`` too."""

    report: Report


def main(
    todo: Iterable[Any],
    list_of_args: Iterable[Sequence[Any]] | Callable[[Any], Any],
    *,
    connection_factory: type | None = None,
    stdin: Iterable[Any] | None = None,
    on_error: Literal["raise", "return"] = "raise",
    on_result: Callable[[int, Any], object] | None = None,
    workers: int | None = None,
    window: int | None = None,
    timeout: float | None = None,
    attempts: int = DEFAULTS.attempts,
    losses: int = DEFAULTS.losses,
    deadline: float | None = None,
    codec: Literal["pickle", "msgpack"] = "pickle",
    connect: float = DEFAULTS.connect,
    grace: float = DEFAULTS.grace,
) -> RunResult:
    """Spread tasks over worker processes, and wait until all have ended.

    todo: payloads, or ``Task`` objects; any iterable, pulled from as there is room, the first item before all else.
    list_of_args: argument lists, each started as one worker; or a function, called by local workers with each payload.
    connection_factory: the argument lists' dialect: ``Connection_framed`` (docs/protocol.md), or ``Connection_lines``
        (plain commands, without tasks). Not needed where nothing is sent to them.
    stdin: the prelude: items that each worker is sent before its first task.
    on_error: "raise" ends the run at the first task that failed for good, and raises its exception; "return" goes on,
        and puts the exception in the task's place.
    on_result: called with index and value of each task as they end, a failure as its exception, in one thread of its
        own; results are not kept then. What it raises ends the run, and is raised.
    workers: with a function, how many (by default, one per CPU that we may use).
    window: how many tasks a worker may have in hand; None for as many as keep it at work.
    timeout: seconds that each attempt may take from its start.
    attempts, losses: the how-manieth error of a task, or death of its worker, is final. deadline: seconds for the call.
    codec: how payloads are sent: "pickle", or "msgpack", with which nothing that comes back can run code here.
    connect: seconds in which a worker must have said that it is one. grace: those that it may be silent at its end.

    Returns ``(results, tails)``: ``results[i]`` belongs to the i-th task, ``notComputed`` stands for one that never
    ran to its end; ``tails`` is one list of lines for each worker, in the order given. Its ``report`` says more.

    Raises UsageError before any worker is started; a task's own exception, or a TaskError, if on_error is "raise";
    CrewLost if no worker was left; DeadlinePassed if the deadline passed and on_error is "raise"; RunInterrupted after
    Ctrl-C; and what ``todo`` raises. All but the first have ``results``, ``tails`` and ``report``.
    """
    plan.check(on_error, codec, on_result, window, deadline=deadline, connect=connect, grace=grace)
    limits = Limits(timeout, attempts, losses).over(plan.USUAL)
    sealer = Sealer(codec)
    crew = plan.check_crew(list_of_args, connection_factory, workers)
    count = (workers or cpu_count()) if callable(crew) else len(crew)
    items = plan.check_iterable("todo", todo)
    first = _first(items, count)
    prelude = plan.check_iterable("stdin", () if stdin is None else stdin)
    if callable(crew):
        if not first:
            return _nothing(RunEnd.COMPLETE, count)
        crewing = plan.crew_of_function(crew, plan.enough(count, todo), prelude, sealer)
    else:
        crewing = plan.crew_of_programs(crew, connection_factory, prelude, sealer, has_tasks=bool(first))
    rules = plan.make_rules(connect, grace, deadline, window, stop_on_failure=on_error == "raise", crewing=crewing)
    make = partial(Run, crewing.spots, Source(_again(first, items), limits, sealer), rules, crewing.dialect, on_result)
    return _conclude(make, on_error, count, plan.size(todo))


def _first(items: Iterator[Any], count: int) -> list[Any]:
    try:
        return list(itertools.islice(items, 1))
    except Exception as error:
        _raise(error, _nothing(RunEnd.STOPPED, count))


def _again(first: list[Any], items: Iterator[Any]) -> Iterator[Any]:
    """All of them, and none is held here once it was taken."""
    while first:
        yield first.pop()
    yield from items


def _nothing(how: RunEnd, count: int) -> RunResult:
    workers: list[list[str]] = [[] for _ in range(count)]
    answer = RunResult([], workers)
    answer.report = Report(how, time.time(), 0.0, Results(()), ())
    return answer


def _conclude(make: Callable[[], Run], on_error: str, count: int, tasks: int) -> RunResult:
    started, clock = time.time(), time.monotonic()
    with Interrupt() as interrupt:
        run = make()
        try:
            interrupt.hand_over(run)
            how = run.go()
        except KeyboardInterrupt:
            how, interrupt.came = RunEnd.STOPPED, True
        finally:
            run.close()
    results, records = run.results, run.roll.records
    tails = [record.tail for record in records] + [[] for _ in range(count - len(records))]
    if how is not RunEnd.COMPLETE:
        results.give_up(tasks)
    answer = RunResult(results.values, tails)
    answer.report = Report(how, started, time.monotonic() - clock, results, records)
    failure = _failure(run, how, on_error, interrupt.came)
    if failure is not None:
        _raise(failure, answer)
    return answer


def _failure(run: Run, how: RunEnd, on_error: str, interrupted: bool) -> BaseException | None:
    counts = run.results.counts()
    done = f"{counts[TaskState.DONE]} of {counts.total()} tasks were done"
    if interrupted:
        return RunInterrupted(f"interrupted; {done}")
    if run.broken_input is not None or run.broken_output is not None:
        return run.broken_input or run.broken_output
    if how is RunEnd.CREW_LOST:
        return CrewLost(f"no worker is left, {done}: {run.roll.why_lost()}")
    if on_error == "raise" and how is RunEnd.DEADLINE:
        return DeadlinePassed(f"the deadline of the call passed, {done}")
    if on_error == "raise" and run.results.first_failure is not None:
        return run.results.failures[run.results.first_failure]
    return None


def _raise(failure: BaseException, answer: RunResult) -> NoReturn:
    # By BaseException's own way, since its class may guard its attributes, or have properties of these names.
    for name, value in (("results", answer.results), ("tails", answer.tails), ("report", answer.report)):
        with suppress(AttributeError):
            BaseException.__setattr__(failure, name, value)
    raise failure
