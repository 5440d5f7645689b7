"""The repository's own files, as the tests of the house see them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]

#: What is installed.
PACKAGES: Final = ("spreadjobs", "worker_stub")

NOT_OURS: Final = ("build", "dist", "__pycache__")


class Import(NamedTuple):
    """One import that happens when the program runs: where it stands, what it asks for."""

    module: str
    line: int
    is_late: bool


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Every file of the repository with one of these suffixes (all, without any), in order."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [n for n in inner if n == ".ci" or (not n.startswith(".") and n not in NOT_OURS)]
        inner[:] = [n for n in inner if not n.endswith(".egg-info")]
        found += [Path(folder, name) for name in names if not name.startswith(".coverage")]
    return tuple(sorted(path for path in found if not suffixes or path.suffix in suffixes))


def sources() -> list[Path]:
    """Every Python file that is installed."""
    return [path for path in files(".py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def short(path: Path) -> str:
    """What a message calls a file."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """The dotted name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), short(path))


def imports(path: Path) -> list[Import]:
    """What a file imports when it runs, at its top or late; what only type checkers read is left out."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    found: list[Import] = []
    for node, is_late in _running(parsed(path), is_late=False):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno, is_late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.append(Import(inner if _is_module(inner) else base, node.lineno, is_late))
    return found


def _running(node: ast.AST, is_late: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, but for what stands under ``if TYPE_CHECKING``; and whether it is inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield other, is_late
                yield from _running(other, is_late)
            continue
        yield child, is_late
        yield from _running(child, is_late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


@cache
def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
