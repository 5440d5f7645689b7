from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from benchmarks import __main__ as program
from benchmarks.kit import page
from benchmarks.kit.question import (
    Contender,
    Part,
    Row,
    Setting,
    Table,
    Unit,
    at_most,
    best_at_least,
    times_at_least,
    times_at_most,
)
from benchmarks.kit.register import QUESTIONS, find
from benchmarks.kit.rounds import Outcome, take_turns
from benchmarks.kit.rows import fill
from benchmarks.mixed import list_schedule
from tests.house.tree import ROOT

#: As little as there can be, and no peers.
LEAST: Final = Setting(quick=True, peers=False, fraction=50)

SECONDS: Final = Unit("s")
SPEED: Final = Unit("MB/s", more_is_better=True)


def deaf(_: str) -> None:
    """Nobody wants to know who is next."""


def part(*ours: str, theirs: tuple[str, ...] = (), table: Table) -> Part:
    """A part of a question with these rows, which are never measured."""
    rows = [Contender(who, dict) for who in ours] + [Contender(who, dict, is_ours=False) for who in theirs]
    return Part(rows, [table])


def seconds(*figures: float) -> Outcome:
    """What came of so many turns."""
    return Outcome({"seconds": list(figures)})


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_is_answered(name: str) -> None:
    """Each runs on a tiny size, and has figures, or says why it can have none here; none of it fails."""
    for number, asked in enumerate(find(name).parts(LEAST)):
        outcomes = take_turns(name, number, asked, LEAST, 1, deaf)
        assert [it.failed for it in outcomes.values() if it.failed] == []
        assert [who for who, it in outcomes.items() if not (it.figures or it.cannot or it.is_missing)] == []
        for table in asked.tables:
            filled = fill(table, asked, outcomes)
            assert len(filled.rows) == len([it for it in outcomes.values() if not it.is_missing])


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_asked_is_asked_of_a_row_that_there_is(name: str) -> None:
    """In full, with the peers; and no two rows of a part have one name."""
    for asked in find(name).parts(Setting()):
        names = [contender.who for contender in asked.contenders]
        assert len(names) == len(set(names))
        assert [who for table in asked.tables for who in table.asks if who not in names] == []


def test_what_is_missing_is_left_out_by_name() -> None:
    """A peer that is not installed has no row, but is named."""
    nobody = Contender("nobody", dict, is_ours=False, module="no_such_module")
    table = Table("none", SECONDS)
    outcomes = take_turns("tiny", 0, Part([nobody], [table]), LEAST, 1, deaf)
    filled = fill(table, Part([nobody], [table]), outcomes)
    assert (filled.rows, filled.notes) == ([], ["Not installed here: nobody."])


def test_a_turn_that_fails_is_told_in_its_last_words() -> None:
    """What a contender died of stands below the table; the others go on."""
    asked = find("start").parts(LEAST)[0]
    many = [*asked.contenders, Contender("one too many", dict)]
    outcomes = take_turns("start", 0, Part(many, asked.tables), LEAST, 1, deaf)
    assert outcomes["one too many"].failed == "IndexError: list index out of range"
    assert outcomes["main"].figures.keys() == {"start", "end"}


def test_a_turn_that_hangs_is_ended() -> None:
    """Its patience is all that a turn gets."""
    asked = find("idle").parts(LEAST)[0]
    outcomes = take_turns("idle", 0, Part(asked.contenders, asked.tables, 0.05), LEAST, 1, deaf)
    assert outcomes["main"].failed == "it took longer than 0.05 s"


def test_a_row_is_the_median_of_its_turns_beside_the_first_row() -> None:
    """Ratios say how many times worse; of speeds, less is worse."""
    table = Table("times", SECONDS)
    asked = part("main", theirs=("Pool",), table=table)
    filled = fill(table, asked, {"main": seconds(3.0, 1.0, 2.0), "Pool": seconds(8.0)})
    assert filled.rows == [Row("main", True, 2.0, 1.0, 3.0, 1.0), Row("Pool", False, 8.0, 8.0, 8.0, 4.0)]
    table = Table("speeds", SPEED)
    filled = fill(table, asked, {"main": seconds(2.0), "Pool": seconds(8.0)})
    assert [row.ratio for row in filled.rows] == [1.0, 0.25]


def test_what_is_asked_is_reached_or_not_or_cannot_be_told() -> None:
    """Each kind of ask, on either side of its limit, and where a figure is missing."""
    us, best = Row("us", True, 2.0, 2.0, 2.0, 1.0), Row("a", False, 8.0, 8.0, 8.0, 4.0)
    nothing = Row("b", False, None, None, None, None)
    slow = Row("c", False, 20.0, 20.0, 20.0, 10.0)
    rows = [us, best, slow, nothing]
    asks = [at_most(2.0, SECONDS), at_most(1.9, SECONDS), best_at_least(4, ""), best_at_least(4.1, "")]
    assert [ask.holds(us, rows) for ask in asks] == [True, False, True, False]
    asks = [times_at_least(4), times_at_least(5), times_at_most(4), times_at_most(3)]
    assert [ask.holds(best, rows) for ask in asks] == [True, False, True, False]
    asks = [at_most(1.0, SECONDS), times_at_least(1), times_at_most(1), best_at_least(1, "")]
    assert [ask.holds(nothing, rows) for ask in asks] == [None] * 4
    assert best_at_least(1, "").holds(us, [us]) is None


def test_a_section_is_rewritten_and_the_others_stay() -> None:
    """The page keeps the last tables of each question, in the order of the questions."""
    table = Table("times", SECONDS, asks={"main": at_most(1.5, SECONDS)})
    filled = fill(table, part("main", table=table), {"main": seconds(1.0)})
    one = page.section("many", "do they?", ["a fact"], [filled])
    assert one.splitlines()[-1].split("|")[1:-1] == [
        " main ",
        " 1.00 ",
        "      1.00 – 1.00 ",
        "  1.00 ",
        " at most 1.5 s ",
        " yes ",
    ]
    empty = f"before\n{page.BEGIN}\n{page.END}\nafter\n"
    first = page.rewrite(empty, {"many": one})
    both = page.rewrite(first, {"tiny": page.section("tiny", "is it?", ["a fact"], [])})
    assert both == f"before\n{page.BEGIN}\n\n### tiny: is it?\n\n- a fact\n\n{one}\n{page.END}\nafter\n"
    assert page.rewrite(both, {"many": one}) == both
    with pytest.raises(ValueError, match="the page has no"):
        page.rewrite("no marks", {})


def test_the_page_has_its_place_and_names_each_question() -> None:
    """``--write`` finds its marks, and a reader finds what each question asks."""
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert page.rewrite(text, {}) == text
    assert [name for name in QUESTIONS if f"| `{name}` |" not in text] == []


def test_list_scheduling_takes_tasks_in_the_order_given() -> None:
    """Each goes to the worker that is free first."""
    assert list_schedule([5.0, 1.0, 1.0, 1.0], 2) == 5.0
    assert list_schedule([1.0, 1.0, 1.0, 5.0], 2) == 6.0
    assert list_schedule([1.0, 2.0, 3.0], 1) == 6.0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nonsense"], "there is no question 'nonsense'; there are tiny, "),
        (["--runs", "0"], "--runs must be at least 1"),
        (["--quick", "--write"], "--quick gives no figures that are worth to --write"),
        (["--plot", "p.png"], "--plot draws with matplotlib, and matplotlib is not installed here"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit):
        program.arguments(words)
    assert sentence in capsys.readouterr().err


def test_of_several_questions_each_has_its_picture() -> None:
    """A single one has the file that was named."""
    assert program.picture_path(Path("a/b.png"), "tiny", alone=True) == Path("a/b.png")
    assert program.picture_path(Path("a/b.png"), "tiny", alone=False) == Path("a/b-tiny.png")


def test_a_run_shows_the_machine_and_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole command, for a question without peers."""
    program.main(["idle", "--quick"])
    out = capsys.readouterr().out
    assert out.startswith("### idle: what do idle workers cost?\n\n- 2")
    assert "quick: no figures to quote" in out
    assert "| main |" in out
