"""How far each transcript was imported, and its accounts: what did not change is not read again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.json_file import read_object
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..errors import StoreUnavailable
from .jsonl_tail import FileCursor
from .transcript_files import FoundTranscript
from .turn_counts import TurnCounts

# One more each time when readers find turns that earlier ones did not: then all is read again.
_READER: Final = 1
_MAX_BYTES: Final = 64 << 20  # of some 400 bytes a transcript


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """One transcript as it was when it was imported.

    Attributes:
        modified_ns: When it had been written last.
        cursor: How far it was read; None for nothing.
        counts: What became of its turns.
    """

    modified_ns: int
    cursor: FileCursor | None
    counts: TurnCounts

    def is_as(self, found: FoundTranscript) -> bool:
        """Return whether the file has not changed since."""
        return (
            self.cursor is not None
            and (self.cursor.inode, self.cursor.size) == (found.inode, found.size)
            and self.modified_ns == found.modified_ns
        )


class ImportRecord:
    """The imported transcripts of a store; losing it costs time, no turn."""

    def __init__(
        self, paths: StorePaths, table: Callable[[], tuple[str, int]], *, anew: bool = False
    ) -> None:
        """Read the record; it is empty where it is damaged, or of another reader or table.

        Args:
            paths: The store's.
            table: Returns what identifies the table, and its version: of a table that was made
                anew, or set back to an older copy, the record would say what it does not hold.
            anew: Begin an empty record.
        """
        self._path = paths.imported
        self._table = table
        self._files: dict[str, Any] = {}
        fields = read_object(self._path, _MAX_BYTES) or {}
        files = fields.get("files")
        is_of_table = not anew and _is_of(fields.get("table"), table())
        if is_of_table and fields.get("reader") == _READER and isinstance(files, dict):
            self._files = files

    def get(self, path: Path) -> ImportedFile | None:
        """Return what is known of a transcript."""
        try:
            modified_ns, cursor, counts = self._files[str(path.absolute())]
            return ImportedFile(
                modified_ns=int(modified_ns),
                cursor=FileCursor(*cursor) if cursor else None,
                counts=TurnCounts(
                    stored=int(counts["stored"]),
                    duplicate=int(counts["duplicate"]),
                    failed=int(counts["failed"]),
                    skipped=Counter(counts["skipped"]),
                ),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def note(self, path: Path, one: ImportedFile) -> None:
        """Note a transcript; `save` writes it."""
        cursor = one.cursor
        self._files[str(path.absolute())] = [
            one.modified_ns,
            cursor and [cursor.inode, cursor.size, cursor.offset, cursor.mark, cursor.state],
            one.counts.to_fields(),
        ]

    def save(self) -> None:
        """Replace the file.

        Raises:
            StoreUnavailable: It cannot be written.
        """
        content = json.dumps(
            {"reader": _READER, "table": self._table(), "files": self._files}, ensure_ascii=False
        )
        try:
            make_private_folder(self._path.parent)
            replace_file(self._path, content.encode("utf-8", "backslashreplace"))
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{self._path} cannot be written")) from exc


def _is_of(noted: object, table: tuple[str, int]) -> bool:
    name, version = table
    return (
        isinstance(noted, list)
        and len(noted) == 2
        and noted[0] == name
        and type(noted[1]) is int
        and noted[1] <= version
    )
