"""Backups are written anew where something has to leave them for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base.locks import held
from ..base.paths import StorePaths
from ..errors import BackupFault
from ..settings import Settings
from ..store.record import Record
from .folder import BackupFolder
from .place import folder_at, folder_of, keep_sealing, last_backups, require_no_copy, require_own
from .point import Point
from .segment import ClosedSegment, DamagedSegment, Segment
from .small_files import KIND, with_content
from .state_line import line_of, record_of
from .tidying import remove_unneeded

_WAIT_SEC = 60.0


@dataclass(slots=True)
class Rewritten:
    """What became of the backups.

    Attributes:
        states: Number of states that were changed or removed.
        removed: Segments that were damaged, so that nobody knows what is in them; they are gone.
        faults: A sentence for each folder that could not be reached or written, and each segment
            that no key at hand opens or that is damaged. What was to leave may still be there.
    """

    states: int = 0
    removed: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])


def rewrite_backups(
    paths: StorePaths,
    settings: Settings,
    change: Callable[[Record], Record | None],
    clean: Callable[[str], str],
    *,
    remove_damaged: bool = False,
) -> Rewritten:
    """Let every state of every memory, in every backup of this store, pass `change`.

    Goes over each folder that the store has backups in. Costs reading all of it; only segments with
    something that changes are written. Killed at any time, another call does the rest.

    Args:
        paths: The store's.
        settings: They say where its backups are.
        change: Returns the record as it is to be; the same object where nothing changes, None for
            one that is to go.
        clean: The same for the text of the small files beside the memories.
        remove_damaged: Whether damaged segments go; nobody knows what is in them.

    Raises:
        StoreBusy: Another process takes a backup for longer than a minute.
    """
    done = Rewritten()
    with held(paths.lock("backup"), timeout=_WAIT_SEC):
        known = {path for path, last in last_backups(paths).items() if last.when is not None}
        for path in sorted(known | {str(folder_of(paths, settings).path)}):
            folder = folder_at(Path(path), paths, settings)
            try:
                owner = require_own(folder, paths)
                if owner is not None:
                    require_no_copy(folder, owner, paths)
                    keep_sealing(folder, owner)
                    _Rewriting(folder, change, clean, done, remove_damaged=remove_damaged).run()
                elif path in known:
                    raise BackupFault(f"{path} is out of reach: mount its disk")  # noqa: TRY301
            except BackupFault as exc:
                done.faults.append(str(exc))
    return done


def seal_backups(folder: BackupFolder) -> None:
    """Seal everything in the folder for the recipient of the keys, under the lock of the backups.

    What no key opens stays as it is: it is sealed.

    Raises:
        BackupFault: The folder cannot be read or written.
    """
    _Rewriting(
        folder, lambda record: record, str, Rewritten(), anew=True, remove_damaged=True
    ).run()


class _Rewriting:
    """The rewriting of one folder."""

    def __init__(
        self,
        folder: BackupFolder,
        change: Callable[[Record], Record | None],
        clean: Callable[[str], str],
        done: Rewritten,
        *,
        anew: bool = False,
        remove_damaged: bool = False,
    ) -> None:
        self._folder = folder
        self._change = change
        self._clean = clean
        self._done = done
        self._anew = anew
        self._remove_damaged = remove_damaged
        self._gone: dict[str, set[str]] = {}
        self._new: dict[str, tuple[Segment, ...]] = {}

    def run(self) -> None:
        folder, listing = self._folder, self._folder.listing()
        # What was written of a backup that is not whole is written again.
        folder.drop_unfinished()
        points = [self._rewritten(point) for point in listing.points]
        for before, after in zip(listing.points, points, strict=True):
            if after != before:
                folder.replace(after)
        remove_unneeded(folder, points)

    def _rewritten(self, point: Point) -> Point:
        segments = [new for part in point.segments for new in self._replaced(part, self._states)]
        files = [new for part in point.files for new in self._replaced(part, self._files)]
        gone = set[str]().union(*(self._gone.get(part.name, ()) for part in point.segments))
        return replace(
            point,
            segments=tuple(segments),
            files=tuple(files),
            count=point.count - len(gone),
        )

    def _replaced(
        self, part: Segment, changed: Callable[[Segment, Sequence[bytes]], tuple[Segment, ...]]
    ) -> tuple[Segment, ...]:
        """Return what takes the place of a segment, which backups share."""
        if part.name not in self._new:
            try:
                lines = self._folder.segments.read(part)
                self._new[part.name] = changed(part, lines)
            except DamagedSegment as exc:
                gone = self._remove_damaged and not isinstance(exc, ClosedSegment)
                (self._done.removed if gone else self._done.faults).append(str(exc))
                self._new[part.name] = () if gone else (part,)
        return self._new[part.name]

    def _states(self, part: Segment, lines: Sequence[bytes]) -> tuple[Segment, ...]:
        new: list[bytes] = []
        changed = 0
        for line in lines:
            record = record_of(line)
            after = self._change(record)
            changed += after is not record
            if after is None:
                self._gone.setdefault(part.name, set()).add(record.id)
            else:
                new.append(line if after is record else line_of(after))
        self._done.states += changed
        if not changed and not self._anew:
            return (part,)
        return (self._folder.segments.write(new),) if new else ()

    def _files(self, part: Segment, lines: Sequence[bytes]) -> tuple[Segment, ...]:
        new = [with_content(line, self._clean) for line in lines]
        if new == list(lines) and not self._anew:
            return (part,)
        return (self._folder.segments.write(new, KIND),)
