"""From what the turns gave to the rows of a table; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.kit.question import Part, Row, Table
from benchmarks.kit.rounds import Outcome


class Filled(NamedTuple):
    """A table with its rows; and, with the first of a part, sentences about those that have no figure."""

    table: Table
    rows: Sequence[Row]
    notes: Sequence[str]


def fill(table: Table, part: Part, outcomes: Mapping[str, Outcome]) -> Filled:
    """The rows of a table, in the order of the contenders; peers that are not installed are left out, by name."""
    rows: list[Row] = []
    for contender in part.contenders:
        outcome = outcomes[contender.who]
        if outcome.is_missing:
            continue
        figures = [] if outcome.failed else outcome.figures.get(table.figure, [])
        figure = median(figures) if figures else None
        base = rows[0].figure if rows else figure
        ratio = _ratio(figure, base, table.unit.more_is_better) if table.compares else None
        rows.append(
            Row(contender.who, contender.is_ours, figure, min(figures, default=None), max(figures, default=None), ratio)
        )
    return Filled(table, rows, _notes(outcomes) if table is part.tables[0] else [])


def _ratio(figure: float | None, base: float | None, more_is_better: bool) -> float | None:
    if not figure or not base:
        return None
    return base / figure if more_is_better else figure / base


def _notes(outcomes: Mapping[str, Outcome]) -> list[str]:
    missing = [who for who, outcome in outcomes.items() if outcome.is_missing]
    notes = [f"Not installed here: {', '.join(missing)}."] if missing else []
    notes += [f"{who}: no figure, {outcome.cannot}." for who, outcome in outcomes.items() if outcome.cannot]
    notes += [f"{who} failed: {outcome.failed}." for who, outcome in outcomes.items() if outcome.failed]
    return notes
