"""The folder of a store's backups: whose it is, and which backups are in it.

    backup.json         whose backups these are
    20261130T143828Z.json  the index of one backup, see `point`
    segments/           its memories, see `segment`
    unfinished.json     the index of a backup that is being taken, in steps

A folder that was there and is gone, as that of a disk which is not mounted, is never made anew, and
another store's is never written: whoever asks is told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..base.files import PRIVATE_FOLDER, replace_file
from ..base.foreign_file import read_foreign, within
from ..base.machine_faults import machine_fault
from ..base.new_file import new_file
from ..errors import BackupFault, ForeignFileFault, ForeignFileMissing
from .point import SUFFIX, DamagedIndex, Point, is_point_name, read_point, to_index
from .sealing import Keys
from .segment import Segments

OWNER: Final = "backup.json"
_UNFINISHED: Final = "unfinished.json"
_SEGMENTS: Final = "segments"
_FORMAT: Final = 1
_MAX_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose backups a folder holds.

    Attributes:
        store: Id of the store.
        root: Its folder, when it last wrote here.
        recipient: For whom all backups here are sealed; empty for nobody.
    """

    store: str
    root: str
    recipient: str = ""


@dataclass(slots=True)
class Listing:
    """The backups of a folder.

    Attributes:
        points: Newest first.
        faults: A sentence for each index that cannot be used.
        damaged: The files of those that are not what was written, or no files at all.
    """

    points: list[Point] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)


class BackupFolder:
    """The backups in one folder. Only one process at a time may write; its caller holds a lock."""

    def __init__(self, path: Path, keys: Keys) -> None:
        """Bind the folder and the keys of its backups; nothing is looked at."""
        self.path = path
        self.segments = Segments(path / _SEGMENTS, keys)

    def owner(self) -> Owner | None:
        """Return whose backups these are; None for a folder that is empty or missing.

        Raises:
            BackupFault: Something else is in the folder, or it cannot be read.
        """
        names = self._names(self.path)
        owner = self._owner() if OWNER in names else None
        if owner is None and any(map(_is_index, names)) and self.listing().points:
            return Owner("", "")  # the one file is lost, and the backups are not
        if owner is None and (others := names - {"lost+found"}):
            raise BackupFault(
                f"{self.path} holds other files ({min(others)!r}): set IAI_MCP_BACKUP to a folder "
                f"for backups alone"
            )
        return owner

    def claim(self, owner: Owner) -> None:
        """Say whose backups these are, in a folder that is there.

        Raises:
            BackupFault: It cannot be written.
        """
        if self.segments.path.is_symlink():
            raise BackupFault(f"{self.segments.path} is a link: move it away")
        fields = {"format": _FORMAT, **asdict(owner)}
        self._replace(self.path / OWNER, json.dumps(fields).encode())
        try:
            self.segments.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        except OSError as exc:
            raise BackupFault(machine_fault(exc, f"{self.segments.path} cannot be made")) from exc

    def has_segments(self) -> bool:
        """Return whether segments can be there: a link could lead anywhere."""
        return self.segments.path.is_dir() and not self.segments.path.is_symlink()

    def listing(self) -> Listing:
        """Return the backups whose index is whole, and what is wrong with others.

        Raises:
            BackupFault: The folder cannot be read.
        """
        found = Listing()
        for name in sorted(filter(_is_index, self._names(self.path))):
            path = self.path / name
            try:
                found.points.append(read_point(path))
            except DamagedIndex as exc:
                found.faults.append(str(exc))
                found.damaged.append(path)
            except ForeignFileFault as exc:
                found.faults.append(str(exc))
                if path.is_symlink() or path.is_fifo():
                    found.damaged.append(path)
        found.points.sort(key=lambda point: (point.number, point.name), reverse=True)
        return found

    def unfinished(self) -> Point | None:
        """Return the backup that somebody began to take; None where there is none."""
        with suppress(BackupFault, ForeignFileFault):
            return read_point(self.path / _UNFINISHED)
        return None

    def note_unfinished(self, point: Point) -> None:
        """Note what is written of a backup, for whoever goes on with it.

        Raises:
            BackupFault: The folder cannot be written.
        """
        self._replace(self.path / _UNFINISHED, to_index(point))

    def drop_unfinished(self) -> None:
        """Forget what was written of a backup that is not whole.

        Raises:
            BackupFault: The folder cannot be written.
        """
        self.remove(self.path / _UNFINISHED)

    def add(self, point: Point) -> None:
        """Write the index of a backup whose segments are there; from now on it counts.

        Raises:
            BackupFault: The folder cannot be written.
        """
        path = self.index(point)
        try:
            with new_file(path) as file:
                file.write(to_index(point))
            (self.path / _UNFINISHED).unlink(missing_ok=True)
        except OSError as exc:
            raise BackupFault(machine_fault(exc, f"{path} cannot be written")) from exc
        if read_point(path) != point:
            raise BackupFault(f"{path} does not hold what was written: its disk fails")

    def replace(self, point: Point) -> None:
        """Write the index of a backup anew.

        Raises:
            BackupFault: The folder cannot be written.
        """
        self._replace(self.index(point), to_index(point))

    def index(self, point: Point) -> Path:
        """Return the file of the backup's index."""
        return self.path / f"{point.name}{SUFFIX}"

    def remove(self, path: Path) -> None:
        """Remove a file of the folder.

        Raises:
            BackupFault: It cannot be removed.
        """
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise BackupFault(machine_fault(exc, f"{path} cannot be removed")) from exc

    def segment_files(self) -> Iterator[Path]:
        """Yield every file among the segments, whatever it is.

        Raises:
            BackupFault: The folder cannot be read.
        """
        for name in sorted(self._names(self.segments.path)):
            yield self.segments.path / name

    def size(self) -> int:
        """Return the bytes of all files.

        Raises:
            BackupFault: The folder cannot be read.
        """
        names = [self.path / name for name in self._names(self.path)]
        files = [path for path in (*names, *self.segment_files()) if path.is_file()]
        return sum(path.lstat().st_size for path in files)

    def _names(self, folder: Path) -> set[str]:
        try:
            return set(within(str(folder), partial(os.listdir, folder)))
        except ForeignFileMissing:
            return set()
        except ForeignFileFault as exc:
            raise BackupFault(
                f"{folder} {exc.what}: backups belong into a folder of yours"
            ) from exc

    def _owner(self) -> Owner | None:
        path = self.path / OWNER
        try:
            fields: dict[str, Any] = json.loads(read_foreign(path, _MAX_BYTES))
            if fields["format"] == _FORMAT:
                names = ("store", "root", "recipient")
                return Owner(*(str(fields.get(name) or "") for name in names))
        except ForeignFileFault as exc:
            raise BackupFault(str(exc)) from exc
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        return None  # damaged, or somebody else's

    def _replace(self, path: Path, content: bytes) -> None:
        try:
            replace_file(path, content)
        except OSError as exc:
            raise BackupFault(machine_fault(exc, f"{path} cannot be written")) from exc


def _is_index(name: str) -> bool:
    return name.endswith(SUFFIX) and is_point_name(name.removesuffix(SUFFIX))
