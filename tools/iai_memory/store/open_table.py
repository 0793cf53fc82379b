"""The opened table of a store: its readers, its writer, and what is noted of each commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final

from lancedb.table import LanceTable

from ..base.files import make_private_folder
from ..base.fsync import SyncedFolder
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..errors import StoreBusy, StoreUnavailable
from ..projects.alias_file import AliasFile
from ..projects.names import ProjectNames
from .connection import CACHE_BYTES, WRITE_TIMEOUT_SEC, Connection, write_lock
from .erasures import Erasures
from .exchange import settle_replacement
from .file_digests import FileDigests
from .index_mending import IndexMending
from .indexes import create_text_index, drop_damaged_indexes, has_text_index
from .key_filter import KeyFilter
from .lance_errors import translated
from .loss import TableWatch
from .migrations import embedder_of
from .read_lock import ReadLock
from .reader import TableReader
from .record import Record
from .snapshot.manager import may_fit
from .snapshot.reader import SnapshotReader
from .statistics import StatisticsByProject, TableStatistics, total_statistics
from .statistics_cache import CommitDelta, StatisticsCache, statistics_of
from .store_identity import expect_rows, note_identity, store_id_of
from .writer import ChangeGroup, NewestRow, Writer

_WAIT_TO_MEND_SEC: Final = 1.0  # an answer waits


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """How a table is opened.

    Attributes:
        embedder: Key of the embedder whose vectors this table holds.
        dimension: Length of those vectors.
        budget: Commits after which a compaction is due.
        check: False opens a table of another generation, to re-embed it.
        snapshot_bytes: Memory for a snapshot of the table. A table that needs more has as much for
            LanceDB's index pages instead.
        known_id: That of the store which this process opened there before, see `OpenTable.id`: then
            nothing is created, and another store is refused.
        elsewhere: See `TableWatch`.
    """

    embedder: str
    dimension: int
    budget: int
    check: bool = True
    snapshot_bytes: int = 0
    known_id: str | None = None
    elsewhere: Callable[[], list[str]] = list


class OpenTable:
    """The opened table of one store folder.

    Reads go to the latest version, whoever committed it. Writes run under one OS lock for all
    processes, because LanceDB alone inserts the same new key twice when two processes check for it
    at once. Opening narrows the process's umask to 077: LanceDB offers no mode for its files.

    Raises:
        StoreLost: There was a table, and it is gone, emptied, set back or another one.
        StoreUnavailable: The folder or the table cannot be opened.
        StoreMismatch: Another schema version or another embedder wrote the table.
    """

    def __init__(self, paths: StorePaths, opening: Opening) -> None:
        """Open the table in the store's folder, or create it."""
        os.umask(os.umask(0o077) | 0o077)
        self.paths = paths
        self._budget = opening.budget
        self._newest: NewestRow | None = None
        self._statistics = StatisticsCache()
        self._embedder: tuple[str, str] | None = None
        self._key_filter = KeyFilter()
        self._mending = IndexMending(self._mend_quickly)
        self.aliases = AliasFile(paths)
        self.erasures = Erasures(paths)
        self._watch = TableWatch(paths, opening.elsewhere)
        settle_replacement(paths)
        with translated(f"opening the store {paths.root}"):
            self._watch.require_not_lost(opening.known_id)
        make_private_folder(paths.root)
        self._read_lock = ReadLock(paths.lock("reading"))
        with translated(f"opening the store {paths.root}"):
            self._connection = Connection(paths, self._watch)
            self._files = SyncedFolder(paths.table)
            self._digests = FileDigests(paths.database, paths.table)
            self._table = self._opened(opening)
        self.latest = SnapshotReader(
            self._table,
            self._read_lock,
            self._connection.versions_stat,
            max_bytes=opening.snapshot_bytes,
            mend=self._mended,
        )
        self._watch.note_opened(self.id)

    def _opened(self, how: Opening) -> LanceTable:
        table = self._connection.open_or_create(how.embedder, how.dimension, check=how.check)
        if how.snapshot_bytes <= CACHE_BYTES or may_fit(table.count_rows(), how.snapshot_bytes):
            return table
        # The memory that no snapshot takes caches LanceDB's index pages.
        self._connection.set_index_cache(how.snapshot_bytes)
        return self._connection.open()

    @property
    def id(self) -> str:
        """The store's UUID; "" where it has none, as one of earlier versions that is read-only."""
        identity = self._connection.identity
        return identity.id if identity else store_id_of(self._table) or ""

    @property
    def embedder(self) -> str:
        """Key of the embedder whose vectors the table holds now; costs one `stat` a call, and a
        third of a millisecond after a commit.

        Raises:
            StoreUnavailable: The table is gone.
        """
        stamp = self.stamp
        if self._embedder is None or self._embedder[0] != stamp:
            with translated("reading the table's schema"):
                self._embedder = stamp, embedder_of(self._table)
        return self._embedder[1]

    def is_in_place(self) -> bool:
        """Return whether the table lies where it was opened; costs microseconds."""
        return self._watch.is_in_place()

    @property
    def version(self) -> int:
        """The table's latest version; any commit of any process advances it."""
        return self.latest.version

    @property
    def project_names(self) -> ProjectNames:
        """Which names are names of one project now; costs one `stat`."""
        return self.aliases.names()

    @property
    def stamp(self) -> str:
        """A value that changes with every commit, and when another table takes this one's place.

        Read it before the version: if it is unchanged afterwards, no commit happened in between.
        Costs one `stat`.

        Raises:
            StoreUnavailable: The table is gone.
        """
        return "{}-{}".format(*self._connection.versions_stat())

    def change_token(self) -> int:
        """Return a number that changes with every commit of any process; costs one `stat`.

        It may also move without a commit, and may not move for a second commit within one tick of
        the file system's clock. So it comes on top of regular looks, never in their place.
        """
        return self._connection.change_token()

    def pinned_reader(self) -> TableReader:
        """Return a reader pinned to the version that is the latest now.

        As long as it is referred to, compactions leave its version alone, see `compact`.

        Raises:
            StoreUnavailable: Also later, from its reads, once that version was dropped.
        """
        with translated("pinning a version"), self._read_lock.shared():
            table = self._connection.open()
            table.checkout(table.version)
            reader = TableReader(table, self._read_lock, follow_latest=False)
            self._read_lock.share_until_gone(reader)
        return reader

    def statistics(self) -> TableStatistics:
        """Return statistics of the whole table at its latest version."""
        return total_statistics(self.statistics_by_project(self.latest, self.stamp).values())

    def statistics_by_project(self, reader: TableReader, stamp: str) -> StatisticsByProject:
        """Return statistics of each project in the reader's version; see `statistics_cache`.

        Args:
            reader: One of this store's.
            stamp: The table's, read before the reader was pinned.
        """
        return self._statistics.by_project(reader, stamp)

    @contextmanager
    def writing(self, *, shown: bool = True, group: ChangeGroup | None = None) -> Generator[Writer]:
        """Hold the write lock for the block, so that nothing changes between a read and a commit.

        Args:
            shown: Whether a session-start page may show the change: then each commit first marks
                the pages as behind. Vectors are not shown.
            group: The change that the commits are part of; None makes each a change of its own.

        Raises:
            StoreBusy: Another process kept the lock for a minute; or an index was damaged, which
                is mended by now.
        """
        try:
            with self._writing(shown, group) as writer:
                yield writer
        except StoreUnavailable as exc:
            if self._mended():
                raise StoreBusy("an index was damaged, and it is mended: try again") from exc
            raise

    @contextmanager
    def _writing(self, shown: bool, group: ChangeGroup | None) -> Generator[Writer]:
        with write_lock(self.paths):
            with translated("reading the latest version"):
                self._to_latest()
                self._connection.adopt_for_writing(self._table)
            writer = Writer(
                self.latest,
                self._table,
                self._newest_row(),
                self._committed,
                lambda: page_change(self.paths) if shown else nullcontext(),
                self._about_to_remove,
                group,
            )
            try:
                with self._mending.put_off():
                    yield writer
            finally:
                self._newest = writer.newest

    def mend_indexes(self, *, wait_sec: float = WRITE_TIMEOUT_SEC) -> list[str]:
        """Drop the indexes that are damaged, and build that of words anew; return their names.

        The others, which only large tables need, the next compaction builds.

        Args:
            wait_sec: How long to wait for the write lock.

        Raises:
            StoreBusy: Another process kept the write lock for longer.
            StoreUnavailable: The table cannot be written.
        """
        from .table_files import changed_indexes

        with self._rewriting("mending the indexes", wait_sec) as table:
            changed = changed_indexes(self.paths.table, self._digests)
            damaged = drop_damaged_indexes(table, changed)
            if not has_text_index(table):
                create_text_index(table)
        if damaged:
            Ledger(self.paths).write("indexes_mended", indexes=damaged)
        return damaged

    def _mended(self) -> bool:
        """Return whether work that failed may succeed now.

        Raises:
            StoreLost: It failed because the table is gone.
        """
        mended = self._mending.mended()
        if not mended:
            self._watch.require_table()
        return mended

    def _mend_quickly(self) -> bool:
        if settle_replacement(self.paths, wait_sec=_WAIT_TO_MEND_SEC):
            return True
        return self._connection.is_writable() and bool(
            self.mend_indexes(wait_sec=_WAIT_TO_MEND_SEC)
        )

    def _inode(self) -> int:
        return self._connection.versions_stat()[0]

    @contextmanager
    def _rewriting(self, what: str, wait_sec: float = WRITE_TIMEOUT_SEC) -> Generator[LanceTable]:
        """Give the latest version to work that changes files and no row of a memory.

        Under the write lock. What it wrote is synced, and noted where that is no damage.

        Args:
            what: The work, for an error.
            wait_sec: How long to wait for the lock.
        """
        with held(self.paths.lock("write"), timeout=wait_sec), translated(what):
            self._to_latest()
            before = self._table.version
            yield self._table
            self._sync()
            self._rewritten(before, self._table.version)

    def _committed(self, before: int, after: int, added: Sequence[Record] | None) -> None:
        """Sync a commit, under the write lock; it is acknowledged when this returns."""
        self._sync()
        # Where somebody without our lock committed in between, ours is a later version, and no
        # delta leads up to that one.
        alone = after == before + 1
        self._note(before, after, len(added) if added is not None and alone else None)
        if added is not None:
            self._appended(before, before + 1, added)

    def _about_to_remove(self, count: int) -> None:
        expect_rows(self.paths, self._table.count_rows() - count)

    def _sync(self) -> None:
        """Bring every file to the disk, and note the digests of those that are new."""
        self._digests.note(self._files.sync())

    def _rewritten(self, before: int, after: int) -> None:
        """Note that files were rewritten under the write lock and no row was changed."""
        self._note(before, after, 0)
        self._appended(before, after, ())
        if self._newest is not None and self._newest.version == before:
            self._newest = replace(self._newest, version=after)

    def _note(self, before: int, after: int, added: int | None) -> None:
        """Note in `store.json` what a commit left; costs microseconds where `added` is known.

        Args:
            before: The version that it was made on.
            after: The version that it made.
            added: Number of rows that came; None for an unknown one, which are counted.
        """
        known = self._connection.identity
        if known is None or (known.version == after and added is None):
            return
        exact = added is not None and known.version == before
        rows = known.rows + (added or 0) if exact else self._table.count_rows()
        self._connection.identity = replace(known, rows=rows, version=after)
        note_identity(self.paths, self._connection.identity)

    def _appended(self, before: int, after: int, records: Sequence[Record]) -> None:
        self._key_filter.advance(before, after, [record.idem for record in records])
        added = statistics_of(records)
        if added is not None:
            self._statistics.note(CommitDelta(before, after, self.stamp, added))

    def _newest_row(self) -> NewestRow:
        version = self._table.version
        if self._newest is not None and self._newest.version == version:
            return self._newest
        found = self.statistics()
        return NewestRow(version, found.max_id, found.content_version)

    def _to_latest(self) -> None:
        to_latest: Callable[[], None] = self._table.checkout_latest
        to_latest()
