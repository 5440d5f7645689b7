from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.house.tree import ROOT, files, short

#: Before a block of Python: it is not run, for this reason.
NOT_RUN: Final = re.compile(r"<!-- not run: \S.* -->")
#: Before a block of Python: it prints what stands in the block of text that follows it at once.
OUTPUT: Final = "<!-- output -->"

FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Seconds that an example may take.
EXAMPLE: Final = 60.0


class Block(NamedTuple):
    """A block of code in a page, and what stands in the text before it."""

    line: int
    language: str
    code: str
    before: str


class Example(NamedTuple):
    """A block of Python that is run, and what it prints where the page says so."""

    name: str
    code: str
    output: str | None


def blocks(text: str) -> list[Block]:
    """Every fenced block of a page."""
    found, end = [], 0
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(line, match[1], match[2], text[end : match.start()].strip()))
        end = match.end()
    return found


def examples(path: Path) -> list[Example]:
    """Every block of Python in a page that does not say why it is not run."""
    page = blocks(path.read_text(encoding="utf-8"))
    found = []
    for block, after in zip(page, [*page[1:], None]):
        mark = block.before.rpartition("\n")[2]
        if block.language == "python" and not NOT_RUN.fullmatch(mark):
            name, output = f"{short(path)}:{block.line}", None
            if mark == OUTPUT:
                assert after is not None, f"{name}: no output follows"
                assert (after.language, after.before) == ("text", ""), f"{name}: no output follows at once"
                output = after.code
            found.append(Example(name, block.code, output))
    return found


README: Final = ROOT / "README.md"
EXAMPLES: Final = [example for path in files(".md") for example in examples(path)]


def test_the_readme_shows_what_it_can_do() -> None:
    """The first page has three examples that run."""
    assert len(examples(README)) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_an_example_does_what_the_page_says(example: Example, tmp_path: Path) -> None:
    """Each block of Python runs as a script by itself, and prints what stands below it."""
    script = tmp_path / "example.py"
    script.write_text(example.code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=EXAMPLE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    if example.output is not None:
        assert ran.stdout == example.output


def test_links_inside_the_repository_lead_somewhere() -> None:
    """A page that points to a file of ours points to one that is there."""
    links = [
        (path, link)
        for path in files(".md")
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    ]
    assert [f"{short(path)} -> {link}" for path, link in links if not (path.parent / link).exists()] == []
