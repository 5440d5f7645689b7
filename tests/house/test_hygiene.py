from __future__ import annotations

import re
from typing import Final

import pytest

from tests.house.tree import ROOT, files, short

#: What no text of the repository may hold. (One letter of each is in brackets, so that this file holds none either.)
FORBIDDEN: Final = {
    "work left open without an owner": r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b(?!\(\w+\))",
    "the path of somebody's home": r"(?<![\w.])/(h[o]me|U[s]ers)/\w|(?<![\w.])/r[o]ot/",
    "the path of the machine on which it was written": r"(?<![\w.])/w[o]rk/|\.\./s[h]ared\b",
    "the host of a package registry": r"\bp[y]pi\.org|p[y]thonhosted\.|registry\.n[p]mjs|c[r]ates\.io|proxy\.g[o]lang",
    "a number that only its writers can look up": r"(?i:\bi[s]sues? #?\d)|\bSEE[D]S\b|\bDESIG[N]\b",
}

TEXT: Final = (".py", ".md", ".cfg", ".toml", ".txt", ".yaml", ".yml", ".sh", ".pl", ".js", ".example", ".in", "")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_of_the_workshop_is_left(what: str) -> None:
    """The tree holds nothing that only its writers, on their machines, could understand."""
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{short(path)}:{number}: {line.strip()}"
        for path in files(*TEXT)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_every_file_ends_with_a_newline_and_no_line_with_a_blank() -> None:
    """Text files are clean for whoever compares two versions of them."""
    wrong = []
    for path in files(*TEXT):
        text = path.read_text(encoding="utf-8")
        if (text and (not text.endswith("\n") or text.endswith("\n\n"))) or re.search(r"[ \t]$", text, re.MULTILINE):
            wrong.append(short(path))
    assert wrong == []


def test_every_silenced_rule_says_why() -> None:
    """What is not checked at a place has its reason beside it (``# noqa: RULE  (why)``) or in a comment above it."""
    silencer = re.compile(r"#\s*(no[q]a|type: i[g]nore|pragma: no c[o]ver|fmt: (o[f]f|s[k]ip))[^#(]*$")
    wrong = []
    for path in files(".py"):
        above = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if silencer.search(line) and not above.startswith("#"):
                wrong.append(f"{short(path)}:{number}: {line.strip()}")
            above = line.strip()
    assert wrong == []


def test_the_licence_names_its_holders() -> None:
    """The licence in the metadata is the one in the tree."""
    assert "license = BSD-3-Clause" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert "Copyright (c) the spreadjobs authors" in (ROOT / "LICENSE").read_text(encoding="utf-8")
