from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter
from typing import Final

import pytest

from tests.house.tree import Import, files, imports, module_name, short, sources

FLOOR: Final = {"errors", "records", "hosts"}
BELOW_ENGINE: Final = FLOOR | {"worker_stub", "scheduling", "protocol", "core", "transports"}

#: For each part of the house, the parts that it may import besides itself. Arrows point down only.
BELOW: Final[dict[str, set[str]]] = {
    "worker_stub": set(),
    "errors": set(),
    "records": {"errors"},
    "hosts": {"errors", "records"},
    "scheduling": FLOOR,
    "protocol": FLOOR | {"worker_stub"},
    "core": FLOOR | {"scheduling"},
    "transports": FLOOR | {"worker_stub", "protocol"},
    "engine": BELOW_ENGINE,
    "frontends": BELOW_ENGINE | {"engine"},
    "spreadjobs": BELOW_ENGINE | {"engine", "frontends"},
    "cli": BELOW_ENGINE | {"engine", "frontends", "spreadjobs"},
    "web": BELOW_ENGINE | {"engine", "frontends", "spreadjobs"},
    "__main__": {"cli"},
}

#: What a pure part may not import. Time, chance and names come in as arguments.
WORLD: Final = {
    *("asyncio", "datetime", "logging", "multiprocessing", "pickle", "random", "secrets", "selectors"),
    *("signal", "socket", "subprocess", "tempfile", "threading", "time", "uuid"),
}
IMPURE: Final = {"core": WORLD | {"os"}, "scheduling": WORLD | {"os"}, "protocol": WORLD - {"pickle"}}

#: What the stub may use besides the standard library, where it is there: inside a function, never at the top.
STUB_GUESTS: Final = {"msgpack", "cloudpickle"}

OURS: Final = {module_name(path): path for path in sources()}


def part(module: str) -> str:
    """The part of the house in which a module lives."""
    top, *inner = module.split(".")
    return inner[0] if top == "spreadjobs" and inner else top


def is_ours(found: Import) -> bool:
    """Whether an import asks for a module of this repository."""
    return found.module.split(".")[0] in ("spreadjobs", "worker_stub", "tests", "examples", "benchmarks")


def test_every_part_has_its_floor() -> None:
    """A new part of the house says in BELOW what it stands on."""
    assert {part(module) for module in OURS} - set(BELOW) == set()


def test_arrows_point_down() -> None:
    """No module imports, early or late, from a part that its own part does not stand on."""
    wrong = [
        f"{short(path)}:{found.line} imports {found.module}"
        for module, path in OURS.items()
        for found in imports(path)
        if is_ours(found) and part(found.module) not in {part(module), *BELOW[part(module)]}
    ]
    assert wrong == []


def test_there_is_no_circle_of_imports() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    graph = {
        module: {found.module for found in imports(path) if found.module in OURS} - {module}
        for module, path in OURS.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(error.args[1]))


@pytest.mark.parametrize("pure", IMPURE)
def test_pure_parts_know_no_world(pure: str) -> None:
    """The machine, the schedulers and the bytes have no clock, no chance, no process and no thread."""
    wrong = [
        f"{short(path)}:{found.line} imports {found.module}"
        for module, path in OURS.items()
        if part(module) == pure
        for found in imports(path)
        if found.module.split(".")[0] in IMPURE[pure]
    ]
    assert wrong == []


def test_the_stub_needs_nothing_but_python() -> None:
    """The stub imports itself and the standard library; msgpack and cloudpickle only late, where they are there."""
    wrong = [
        f"{short(path)}:{found.line} imports {found.module}"
        for module, path in OURS.items()
        if part(module) == "worker_stub"
        for found in imports(path)
        if (top := found.module.split(".")[0]) not in {*sys.stdlib_module_names, "worker_stub"}
        and not (top in STUB_GUESTS and found.is_late)
    ]
    assert wrong == []


def test_nothing_that_is_installed_needs_the_tests() -> None:
    """Tests, examples and benchmarks import the library, never the other way round."""
    wrong = [
        short(path)
        for path in files(".py")
        if path in OURS.values()
        and any(found.module.split(".")[0] in ("tests", "examples", "benchmarks") for found in imports(path))
    ]
    assert wrong == []
