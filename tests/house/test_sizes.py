from __future__ import annotations

import ast
from statistics import median
from typing import Final

from tests.house.tree import files, parsed, short, sources

#: Lines that a file may have, tests included.
FILE: Final = 400
#: Lines that a function may have, its docstring included.
FUNCTION: Final = 60
#: Lines that the median file of what is installed may have.
MEDIAN: Final = 250


def lines(text: str) -> int:
    """How many lines a text has."""
    return len(text.splitlines())


def test_no_file_is_too_long() -> None:
    """A file that is longer holds two ideas."""
    sizes = {short(path): lines(path.read_text(encoding="utf-8")) for path in files(".py")}
    assert {name: size for name, size in sizes.items() if size > FILE} == {}


def test_no_function_is_too_long() -> None:
    """A function is a screen of text at most."""
    sizes = {
        f"{short(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in files(".py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION} == {}


def test_most_files_are_small() -> None:
    """Half of the files that hold code are read in a few minutes."""
    sizes = [lines(path.read_text(encoding="utf-8")) for path in sources() if path.name != "__init__.py"]
    assert median(sizes) < MEDIAN
