"""What became of memories after a backup, so that a restore brings back nothing that was to go.

Three sources, each of which may be lost: newer backups, the present table, and the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from ..base.clock import parse_time
from ..base.ledger import Ledger
from ..base.paths import StorePaths
from ..errors import InvalidInput, StoreFault, StoreUnavailable
from ..store.erasures import Erasures
from ..store.record import Record
from ..store.record_rows import from_table
from ..store.salvage import Salvage
from ..store.table import Store
from .reading import Backup

_MAX_EVENTS: Final = 100_000
_SCRUB_MARK: Final = "[redacted:scrub]"


@dataclass(slots=True)
class Counts:
    """How many memories are not as they were in the backup.

    Attributes:
        forgotten: Were forgotten since, and stay so.
        superseded: Were superseded since, and stay so.
        removed: Were purged, or hold words that were scrubbed, and do not come back.
        cleaned: Come with the text that a scrub left.
        successors: Are newer than the backup, and say what holds instead of one that is in it.
        lost: Ids of such that nobody has any more.
    """

    forgotten: int = 0
    superseded: int = 0
    removed: int = 0
    cleaned: int = 0
    successors: int = 0
    lost: list[str] = field(default_factory=list[str])


class Since:
    """What is known of the time after a backup.

    Attributes:
        counts: Of what `applied` changed so far.
    """

    def __init__(self, backup: Backup, later: dict[str, Record], paths: StorePaths) -> None:
        """Take the later states over, and read the ledger and the list of what was purged.

        Args:
            backup: The backup.
            later: The latest state of each memory that was changed since, by id.
            paths: The store's.
        """
        self.counts = Counts()
        self._later = later
        self._hidden: dict[str, datetime] = {}
        self._ended: dict[str, tuple[datetime, str]] = {}
        self._successors = set[str]()
        self._purged = set[str]()
        self._scrubbed = set[str]()
        with suppress(StoreUnavailable):  # it is damaged; the ledger tells of the newest, too
            self._purged |= Erasures(paths).now().purged
        for at, event in _events_since(Ledger(paths), backup.when):
            self._note(at, event)

    def applied(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the backup's records as they are to be restored, then what superseded them."""
        wanted, given = set[str](), set[str]()
        for record in records:
            restored = self._restored(record)
            if restored is not None:
                given.add(restored.id)
                if restored.superseded_by is not None:
                    wanted.add(restored.superseded_by)
                yield restored
        while wanted := {id_ for id_ in wanted if id_ in self._later and id_ not in given}:
            for id_ in sorted(wanted):
                given.add(id_)
                self.counts.successors += 1
                yield self._later[id_]
            wanted = {self._later[id_].superseded_by or "" for id_ in wanted}
        self.counts.lost = sorted(self._successors - given)

    def _restored(self, record: Record) -> Record | None:
        later = self._later.get(record.id)
        unclean = record.id in self._scrubbed and later is None and not _is_clean(record)
        if record.id in self._purged or unclean:
            self.counts.removed += 1
            return None
        if later is not None and later.text != record.text:
            self.counts.cleaned += 1  # a text never changes otherwise
            return later
        if record.is_live() and not _is_live(later, record):
            self.counts.forgotten += 1
            return later
        if record.is_live() and later is None and record.id in self._hidden:
            self.counts.forgotten += 1
            at = self._hidden[record.id]
            return record.changed(at, tombstoned_at=at)
        return self._ended_since(record, later)

    def _ended_since(self, record: Record, later: Record | None) -> Record:
        if not record.is_current():
            return record
        if later is not None and not later.is_current():
            self.counts.superseded += 1
            self._successors.add(later.superseded_by or "")
            return later
        if later is None and record.id in self._ended:
            self.counts.superseded += 1
            at, new = self._ended[record.id]
            self._successors.add(new)
            return record.changed(at, valid_to=max(at, record.valid_from), superseded_by=new)
        return record

    def _note(self, at: datetime, event: dict[str, Any]) -> None:
        ids = [str(id_) for id_ in event.get("ids") or ()]
        match event.get("event"):
            case "forgotten":
                self._hidden.update(dict.fromkeys(ids, at))
            case "superseded":
                self._ended[str(event.get("old_id"))] = at, str(event.get("new_id"))
            case "restored":
                for id_ in ids:
                    self._hidden.pop(id_, None)
                    self._ended.pop(id_, None)
            case "purged":
                self._purged.update(ids)
            case "scrubbed":
                self._scrubbed.update(ids)
            case _:
                pass


def later_states(
    backup: Backup, newer: Iterable[Backup], paths: StorePaths, store: Store | None
) -> dict[str, Record]:
    """Return the latest state of each memory that was changed after the backup, by id.

    Of a damaged table what can be read of it; nothing of one that is gone.

    Args:
        backup: The backup.
        newer: The backups after it, oldest first.
        paths: The store's.
        store: Its table; None of one that is gone or cannot be opened.
    """
    found: dict[str, Record] = {}
    sources = [*(one.rows() for one in newer)]
    for rows in sources:
        found |= {row.record.id: row.record for row in rows if _is_after(row.record, backup)}
    for record in _present(paths, store):
        if _is_after(record, backup):
            found[record.id] = replace(record, embedder=None)
    return found


def _is_clean(record: Record) -> bool:
    """Return whether a scrub has been at the record in the backup, which may have been away."""
    names = ("text", "session_id", "turn_id", "project", "cwd", "host")
    values = [str(getattr(record, name)) for name in names]
    return any(_SCRUB_MARK in value for value in (*values, *record.tags, *record.changed_files))


def _is_live(later: Record | None, record: Record) -> bool:
    return (later or record).is_live()


def _is_after(record: Record, backup: Backup) -> bool:
    return record.table_version > backup.table_version


def _present(paths: StorePaths, store: Store | None) -> Iterator[Record]:
    if store is not None:
        try:
            reader = store.latest  # a pinned one would bar the new table while it is referred to
            for rows in reader.records_in_arrow(reader.ids()):
                yield from from_table(rows)
        except StoreFault:
            store = None
    if store is None and paths.table.is_dir():
        for row in Salvage(paths).rows():
            yield row.record


def _events_since(ledger: Ledger, when: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """Return the events of the time after `when`, oldest first."""
    found: list[tuple[datetime, dict[str, Any]]] = []
    for event in ledger.newest(_MAX_EVENTS):
        try:
            at = parse_time(str(event.get("at")), "at")
        except InvalidInput:
            continue  # somebody else wrote it
        if at >= when:
            found.append((at, event))
    return found[::-1]
