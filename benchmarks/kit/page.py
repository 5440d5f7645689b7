"""Tables as text, for the terminal and for the page, which keeps the last of each question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.kit.question import Row, Unit
from benchmarks.kit.register import QUESTIONS
from benchmarks.kit.rows import Filled

PAGE: Final = Path(__file__).resolve().parents[1] / "README.md"
BEGIN: Final = "<!-- tables: written by python -m benchmarks --write -->"
END: Final = "<!-- end of tables -->"

NOTHING: Final = "–"


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return NOTHING
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def section(name: str, title: str, facts: Sequence[str], tables: Sequence[Filled]) -> str:
    """All that came of a question, as Markdown."""
    blocks = [f"### {name}: {title}", "\n".join([f"- {fact}" for fact in facts])]
    for filled in tables:
        blocks += [f"{filled.table.title}:", _grid(filled), *filled.notes]
    return "\n\n".join(blocks) + "\n"


def rewrite(page: str, sections: Mapping[str, str]) -> str:
    """The page with these sections between its marks; those of other questions stay."""
    before, begin, rest = page.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} with {END} behind it")
    found = {text.split(":", 1)[0]: f"### {text.strip()}\n" for text in re.split(r"^### ", old, flags=re.M)[1:]}
    found.update(sections)
    texts = [found[name] for name in QUESTIONS if name in found]
    tables = "\n".join(["", *texts, ""]) if texts else ""
    return f"{before}{begin}\n{tables}{end}{after}"


def _grid(filled: Filled) -> str:
    unit = filled.table.unit
    lines = [["", unit.name, "lowest – highest", "ratio", "asked", ""]]
    for row in filled.rows:
        figure, low, high = [_shown(value, unit) for value in (row.figure, row.lowest, row.highest)]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append([row.who, figure, "" if row.figure is None else f"{low} – {high}", ratio, *_verdict(row, filled)])
    widths = [max(3, *[len(line[column]) for line in lines]) for column in range(6)]
    rule = ["-" * width if column in (0, 4, 5) else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    cells = [lines[0], rule, *lines[1:]]
    return "\n".join(
        "| " + " | ".join(_pad(cell, widths[column], column) for column, cell in enumerate(line)) + " |"
        for line in cells
    )


def _shown(value: float | None, unit: Unit) -> str:
    return number(None if value is None else value * unit.factor)


def _pad(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column in (0, 4, 5) else cell.rjust(width)


def _verdict(row: Row, filled: Filled) -> tuple[str, str]:
    ask = filled.table.asks.get(row.who)
    if ask is None:
        return "", ""
    holds = ask.holds(row, filled.rows)
    return ask.text, NOTHING if holds is None else "yes" if holds else "NO"
