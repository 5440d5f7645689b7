"""A picture of a question's tables: a bar a row, ours in another colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.kit.page import number
from benchmarks.kit.question import optional
from benchmarks.kit.rows import Filled

OURS: Final = "#c44e52"
THEIRS: Final = "#8c9bb0"

#: Where the longest bar is so many times the shortest, the axis is logarithmic.
TOO_FAR: Final = 20.0


def draw(title: str, tables: Sequence[Filled], path: Path) -> None:
    """Write the picture, in the format that the file's name says. Raises Cannot where matplotlib is missing."""
    shown = [filled for filled in tables if any([row.figure is not None for row in filled.rows])]
    if not shown:
        return
    heights = [1.2 + 0.32 * len(filled.rows) for filled in shown]
    figure = optional("matplotlib.figure").Figure(figsize=(9.0, 0.6 + sum(heights)), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)
    for (axis,), filled in zip(axes, shown):
        unit = filled.table.unit
        rows = [(row, row.figure * unit.factor) for row in filled.rows if row.figure is not None]
        values = [value for _, value in rows]
        bars = axis.barh(
            [row.who for row, _ in rows], values, color=[OURS if row.is_ours else THEIRS for row, _ in rows]
        )
        axis.bar_label(bars, [number(value) for value in values], padding=3)
        axis.set_title(filled.table.title, fontsize="medium", loc="left")
        axis.set_xlabel(unit.name)
        axis.invert_yaxis()
        axis.margins(x=0.12)
        if min(values) > 0 and max(values) / min(values) > TOO_FAR:
            axis.set_xscale("log")
            axis.set_xlabel(f"{unit.name} (logarithmic)")
    figure.savefig(path, dpi=110)
