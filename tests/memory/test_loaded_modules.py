"""A package can be imported without the rest of the memory: what each loads, counted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.support.checkout import ROOT
from tests.support.modules import HEAVY, modules_loaded_by, ours

LIBRARIES = HEAVY | {
    "Stemmer",
    "graspologic_native",
    "onnx",
    "pydantic",
    "regex",
    "rich",
    "simsimd",
    "tomlkit",
    "typer",
}
TOPS = (ROOT / "tools" / "iai_memory", ROOT / "server" / "iai_server")


def modules_of(package: str) -> list[str]:
    """The package's own modules, not those of packages below it."""
    root = ROOT / ("server" if package.startswith("iai_server") else "tools")
    names = sorted(path.stem for path in root.joinpath(*package.split(".")).glob("*.py"))
    return [f"{package}.{name}" for name in names if not name.startswith("__")]


# What all modules of a package together load of the libraries, and how many modules of ours.
PACKAGES = {
    "iai_memory.base": (30, set[str]()),
    "iai_memory.projects": (24, set[str]()),
    "iai_memory.privacy": (21, set[str]()),
    "iai_memory.text": (40, {"Stemmer", "regex"}),
    "iai_memory.capture.hosts": (33, set[str]()),
    "iai_memory.embedding": (27, {"pydantic"}),
    "iai_server.startup": (20, set[str]()),
    "iai_server.hosts": (40, {"tomlkit"}),
}


@pytest.mark.long
@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_the_lower_floors_loads_no_heavy_library(package: str) -> None:
    most, libraries = PACKAGES[package]
    loaded = modules_loaded_by(*modules_of(package))
    assert loaded & LIBRARIES == libraries
    assert len(ours(loaded)) <= most, ours(loaded)


@pytest.mark.long
@pytest.mark.parametrize("module", modules_of("iai_memory.text"))
def test_a_module_of_text_loads_at_most_twenty_of_ours(module: str) -> None:
    loaded = modules_loaded_by(module)
    assert loaded & LIBRARIES <= {"Stemmer", "regex"}
    assert len(ours(loaded)) <= 20, ours(loaded)


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "most", "libraries"),
    [
        ("iai_memory", 4, set[str]()),
        ("iai_memory.capture.spool", 16, set[str]()),
        ("iai_memory.session_start.watermark", 12, set[str]()),
        ("iai_memory.session_start.decision", 12, set[str]()),
        ("iai_memory.session_start.cache", 16, set[str]()),
        ("iai_memory.store.record", 10, set[str]()),
        ("iai_memory.store.filter", 12, set[str]()),
        ("iai_memory.results", 6, {"pydantic"}),
        ("iai_memory.settings", 8, {"pydantic"}),
        ("iai_server.cli.main", 10, set[str]()),
        ("iai_server.cli.app", 46, {"typer"}),
    ],
)
def test_what_is_needed_at_once_is_loaded_alone(
    module: str, most: int, libraries: set[str]
) -> None:
    loaded = modules_loaded_by(module)
    assert loaded & LIBRARIES == libraries
    assert len(ours(loaded)) <= most, ours(loaded)


@pytest.mark.long
def test_the_memory_itself_loads_what_it_works_with_and_no_model() -> None:
    loaded = modules_loaded_by("iai_memory.memory")
    assert {"lancedb", "pyarrow", "numpy", "pydantic"} <= loaded
    assert loaded & {"mcp", "mcp_types", "typer", "rich", "onnxruntime", "tokenizers"} == set()


@pytest.mark.parametrize(
    "path",
    [path for top in TOPS for path in sorted(top.rglob("__init__.py"))],
    ids=lambda path: path.parent.name,
)
def test_the_init_of_a_package_below_the_top_is_a_docstring_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1 or path.parent in TOPS
