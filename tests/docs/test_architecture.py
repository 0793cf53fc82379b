"""The architecture page names what is there, and every package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.support.checkout import ROOT
from tests.support.documents import read

ROOTS = (ROOT / "tools/iai_memory", ROOT / "server/iai_server", ROOT)
PAGE = read("docs/architecture.md")


def _named() -> set[str]:
    """The files and folders that the page names in backticks."""
    return set(re.findall(r"`([a-z_]+(?:/[a-z_-]+)*(?:/|\.py|\.sh))`", PAGE))


def _packages() -> set[str]:
    return {
        f"{path.parent.relative_to(root)}/"
        for root in ROOTS[:2]
        for path in root.rglob("*/__init__.py")
    }


def test_every_module_and_folder_that_the_page_names_exists() -> None:
    assert len(_named()) > 30
    assert [name for name in _named() if not any((root / name).exists() for root in ROOTS)] == []


def test_every_package_is_named() -> None:
    assert _packages() - _named() == set()


@pytest.mark.parametrize("package", ["iai_memory", "iai_server"])
def test_the_floors_are_those_that_import_linter_holds(package: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == [package]
    ]
    [drawing] = re.findall(rf"^ {package} ((?:.*\n)*?) ──", PAGE, re.M)
    drawn = [re.split(r" {3,}", line.strip())[0] for line in drawing.splitlines()]

    floors = [floor.replace(".py", "").replace("│", "|") for floor in drawn]
    assert floors == layers


def test_every_lock_of_the_page_is_a_lock_of_the_code() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(ROOTS[0]).rglob("*.py"))
    taken = set(re.findall(r"\.lock\(\"(\w+)\"\)", code))
    table = PAGE.partition("## Who holds which lock")[2].partition("## Glossary")[0]
    rows = set(re.findall(r"^\| `(\w+)`", table, re.M))

    assert taken == rows


def test_the_page_on_tests_names_every_folder_of_tests() -> None:
    named = set(re.findall(r"^\| `tests/(\w+)/`", read("docs/testing.md"), re.M))
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("**/*.py"))}
    assert named == folders | {"fixtures"}
