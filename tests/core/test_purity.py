from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).resolve().parents[2] / "spreadjobs"
FILES: Final = sorted(path for part in ("core", "scheduling") for path in (PACKAGE / part).glob("*.py"))
WORLD: Final = ("time", "os", "random", "threading", "subprocess", "pickle", "logging")


def modules(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def sets(tree: ast.AST) -> Iterator[int]:
    """Every line on which a set is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.SetComp) or (isinstance(node, ast.Name) and node.id in ("set", "frozenset")):
            yield node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_pure_file_knows_no_clock_no_chance_and_no_set(path: Path) -> None:
    """Time and jitter come in as arguments; and what is not a set cannot be iterated over in an order of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for name in modules(tree) if name.partition(".")[0] in WORLD] == []
    assert list(sets(tree)) == []
