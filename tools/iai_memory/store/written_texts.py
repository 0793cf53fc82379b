"""Every text that lies in a table's data files, whether a version of the table shows it or not.

A row that was changed or deleted stays in its file until that one is merged with another. So each
file is read by itself, as `data_files` does, without its list of rows that were replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from .data_files import DataFiles, Loss, wrong_with
from .lance_files import DamagedFile


class WrittenRow(NamedTuple):
    """A row as it lies in a file.

    Attributes:
        file: Name of the data file.
        id: Of the memory.
        texts: All values of it that are text.
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
        told.add(loss.file)
        unread(f"{folder.parent.name}/{folder.name}/{loss}")

    told = set[str]()
    read = set[str]()
    with TemporaryDirectory(prefix="iai-mcp-") as scratch:
        for file in DataFiles(folder, Path(scratch), lost).all():
            read.add(file.name)
            try:
                for number, texts in file.texts():
                    yield WrittenRow(file.name, file.keys[number][0], texts)
            except (DamagedFile, OSError) as exc:
                lost(Loss(f"data/{file.name}", wrong_with(exc)))
    for path in sorted((folder / "data").glob("*")):
        if path.name not in read and f"data/{path.name}" not in told:
            lost(Loss(f"data/{path.name}", "cannot be read"))
