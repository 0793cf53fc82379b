"""The backups of a store, read: which there are, and what is in one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..base.paths import StorePaths
from ..errors import BackupFault
from ..settings import Settings
from ..store.vector_rows import Row
from .folder import BackupFolder
from .place import folder_of, require_own
from .point import Point
from .segment import ClosedSegment, DamagedSegment, Segment
from .state_line import record_of, state_of


class Backup:
    """One backup of a store.

    Attributes:
        name: By which commands call it.
        when: When it was taken.
        count: Number of its memories, the forgotten ones too.
        folder: Where it is.
        table_version: The version of the table that it is of.
        faults: A sentence for each of its files that is damaged; complete after `verify`, or after
            the last of `rows`.
    """

    def __init__(self, folder: BackupFolder, point: Point) -> None:
        """Bind it; no segment is read."""
        self.name = point.name
        self.when: datetime = point.when
        self.count = point.count
        self.table_version = point.table_version
        self.faults: list[str] = []
        self.point = point
        self.folder = folder.path
        self._folder = folder

    def verify(self, known: dict[str, str] | None = None) -> bool:
        """Read all of it; return whether every file is what was written.

        Of one that no key opens only that it is what was written is known.

        Args:
            known: The fault of each file that was read before, empty for none; it gets those of
                the others. Backups share files.
        """
        known = {} if known is None else known
        for part in self.point.parts:
            if part.name not in known:
                known[part.name] = self._fault(part)
        self.faults = [known[part.name] for part in self.point.parts if known[part.name]]
        return not self.faults

    def require_open(self) -> None:
        """Refuse a backup that no key at hand opens.

        Raises:
            BackupFault: The text says which key is wanted.
        """
        for part in self.point.parts:
            if part.is_sealed:
                try:
                    self._folder.segments.read(part)
                except ClosedSegment as exc:
                    raise BackupFault(str(exc)) from exc
                except DamagedSegment:
                    continue  # the next one tells
                return

    def rows(self) -> Iterator[Row]:
        """Yield the newest state of each memory, without vectors, in any order.

        What lies in a damaged segment is left out, or is an older state; `faults` names it.
        """
        self.faults, seen = [], set[str]()
        for segment in reversed(self.point.segments):
            for line in reversed(self._read(segment)):
                id_ = state_of(line).id
                if id_ not in seen:
                    seen.add(id_)
                    yield Row(record_of(line), None)

    def file_lines(self) -> list[bytes]:
        """Return the lines of the small files; see `small_files`."""
        return [line for part in self.point.files for line in self._read(part)]

    def _fault(self, part: Segment) -> str:
        try:
            self._folder.segments.read(part)
        except ClosedSegment:
            return ""
        except DamagedSegment as exc:
            return str(exc)
        return ""

    def _read(self, segment: Segment) -> list[bytes]:
        try:
            return self._folder.segments.read(segment)
        except DamagedSegment as exc:
            if str(exc) not in self.faults:
                self.faults.append(str(exc))
            return []


def backups_of(
    paths: StorePaths,
    settings: Settings,
    *,
    any_store: bool = False,
    identity: Path | None = None,
) -> list[Backup]:
    """Return the backups whose index is whole, newest first.

    Args:
        paths: The store's.
        settings: They say where they are.
        any_store: Whether another store's will do.
        identity: A file with the key that opens them.

    Raises:
        BackupFault: The folder cannot be read, or holds another store's backups and
            `any_store` is not set.
    """
    folder = folder_of(paths, settings, identity=identity)
    if not any_store:
        require_own(folder, paths)
    return [Backup(folder, point) for point in folder.listing().points]


def index_faults(paths: StorePaths, settings: Settings) -> list[str]:
    """Return a sentence for each backup whose index cannot be used.

    Raises:
        BackupFault: The folder cannot be read.
    """
    return folder_of(paths, settings).listing().faults


def newest_backup(paths: StorePaths, settings: Settings) -> Backup | None:
    """Return the newest backup of which every file is what was written, else the newest; or None.

    Costs reading them. None also where the folder cannot be read, or is another store's.
    """
    try:
        found = backups_of(paths, settings)
    except BackupFault:
        return None
    return next((one for one in found if one.verify()), found[0] if found else None)
