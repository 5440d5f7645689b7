"""Asks the questions: ``python -m benchmarks [question ...]``, from the top of the repository."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.kit import facts
from benchmarks.kit.page import PAGE, rewrite, section
from benchmarks.kit.picture import draw
from benchmarks.kit.question import Cannot, Setting, optional
from benchmarks.kit.register import QUESTIONS, find
from benchmarks.kit.rounds import take_turns
from benchmarks.kit.rows import Filled, fill


def ask(name: str, setting: Setting, rounds: int, say: Callable[[str], None]) -> list[Filled]:
    """All tables of a question."""
    tables = []
    for number, part in enumerate(find(name).parts(setting)):
        outcomes = take_turns(name, number, part, setting, rounds, say)
        tables += [fill(table, part, outcomes) for table in part.tables]
    return tables


def say(text: str) -> None:
    """Show who is next, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def picture_path(path: Path, name: str, alone: bool) -> Path:
    """Where a question's picture goes: the file that was named, or, of several questions, one for each."""
    return path if alone else path.with_stem(f"{path.stem}-{name}")


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """What the user wants. Ends the program, in a sentence, where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast it is, beside its peers.")
    parser.add_argument("questions", nargs="*", metavar="question", help=f"some of: {', '.join(QUESTIONS)} (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: shows that it runs, no more")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds, of which the median is taken (most: 5)")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="a picture; of several questions, one for each")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.parent.name}/{PAGE.name}")
    found = parser.parse_args(words)
    if unknown := [name for name in found.questions if name not in QUESTIONS]:
        parser.error(f"there is no question {unknown[0]!r}; there are {', '.join(QUESTIONS)}")
    if found.runs is not None and found.runs < 1:
        parser.error("--runs must be at least 1")
    if found.write and found.quick:
        parser.error("--quick gives no figures that are worth to --write")
    if found.plot is not None:
        try:
            optional("matplotlib")
        except Cannot as why:
            parser.error(f"--plot draws with matplotlib, and {why}")
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Ask, and show each question's tables as soon as they are there."""
    wanted = arguments(words)
    setting = Setting(quick=wanted.quick)
    names = wanted.questions or list(QUESTIONS)
    for name in names:
        question = find(name)
        rounds = wanted.runs or (1 if wanted.quick else question.rounds)
        how = "one round" if rounds == 1 else f"medians of {rounds} rounds"
        heads = [facts.machine(), facts.versions(), f"{how}, quick: no figures to quote" if wanted.quick else how]
        tables = ask(name, setting, rounds, say)
        say("")
        text = section(name, question.title, heads, tables)
        print(text, flush=True)
        if wanted.plot:
            draw(f"{name}: {question.title}", tables, picture_path(wanted.plot, name, len(names) == 1))
        if wanted.write:
            PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8"), {name: text}), encoding="utf-8")


if __name__ == "__main__":
    main()
