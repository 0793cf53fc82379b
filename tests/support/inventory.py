"""The inventory as SECURITY.md shows it. `python -m tests.support.inventory` writes it there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from iai_memory.privacy.inventory import OTHER_FILES, STORE_FILES, FileKind, kind_of

from .checkout import ROOT

TITLES = {"In the store's folder": STORE_FILES, "Elsewhere": OTHER_FILES}
HEAD = (
    "| file | what of your text it may hold | encoding | how a text leaves it |\n"
    "|---|---|---|---|\n"
)


def table(kinds: Sequence[FileKind]) -> str:
    """The rows of a list as a table of Markdown."""
    rows = [
        f"| `{kind.where}` | {kind.holds} | {kind.encoding} | {kind.treatment.value} |\n"
        for kind in kinds
    ]
    return HEAD + "".join(rows)


def unnamed_files(store: Path) -> list[str]:
    """The files of a store that the inventory does not name."""
    found = [path.relative_to(store).as_posix() for path in store.rglob("*") if not path.is_dir()]
    return sorted(name for name in found if kind_of(PurePosixPath(name)) is None)


def main() -> None:
    """Writes the tables into SECURITY.md."""
    page = ROOT / "SECURITY.md"
    text = page.read_text(encoding="utf-8")
    for title, kinds in TITLES.items():
        rows = table(kinds).replace("\\", "\\\\")
        text = re.sub(rf"(### {re.escape(title)}\n\n)(?:\|.*\n)*", rf"\g<1>{rows}", text)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
