"""The documents as data: their sections, tables and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .checkout import ROOT

PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_SHELL = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.M | re.S)


@dataclass(frozen=True)
class Command:
    """One line of a shell block.

    Attributes:
        line: Without its comment.
        output: What the page says that it prints; None where it says nothing. A text block behind
            a shell block shows the output of its last line.
    """

    line: str
    output: str | None = None


def page_name(page: Path) -> str:
    """How a test calls a page."""
    return page.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """What stands under a heading of a page."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^##? |\Z)", read(name), re.M | re.S)
    assert found is not None, f"{name} has no section {title!r}"
    return found[1]


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a text, each as rows of cells without its head."""
    found = re.findall(r"(?:^ *\|.*\n)+", text, re.M)
    return [[_cells(line) for line in table.splitlines()[2:]] for table in found]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def blocks(language: str, text: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(text: str) -> Iterator[Command]:
    """The lines of every shell block of a page, in order."""
    for block, output in _SHELL.findall(text):
        lines = [line for raw in block.splitlines() if (line := re.sub(r"(^|\s+)# .*", "", raw))]
        yield from (Command(line) for line in lines[:-1])
        yield Command(lines[-1], output or None)


def programs(line: str) -> list[list[str]]:
    """The programs of a line with their arguments, without assignments in front of them."""
    parts = re.split(r" && | \| ", line)
    return [re.sub(r"^(?:\w+=\S* )+", "", part).split() for part in parts]
