"""The rows that a repair makes a new table of: the damaged one's, a backup's, and kept tables'.

Each memory comes once, in the newest state that can be read, and no state that the ledger knows to
be out of date goes in as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ..backup.reading import Backup
from ..base.paths import StorePaths
from ..errors import StoreMismatch
from ..projects.alias_file import AliasFile
from ..projects.names import ProjectNames
from ..store.erasures import Erasures
from ..store.exchange import kept_tables
from ..store.record import Record
from ..store.salvage import Salvage
from ..store.store_identity import read_identity, store_id_in
from ..store.vector_rows import Row
from .ledger_account import LedgerAccount
from .record_mending import DAMAGED, mended


@dataclass(slots=True)
class MergedRows:
    """The rows, and the account of them, which is complete when `rows` has ended.

    Attributes:
        paths: The store's.
        backup: The backup that has what the table lacks; None without any.
        account: Of the ledger.
        now: The time.
        salvage: What was read of the table.
        from_table: How many memories are the table's.
        from_backup: How many the backup's.
        from_kept: How many only a table has that an earlier repair replaced or made.
        came_since: How many of those the damaged table never had.
        pending: How many of all wait for their vectors.
        mended: Names of the fields that had a value that no iai-mcp wrote, by id.
        changed: Ids of memories whose text may not be what was said; they have the tag `damaged`.
        doubtful: Ids of memories with the right text, of which another field or a vector is not
            what was stored.
        older: Ids of memories of which only an older state could be read.
        brought_up: Ids of those whose older state the ledger made a hidden or a shown one.
        still_current: Ids of those that the ledger says were replaced, by what nobody has.
        given: Ids of all memories.
        linked: Ids that other memories name.
    """

    paths: StorePaths
    backup: Backup | None
    account: LedgerAccount
    now: datetime
    salvage: Salvage = field(init=False)
    from_table: int = 0
    from_backup: int = 0
    from_kept: int = 0
    came_since: int = 0
    pending: int = 0
    mended: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    changed: list[str] = field(default_factory=list[str])
    doubtful: list[str] = field(default_factory=list[str])
    older: list[str] = field(default_factory=list[str])
    brought_up: list[str] = field(default_factory=list[str])
    still_current: list[str] = field(default_factory=list[str])
    given: set[str] = field(default_factory=set[str])
    linked: set[str] = field(default_factory=set[str])
    _erasures: Erasures = field(init=False)
    _names: ProjectNames = field(init=False)
    _replaced: dict[str, Record] = field(default_factory=dict[str, Record])

    def __post_init__(self) -> None:
        """Begin with nothing read."""
        self.salvage = Salvage(self.paths, and_older=True)
        self._erasures = Erasures(self.paths)
        self._names = AliasFile(self.paths).names()

    def rows(self) -> Iterator[Row]:
        """Yield the rows, those of the table first.

        What stands in the table as current, though the ledger says that it was replaced, comes
        last: it stays current where its successor is lost.

        Raises:
            OSError: There is no room for a temporary folder.
            StoreMismatch: A later version of iai-mcp wrote the table.
            StoreUnavailable: What was purged cannot be read, so that it might come back.
        """
        waiting: list[Row] = []
        for row in self._all():
            if row.record.id in self._replaced:
                waiting.append(row)
            else:
                yield row
        for row in waiting:
            yield row if self._has_successor(row.record) else self._as_it_stood(row)

    def _all(self) -> Iterator[Row]:
        saved = self._saved_versions()
        for row in self.salvage.rows():
            stands = row.record.id not in self.salvage.older
            if self._is_to_be_taken(row.record, saved) and (
                fit := self._fit(self._as_read(row, self.salvage), stands=stands)
            ):
                self.from_table += 1
                yield fit
        for row in self.backup.rows() if self.backup else ():
            if row.record.id not in self.given and (fit := self._fit(row)):
                self.from_backup += 1
                yield fit
        for folder in kept_tables(self.paths):
            if folder.name in self.account.kept:
                with suppress(StoreMismatch):  # a later version's: this one may not read it
                    yield from self._only_in(folder)

    def _only_in(self, folder: Path) -> Iterator[Row]:
        """Yield what only a kept table has; nothing of another store's."""
        kept, since = Salvage(self.paths, folder), self.account.kept[folder.name]
        own = read_identity(self.paths)
        for row in kept.rows():
            if own is None or kept.schema is None or store_id_in(kept.schema) != own.id:
                return
            record = row.record
            # Else it may have been forgotten since, and nobody says so.
            if record.id in self.given or not self.account.reaches_back_to(record.updated_at):
                continue
            read = self._as_read(row, kept).record
            if fit := self._fit(Row(replace(read, embedder=None), None)):
                self.from_kept += 1
                came = record.arrived_at or record.created_at
                self.came_since += since is not None and came >= since
                yield fit

    def _has_successor(self, record: Record) -> bool:
        return record.superseded_by in self.given or record.superseded_by in self._purged

    def _as_it_stood(self, row: Row) -> Row:
        id_ = row.record.id
        self.brought_up.remove(id_)
        self.still_current.append(id_)
        return replace(row, record=mended(self._replaced[id_], self.now)[0])

    @property
    def missing_ids(self) -> list[str]:
        """Ids of memories that there were, and that none of the rows has."""
        known = {*self.salvage.missing_ids, *self.salvage.older, *self.account.named, *self.linked}
        return sorted(known - self.given - self._purged)

    @property
    def lost_hidden(self) -> set[str]:
        """Ids of memories that were forgotten or replaced, and of which nothing could be read."""
        return self.account.hidden - self.given - self._purged

    @property
    def _purged(self) -> set[str]:
        return self.account.purged | self._erasures.now().purged

    def _saved_versions(self) -> dict[str, int]:
        if self.backup is None:
            return {}
        return {row.record.id: row.record.table_version for row in self.backup.rows()}

    def _is_to_be_taken(self, record: Record, saved: dict[str, int]) -> bool:
        """Return whether the table's state of a memory is to be taken, and not the backup's."""
        read = self.salvage
        if record.id in saved:
            is_suspect = record.id in read.changed or record.id in read.doubtful
            return saved[record.id] < record.table_version + (not is_suspect)
        # It may have been forgotten since, if nobody says what became of it.
        return record.id not in read.older or self.account.reaches_back_to(record.updated_at)

    def _as_read(self, row: Row, salvage: Salvage) -> Row:
        """Return a row of a table with what has to be said of it."""
        record = row.record
        if record.id in salvage.older:
            self.older.append(record.id)
        if record.id in salvage.doubtful:
            self.doubtful.append(record.id)
        elif record.id in salvage.changed:
            self.changed.append(record.id)
            if DAMAGED not in record.tags:
                record = replace(record, tags=(*record.tags, DAMAGED))
        else:
            return row
        # Vectors are made of the text anew: they may be what is damaged.
        return Row(replace(record, embedder=None), None)

    def _fit(self, row: Row, *, stands: bool = False) -> Row | None:
        """Return the row as it goes into the new table; None for one that is gone for good.

        Args:
            row: In the state that was read.
            stands: Whether that is the table's present state, and no older one.
        """
        if self._erasures.holds(row.record, names=self._names):
            return None
        record = self.account.brought_up(row.record, self.now)
        if record is None:
            return None
        if record is not row.record:
            self.brought_up.append(record.id)
            if stands and record.superseded_by is not None and row.record.is_current():
                self._replaced[record.id] = row.record
        record, fields = mended(record, self.now)
        if fields:
            self.mended[record.id] = fields
        self.pending += record.embedder is None
        self.given.add(record.id)
        self.linked.update(record.derived_from)
        self.linked.update(id_ for id_ in (record.superseded_by, record.folded_into) if id_)
        return replace(row, record=record)
