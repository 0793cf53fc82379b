"""The one table of a store: hands out readers and the writer, and keeps the table compact."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lancedb.table import LanceTable

from ..base.clock import utc_now
from ..base.files import make_private_folder
from ..base.fsync import SyncedFolder
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..errors import StoreBusy, StoreMismatch, StoreUnavailable
from ..projects.alias_file import AliasFile
from ..projects.names import ProjectNames
from .compaction import compact, compacted_version, is_due
from .connection import CACHE_BYTES, WRITE_TIMEOUT_SEC, Connection, write_lock
from .erasures import Erasures
from .exchange import settle_replacement
from .file_digests import FileDigests
from .filter import Filter
from .forgotten_texts import ForgottenTexts
from .index_mending import IndexMending
from .indexes import (
    create_all_indexes,
    create_text_index,
    drop_damaged_indexes,
    has_text_index,
    merge_index_parts,
)
from .key_filter import KeyFilter
from .known import KnownMemory
from .known_index import KnownIndex
from .lance_errors import retried, translated
from .late_times import ordered
from .loss import TableWatch
from .migrations import embedder_of
from .plausible_times import MAX_AHEAD
from .read_lock import ReadLock
from .reader import TableReader
from .record import Record
from .schema import EMBEDDER_FIELD_KEY
from .snapshot.manager import may_fit
from .snapshot.reader import SnapshotReader
from .sql import sql_time
from .statistics import StatisticsByProject, TableStatistics, Tally, total_statistics
from .statistics_cache import CommitDelta, StatisticsCache, statistics_of
from .store_identity import expect_rows, note_identity, store_id_of
from .writer import ChangeGroup, NewestRow, Writer

if TYPE_CHECKING:
    from .missing_tokens import MadeTokens
    from .settled_times import SettledTimes

KEEP_VERSIONS: Final = timedelta(minutes=10)
"""Minimum time for which a reader of an old version keeps it."""

_WAIT_FOR_READERS_SEC: Final = 1.0
_WAIT_TO_MEND_SEC: Final = 1.0  # an answer waits


class Store:
    """The table of one store folder.

    Reads go to the latest version, whoever committed it. Writes run under one OS lock for all
    processes, because LanceDB alone inserts the same new key twice when two processes check for it
    at once. Opening narrows the process's umask to 077: LanceDB offers no mode for its files.

    Raises:
        StoreLost: There was a table, and it is gone, emptied, set back or another one.
        StoreUnavailable: The folder or the table cannot be opened.
        StoreMismatch: Another schema version or another embedder wrote the table.
    """

    def __init__(
        self,
        paths: StorePaths,
        *,
        embedder: str,
        dimension: int,
        budget: int,
        check: bool = True,
        snapshot_bytes: int = 0,
        known_id: str | None = None,
        elsewhere: Callable[[], list[str]] = list,
    ) -> None:
        """Open the table, or create it.

        Args:
            paths: The store's folder.
            embedder: Key of the embedder whose vectors this table holds.
            dimension: Length of those vectors.
            budget: Commits after which `compaction_is_due`.
            check: False opens a table of another generation, to re-embed it.
            snapshot_bytes: Memory for a snapshot of the table. A table that needs more has as much
                for LanceDB's index pages instead.
            known_id: That of the store which this process opened there before, see `id`: then
                nothing is created, and another store is refused.
            elsewhere: See `TableWatch`.
        """
        os.umask(os.umask(0o077) | 0o077)
        self.paths = paths
        self._budget = budget
        self._newest: NewestRow | None = None
        self._first_ingested: tuple[int, datetime | None] | None = None
        self._settled_times: tuple[int, SettledTimes | None] | None = None
        self._statistics = StatisticsCache()
        self._projects: tuple[tuple[str, int], set[str]] | None = None
        self._embedder: tuple[str, str] | None = None
        self._key_filter = KeyFilter()
        self._known = KnownIndex()
        self._forgotten = ForgottenTexts()
        self._mending = IndexMending(self._mend_quickly)
        self.aliases = AliasFile(paths)
        self.erasures = Erasures(paths)
        self._watch = TableWatch(paths, elsewhere)
        settle_replacement(paths)
        with translated(f"opening the store {paths.root}"):
            self._watch.require_not_lost(known_id)
        make_private_folder(paths.root)
        self._read_lock = ReadLock(paths.lock("reading"))
        with translated(f"opening the store {paths.root}"):
            self._connection = Connection(paths, self._watch)
            self._files = SyncedFolder(paths.table)
            self._digests = FileDigests(paths.database, paths.table)
            table = self._connection.open_or_create(embedder, dimension, check=check)
            if snapshot_bytes > CACHE_BYTES and not may_fit(table.count_rows(), snapshot_bytes):
                # The memory that no snapshot takes caches LanceDB's index pages.
                self._connection.set_index_cache(snapshot_bytes)
                table = self._connection.open()
            self._table = table
        self.latest = SnapshotReader(
            self._table,
            self._read_lock,
            self._connection.versions_stat,
            max_bytes=snapshot_bytes,
            mend=self._mended,
        )
        self._watch.note_opened(self.id)
        self.mend_times()

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

    def by_keys(self, keys: Sequence[str]) -> dict[str, list[KnownMemory]]:
        """Return the memories with these idempotency keys, by key, forgotten ones included."""
        if not keys:
            return {}
        possible = self._key_filter.possible_keys(keys, self.latest, self._inode)
        return self._known.known(possible, self.latest, self._inode()) if possible else {}

    def forgotten_texts(self) -> Mapping[bytes, set[str]]:
        """Return the ids of forgotten memories by the digest of what they say, `copy_digest`."""
        return self._forgotten.by_digest(self.latest, self._inode(), self.project_names)

    def first_ingested_at(self) -> datetime | None:
        """Return when the first record arrived; None while there is none. Read once a version."""
        version = self.version
        if self._first_ingested is None or self._first_ingested[0] != version:
            self._first_ingested = (version, self.latest.first_ingested_at())
        return self._first_ingested[1]

    def settled_times(self) -> SettledTimes | None:
        """Return what bounds times that wrong clocks said; None where none did, or ours is wrong.

        Costs a scan of five columns of numbers, once a version.
        """
        version = self.version
        if self._settled_times is None or self._settled_times[0] != version:
            from .settled_times import SettledTimes  # few stores need it

            found = SettledTimes.of(self.latest.commit_times(), utc_now())
            self._settled_times = (version, found)
        return self._settled_times[1]

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

    def projects(self) -> Collection[str | None]:
        """Return the projects of all records, forgotten ones included, as they were stored.

        Reads one column where the statistics of the latest version are not known.
        """
        stamp = self.stamp
        version = self.version
        known = self._statistics.known(version, stamp)
        if known is not None:
            return known.keys()
        if self._projects is None or self._projects[0] != (stamp, version):
            self._projects = (stamp, version), self.latest.names("project", forgotten=True)
        return self._projects[1]

    def tally(self, where: Filter) -> Tally:
        """Count the records that pass; with `as_of` it may count too many.

        Without a snapshot, of a filter of projects alone from the statistics, where they are known:
        a count by the table costs a millisecond or two.
        """
        of_projects = Filter(
            project=where.project,
            same_project=where.same_project,
            or_no_project=where.or_no_project,
            include_superseded=True,
        )
        known = None
        if where == of_projects and not self.latest.is_in_memory:
            # The stamp first: what is committed in between must not pass for known.
            stamp = self.stamp
            known = self._statistics.known(self.version, stamp)
        if known is None:
            return self.latest.tally(where)
        none = (None,) if where.or_no_project else ()
        names = known if where.project is None else {*where.project_names, *none}
        parts = [known[name] for name in names if name in known]
        return Tally(
            sum(part.total - part.tombstoned - part.folded for part in parts),
            sum(part.pending for part in parts),
        )

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

    def set_embedder(self, embedder: str) -> None:
        """Declare whose vectors the table holds from now on; the caller made all others pending.

        Runs under the caller's write lock.
        """
        with translated("changing the table's schema"):
            self._table.update_field_metadata(
                {"path": "vector", "metadata": {EMBEDDER_FIELD_KEY: embedder}}
            )

    def rebuild_indexes(self) -> None:
        """Make every index anew, so that no word or name that was removed stays in one.

        Runs under the caller's write lock; 6 s for 100,000 records.
        """
        with translated("building the indexes"):
            create_all_indexes(self._table)

    def compaction_is_due(self) -> bool:
        """Return whether more commits came since the last compaction than the budget allows."""
        return is_due(self.paths, self.version, self._budget)

    def commits_since_compaction(self) -> int:
        """Return the number of versions since the last compaction."""
        return max(0, self.version - compacted_version(self.paths))

    def compact(self, *, keep: timedelta) -> None:
        """Merge small files, bring the indexes up to date and drop old versions.

        Where nobody reads, or stops within a second, only the latest version is left. Else those
        stay that were replaced less than `keep` ago, in whichever process somebody reads.

        Runs under the write lock: beside writers LanceDB's compaction often loses its turn.

        Args:
            keep: Zero leaves only the latest version, even while somebody reads another.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreUnavailable: The table could not be written.
        """
        try:
            self._compact(keep)
        except StoreUnavailable:
            if not self._mended():
                raise
            self._compact(keep)

    def _compact(self, keep: timedelta) -> None:
        with write_lock(self.paths):
            with translated("reading the latest version"):
                self._to_latest()
                before = self._table.version
            retried(
                "compacting the store",
                lambda: compact(self._table, self.paths, keep, self._sync, self._readers_are_gone),
                self._table.checkout_latest,
            )
            self._digests.forget_removed()
            with translated("reading the latest version"):
                self._rewritten(before, self._table.version)

    def merge_again(self, files: Collection[str]) -> bool:
        """Merge data files that hold rows which were replaced; return whether any of them went.

        LanceDB merges what lies side by side, so one row of each is written as it is into a new
        file beside it.

        Args:
            files: Names of files in the table's folder of data.

        Raises:
            StoreFault: The table could not be written.
        """
        before = {path.name for path in self.paths.table.glob("data/*")} & {*files}
        with self.writing(shown=False) as writer:
            ids = writer.reader.ids()
            writer.update(writer.reader.rows(ids[:1]), writer.now())
        self.compact(keep=timedelta(0))
        return bool(before - {path.name for path in self.paths.table.glob("data/*")})

    def merge_index_parts(self, max_parts: int) -> None:
        """Build each index of vectors anew that has come to more than `max_parts` parts.

        Runs under the write lock, for some 6 s with 100,000 records, so only while nobody writes.
        """
        with self._rewriting("building the indexes of vectors") as table:
            merge_index_parts(table, max_parts)

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

    def count_missing_digests(self) -> int:
        """Return how many rows an earlier version wrote, without their digests."""
        from .missing_digests import count_missing_digests

        with translated("counting rows without a digest"):
            self._to_latest()
            return count_missing_digests(self._table)

    def give_digests(self, limit: int) -> int:
        """Give up to `limit` rows that have none their digest; return how many.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreUnavailable: The rows cannot be read or written.
        """
        from .missing_digests import give_digests

        with self._rewriting("giving rows their digests") as table:
            return give_digests(table, limit)

    def give_tokens(self, made: Mapping[str, MadeTokens], token_key: str) -> int:
        """Give rows token vectors by their ids; return how many.

        Args:
            made: For each row the text that they were made of, and the vectors.
            token_key: Of their model.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreMismatch: The store holds another model's vectors by now.
            StoreUnavailable: The rows cannot be read or written.
        """
        from .missing_tokens import give_tokens

        with self._rewriting("giving rows their token vectors") as table:
            if not token_key.startswith(f"{embedder_of(table)}/"):
                raise StoreMismatch(
                    f"the store holds vectors of {embedder_of(table)} by now, and this process "
                    f"made token vectors of {token_key}: start it again"
                )
            return give_tokens(table, made)

    def release(self) -> None:
        """Free the memory of the snapshot and of known keys until their next use."""
        self.latest.release()
        self._known.release()

    def mend_times(self) -> bool:
        """Order by their arrival what was stored with times that lie far ahead; return if any was.

        That is what earlier versions stored as it was told, and what came by a clock that ran
        ahead, once something followed it. Costs a look at one column. A clock here that was set
        back changes nothing by itself: what was stored before it, and what came later by another
        clock, are compared with.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
        """
        late = f"created_at > {sql_time(utc_now() + MAX_AHEAD)}"
        try:
            with translated("reading times"), self._read_lock.shared():
                found = self._table.count_rows(late)
        except StoreUnavailable:
            return False  # a damaged file must not close the store; whoever reads it is told
        if not found or not self._connection.is_writable():
            return False
        if not ordered(self.latest.rows_where(late), self.settled_times()):
            return False
        with self.writing() as writer:
            rows = ordered(writer.reader.rows_where(late), self.settled_times())
            writer.update(rows, writer.now())
        return True

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

    def _readers_are_gone(self) -> bool:
        return self._read_lock.wait_for_readers(_WAIT_FOR_READERS_SEC)

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
