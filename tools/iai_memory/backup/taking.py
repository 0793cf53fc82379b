"""A backup is taken: the states that changed since the last one, written, read back and listed.

    read every segment of the last backup  →  read what the table changed since then
    →  new segments, each read back  →  the new index
    →  old backups go, and what only they needed  →  neighbours are merged

Until the index is there, nothing counts that was written, and all former backups are whole. What is
written is noted after each segment, so that the next call goes on where this one ended, was
interrupted or killed. Neither the write lock is held nor anything of the table kept from readers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ..base.progress import never_interrupted
from ..store.reader import TableReader
from ..store.table import Store
from .folder import BackupFolder
from .known import Known
from .merging import merge_segments
from .point import Point, point_name
from .segment import DamagedSegment, Segment, portions
from .small_files import KIND, lines_of_files
from .state_line import lines_of, state_of
from .tidying import drop_old, remove_unneeded


@dataclass(frozen=True, slots=True)
class Taken:
    """What one call did.

    Attributes:
        point: The new backup; None where the call ended before it was whole.
        written: Number of states that were written.
        removed: Names of the backups that are over.
        faults: What is damaged among the former backups, a sentence each. The new one has it anew.
    """

    point: Point | None
    written: int
    removed: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def take_backup(
    store: Store,
    folder: BackupFolder,
    store_id: str,
    *,
    now: datetime,
    interrupted: Callable[[], bool] = never_interrupted,
) -> Taken:
    """Take a backup of the store's latest version, or go on with one that was begun.

    Args:
        store: The table.
        folder: Claimed for this store, under the lock of its backups.
        store_id: Of the store.
        now: The time of the backup.
        interrupted: Called between segments; True ends the call, and the next one goes on.

    Raises:
        BackupFault: The folder cannot be read or written.
        StoreFault: The table cannot be read.
    """
    return _Taking(store, folder, store_id, interrupted).run(now)


class _Taking:
    """One call."""

    def __init__(
        self,
        store: Store,
        folder: BackupFolder,
        store_id: str,
        interrupted: Callable[[], bool],
    ) -> None:
        self._store = store
        self._folder = folder
        self._interrupted = interrupted
        self._listing = folder.listing()
        last = self._listing.points[0] if self._listing.points else None
        empty = Point("", 0, datetime.min, store_id, 0, 0, 0, ())
        begun = folder.unfinished()
        self._last = last or empty
        # What a former call wrote belongs to the backup that follows this one, and to no other.
        goes_on = begun is not None and begun.number == self._last.number + 1
        base = begun if begun is not None and goes_on else self._last
        self._known = Known(folder.segments, base.segments)
        self._written = 0

    def run(self, now: datetime) -> Taken:
        reader = self._store.pinned_reader()
        version = reader.version
        unfinished = replace(self._last, name="", number=self._last.number + 1, when=now, files=())
        versions = reader.versions_by_id()
        self._leave_out(self._known.states.keys() - versions.keys())
        for number, lines in enumerate(portions(self._changed_lines(reader, versions))):
            if number and self._interrupted():  # each call moves on
                return Taken(None, self._written, faults=self._faults())
            self._write(lines)
            self._folder.note_unfinished(replace(unfinished, segments=tuple(self._known.segments)))
        files = self._files()
        point = replace(
            unfinished,
            name=self._free_name(now),
            table_version=version,
            count=len(self._known.states),
            text_bytes=sum(state.text_bytes for state in self._known.states.values()),
            segments=tuple(self._known.segments),
            files=files,
        )
        self._folder.add(point)
        for path in self._listing.damaged:
            self._folder.remove(path)
        points = [point, *self._listing.points]
        kept = drop_old(self._folder, points)
        removed = tuple(one.name for one in points if one not in kept)
        kept = merge_segments(self._folder, kept, self._known.live_rows())
        remove_unneeded(self._folder, kept)
        return Taken(kept[0], self._written, removed, self._faults())

    def _faults(self) -> tuple[str, ...]:
        return (*self._listing.faults, *self._known.faults)

    def _leave_out(self, gone: Collection[str]) -> None:
        """Leave memories out that the table has no more, since it was set back; others stay.

        Former backups keep the segments that they name.
        """
        if not gone:
            return
        kept = Known(self._folder.segments)
        kept.faults = self._known.faults
        for segment in self._known.segments:
            lines = self._folder.segments.read(segment)
            left = [line for line in lines if state_of(line).id not in gone]
            if left:
                new = segment if len(left) == len(lines) else self._folder.segments.write(left)
                kept.add(new, [state_of(line) for line in left])
        self._known = kept

    def _changed_lines(self, reader: TableReader, versions: Mapping[str, int]) -> Iterator[bytes]:
        """Yield the states that no segment holds, oldest arrival first."""
        known, seen = self._known.states, self._last.table_version
        # A memory that was set back has an earlier version than the state that we know.
        changed = [
            id_
            for id_, version in versions.items()
            if id_ not in known or version > seen or version < known[id_].version
        ]
        for rows in reader.records_in_arrow(sorted(changed)):
            for line in lines_of(rows.sort_by("id")):
                state = state_of(line)
                if state.id not in known or known[state.id].digest != state.digest:
                    yield line

    def _write(self, lines: list[bytes]) -> None:
        segment = self._folder.segments.write(lines)
        self._known.add(segment, [state_of(line) for line in lines])
        self._written += len(lines)

    def _files(self) -> tuple[Segment, ...]:
        lines = list(lines_of_files(self._store.paths))
        if not lines:
            return ()
        if len(self._last.files) == 1:
            try:
                if self._folder.segments.read(self._last.files[0]) == lines:
                    return self._last.files
            except DamagedSegment as exc:
                self._known.faults.append(str(exc))
        return (self._folder.segments.write(lines, KIND),)

    def _free_name(self, now: datetime) -> str:
        taken = {point.name for point in self._listing.points}
        taken |= {path.stem for path in self._listing.damaged}
        name, again = point_name(now), 1
        while name in taken:
            again += 1
            name = f"{point_name(now)}-{again}"
        return name
