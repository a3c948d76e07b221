"""The directions of imports and includes: data flows one way, and the folders follow it.

A *room* is a folder of src/smartsplat, or a module that stands there by itself. What is true and meant is in
the tables at the top. Imports inside functions count as those at the top do, and those under TYPE_CHECKING as well.
"""

import ast
import graphlib
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "smartsplat"
CORE = ROOT / "native" / "core"

RANKS = (
    ("_native", "errors", "libraries", "scratch"),
    ("model", "pictures", "metrics", "cluster"),
    ("gpu",),
    ("engines", "sampling", "coding"),
    ("fitting", "file"),
    ("pipeline",),
    ("api",),
    ("progress", "memory"),
    ("torch",),
    ("bench", "batch", "serving", "viewing", "plugins"),
    ("reporting",),
    ("demo",),
    ("cli",),
    ("__init__", "__main__"),
)
"""A room imports rooms of the lines above its own, and itself; not those beside it."""

LEAVES = {
    "bench": {"cli", "demo", "reporting"},
    "batch": {"cli"},
    "serving": {"cli"},
    "viewing": {"cli"},
    "plugins": set(),
    "demo": {"cli"},
    "reporting": {"cli", "demo"},
    "torch": {"bench"},
    "gpu": {"engines", "torch"},
}
"""Who may import these rooms, and only inside functions: they are loaded when they are asked for."""

SYSTEMS = "smartsplat.bench.systems."
"""The modules that fit with PyTorch. They import it, and its face of the package, outside functions; of the rest of the
package only the bench does import them, and inside functions."""

CARDS = "smartsplat.engines.cuda"
"""The engine on graphics cards, which is loaded when it is asked for: it imports kernels outside functions."""

FREE = {"smartsplat.__version__"}
"""What everybody may import from the package itself: a constant that is there before anything else is."""

AT_THE_TOP = {
    "scipy": set(),
    "tqdm": set(),
    "matplotlib": set(),
    "imagecodecs": set(),
    "ssimulacra2": set(),
    "distributed": set(),
    "pyvips": set(),
    "dask": set(),
    "shtab": set(),
    "imageio": {"plugins"},
    "starlette": {"serving"},
    "anyio": {"serving"},
    "uvicorn": {"serving"},
    "torch": {"torch", "bench", "gpu"},
    "triton": {"gpu"},
}
"""Libraries that take long to load or may be missing, and the rooms that import them outside functions."""

STANDARD_LIBRARY_ONLY = ("errors", "cli", "progress", "memory", "__init__", "__main__")
"""Rooms that load no other library and, of this package, each other at most: ``--help`` answers at once."""


@dataclass(frozen=True)
class Import:
    """An import of `target` (a dotted name) by `module`; `lazy` inside a function, `typing` for annotations only."""

    module: str
    target: str
    lazy: bool
    typing: bool


def module_name(path):
    parts = ("smartsplat", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


@cache
def modules():
    """Names of all modules; the package's own one is smartsplat.__init__."""
    return frozenset(module_name(path) for path in PACKAGE.rglob("*.py")) | {"smartsplat._native"}


def room(name):
    """Of a dotted name in the package."""
    return name.split(".")[1] if "." in name else "__init__"


@cache
def imports():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        visit(ast.parse(path.read_text(encoding="utf-8")), module_name(path), False, False, found)
    return tuple(found)


def visit(node, module, lazy, typing, found):
    if isinstance(node, ast.Import):
        found += [Import(module, alias.name, lazy, typing) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: a relative import"
        found += [Import(module, target, lazy, typing) for target in targets(node)]
    inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for name, value in ast.iter_fields(node):
        checking = typing or (name == "body" and isinstance(node, ast.If) and is_type_checking(node.test))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                visit(child, module, inside, checking, found)


def is_type_checking(test):
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def targets(node):
    """Modules where the names are modules; else where they come from, or of the package itself the name."""
    for alias in node.names:
        full = f"{node.module}.{alias.name}"
        yield full if full in modules() or node.module == "smartsplat" else node.module


def own():
    """Imports within the package."""
    return [i for i in imports() if i.target.split(".")[0] == "smartsplat" and i.target not in FREE]


def rank(name):
    return next(number for number, rooms in enumerate(RANKS) if name in rooms)


def test_the_walk_sees_every_kind_of_import():
    tree = ast.parse(
        "import numpy\n"
        "if TYPE_CHECKING:\n from smartsplat.model import splats\n"
        "else:\n import scipy.spatial\n"
        "def f():\n from smartsplat import _native, __version__, encode\n"
        "class A:\n def g(self):\n  from smartsplat.model.splats import Splats\n"
    )
    found = []
    visit(tree, "m", False, False, found)
    assert [(i.target, i.lazy, i.typing) for i in found] == [
        ("numpy", False, False),
        ("smartsplat.model.splats", False, True),
        ("scipy.spatial", False, False),
        ("smartsplat._native", True, False),
        ("smartsplat.__version__", True, False),
        ("smartsplat.encode", True, False),
        ("smartsplat.model.splats", True, False),
    ]


def test_every_room_has_its_rank():
    ranked = [name for rooms in RANKS for name in rooms]
    assert len(ranked) == len(set(ranked))
    assert {room(name) for name in modules()} == set(ranked)


def test_imports_go_one_way():
    wrong = [
        f"{i.module} imports {i.target}"
        for i in own()
        if room(i.module) != room(i.target)
        and (i.target == "smartsplat" or room(i.target) not in sum(RANKS[: rank(room(i.module))], ()))
    ]
    assert not wrong


@pytest.mark.parametrize("name", sorted({name for rooms in RANKS for name in rooms} - {"_native"}))
def test_no_circle_within_a_room(name):
    graph = {m: set() for m in modules() if room(m) == name}
    for i in own():
        if i.module in graph and i.target in graph:
            graph[i.module].add(i.target)
    assert all(target != module for module, edges in graph.items() for target in edges)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_bench_and_demo_are_leaves():
    wrong = [
        f"{i.module} imports {i.target}"
        for i in own()
        if room(i.target) in LEAVES
        and room(i.module) != room(i.target)
        and (room(i.module) not in LEAVES[room(i.target)] or not (i.lazy or i.module.startswith((SYSTEMS, CARDS))))
    ]
    assert not wrong


def test_systems_alone_load_pytorch_with_the_bench():
    for i in imports():
        inside, eager = i.module.startswith(SYSTEMS), not i.lazy and not i.typing
        if room(i.module) == "bench" and not inside and eager:
            assert i.target.split(".")[0] != "torch" and not i.target.startswith(SYSTEMS), (
                f"{i.module} imports {i.target}"
            )
        assert room(i.module) == "bench" or not i.target.startswith(SYSTEMS), f"{i.module} imports {i.target}"


def test_the_engine_on_cards_is_loaded_late():
    assert all(i.lazy for i in imports() if i.target.startswith(CARDS))


def test_scipy_is_loaded_by_one_module_only():
    """Which looks for room first; see there."""
    assert not [i for i in imports() if i.target.split(".")[0] == "scipy"]
    assert "import_module(name)" in (PACKAGE / "libraries.py").read_text(encoding="utf-8")


def test_what_is_slow_or_may_be_missing_is_loaded_late():
    eager = {(i.target.split(".")[0], room(i.module)) for i in imports() if not i.lazy and not i.typing}
    for library, rooms in AT_THE_TOP.items():
        assert {r for name, r in eager if name == library} == rooms, library


@pytest.mark.parametrize("name", STANDARD_LIBRARY_ONLY)
def test_the_front_loads_the_standard_library_only(name):
    for i in imports():
        if room(i.module) == name and not i.lazy and not i.typing and i.target not in FREE:
            top = i.target.split(".")[0]
            assert room(i.target) in STANDARD_LIBRARY_ONLY if top == "smartsplat" else top in sys.stdlib_module_names


# The C++ core

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources():
    return [path for path in sorted(CORE.rglob("*")) if path.suffix in {".h", ".hpp", ".c", ".cpp", ".inc"}]


def includes(path):
    return [match[2] for match in INCLUDE.finditer(path.read_text(encoding="utf-8"))]


def included_file(path, name):
    """The file of the core that is meant, or None."""
    places = (path.parent / name, CORE / name, CORE.parent / name)
    found = next((place.resolve() for place in places if place.is_file()), None)
    return found if found and found.is_relative_to(CORE) else None


def folder_of(path):
    return path.relative_to(CORE).parts[0] if path.parent != CORE else "."


def test_the_core_knows_no_python():
    for path in sources():
        for name in includes(path):
            assert not name.startswith("nanobind") and name != "Python.h", f"{path} includes {name}"


def test_the_core_includes_nothing_outside_itself():
    for path in sources():
        for kind, name in ((m[1], m[2]) for m in INCLUDE.finditer(path.read_text(encoding="utf-8"))):
            assert kind == "<" or included_file(path, name), f"{path} includes {name}"


def test_folders_of_the_core_have_no_circle():
    graph = {}
    for path in sources():
        edges = graph.setdefault(folder_of(path), set())
        edges |= {folder_of(file) for name in includes(path) if (file := included_file(path, name))} - {folder_of(path)}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert order.index("common") < order.index("rendering") < order.index("decoder")
