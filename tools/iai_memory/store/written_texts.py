"""Every text that lies in a table's data files, whether a version of the table shows it or not.

A row that was changed or deleted stays in its file until that one is merged with another. So each
file is read by itself, as `data_files` does, without its list of rows that were replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from .data_files import DataFiles, Loss, wrong_with
from .lance_files import DamagedFile

_TEXTS: Final = (
    *("text", "terms", "tags", "entities", "history"),
    *("host", "session_id", "turn_id", "project", "cwd", "changed_files"),
)
"""Columns with words of the user's. The others hold ids, digests, times and names of ours."""


class WrittenRow(NamedTuple):
    """A row as it lies in a file.

    Attributes:
        file: Name of the data file.
        id: Of the memory.
        texts: All values of it that are the user's words, terms and past tags among them.
    """

    file: str
    id: str
    texts: list[str]


def written_rows(folder: Path, unread: Callable[[str], None]) -> Iterator[WrittenRow]:
    """Yield every row of every data file of a table's folder.

    Args:
        folder: Of the table.
        unread: Called with a sentence for each file that was not read, or not wholly.

    Raises:
        OSError: There is no room for a temporary folder.
    """

    def lost(loss: Loss) -> None:
        named.add(loss.file)
        unread(f"{folder.parent.name}/{folder.name}/{loss}")

    named = set[str]()
    read = set[str]()
    with TemporaryDirectory(prefix="iai-mcp-") as scratch:
        for file in DataFiles(folder, Path(scratch), lost).all():
            read.add(file.name)
            try:
                for number, texts in file.texts(_TEXTS):
                    told = [one for text in texts for one in _told(text)]
                    yield WrittenRow(file.name, file.keys[number][0], told)
            except (DamagedFile, OSError) as exc:
                lost(Loss(f"data/{file.name}", wrong_with(exc)))
    for path in sorted((folder / "data").glob("*")):
        if path.name not in read and f"data/{path.name}" not in named:
            lost(Loss(f"data/{path.name}", "cannot be read"))


def _told(text: str) -> list[str]:
    """Return a value without what we wrote around it: of a past, the values before each change."""
    if not text.startswith('[{"at":'):
        return [text]
    try:
        changes: Any = json.loads(text)
        values = [one["before"] for one in changes]
    except (ValueError, TypeError, KeyError, RecursionError):
        return [text]  # a text that begins as a past does
    lists = [one if isinstance(one, list) else [one] for one in values]
    return [str(one) for several in lists for one in several if isinstance(one, str)]
