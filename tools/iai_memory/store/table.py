"""The one table: opened or created, checked for its generation, written under a lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import lancedb
import pyarrow as pa
from lancedb.table import LanceTable
from uuid_utils import uuid7

from ..base.clock import utc_now
from ..base.files import make_private_folder
from ..base.fsync import SyncedFolder
from ..base.locks import held
from ..base.paths import StorePaths
from ..errors import StoreMismatch, StoreUnavailable
from .compaction import (
    compacted_version,
    create_size_indexes,
    create_text_index,
    due,
    has_text_index,
    merge_index_parts,
    optimize,
)
from .filter import sql_time
from .key_filter import KnownKeys
from .lance_errors import retried, translated
from .migrations import (
    SCHEMA_KEY,
    SCHEMA_VERSION,
    embedder_of,
    is_outdated,
    schema_version,
    upgrade,
)
from .read_lock import Readers
from .reader import Contents, TableReader, merge_contents
from .record import EMBEDDER_FIELD_KEY, Record, table_schema
from .snapshot.reader import CachedReader, may_fit
from .statistics_delta import OwnCommit, OwnCommits, Parts, added_by
from .vector_rows import VECTOR_COLUMNS, Row, to_arrow

TABLE_NAME = "memories"
WRITE_TIMEOUT_SEC = 60.0
_CACHE_BYTES = 32 << 20
# In 2.2, LanceDB's default, a column of one value is read whole: a hundred of 1,000,000 records
# take 15 ms there, and 9 here.
_NEW_TABLES = {"new_table_data_storage_version": "2.1"}
_READERS_LEAVE_WITHIN_SEC = 1.0
KEEP_VERSIONS = timedelta(minutes=10)
"""How long whoever goes on reading an old version has it at least."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """What the latest version's newest row says; known without asking while nobody else writes."""

    version: int
    id: str
    updated_at: datetime | None


class Store:
    """The table of one store folder.

    Reads go to the latest version, whoever committed it. Writes run under one OS lock for all
    processes, because LanceDB alone inserts the same new key twice when two processes check for it
    at once. Opening narrows the process's umask to 077: LanceDB offers no mode for its files.

    Raises:
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
        copy_bytes: int = 0,
    ) -> None:
        """Opens the table, or creates it.

        Args:
            paths: The store's folder.
            embedder: Key of the embedder whose vectors this table holds.
            dimension: Length of those vectors.
            budget: Commits after which `upkeep_is_due`.
            check: False opens a table of another generation, to re-embed it.
            copy_bytes: Of memory for a copy of the table, or of LanceDB's indexes where the table
                has more rows.
        """
        os.umask(os.umask(0o077) | 0o077)
        self.paths = paths
        self._budget = budget
        self._newest: _Newest | None = None
        self._born: tuple[int, datetime | None] | None = None
        self._scanned: tuple[tuple[str, int], Parts] | None = None
        self._own_commits = OwnCommits()
        self._known_keys = KnownKeys()
        make_private_folder(paths.root)
        self._readers = Readers(paths.lock("reading"))
        table_folder = paths.database / f"{TABLE_NAME}.lance"
        self._versions = table_folder / "_versions"
        self._files = SyncedFolder(table_folder)
        with translated(f"opening the store {paths.root}"):
            self._database = self._connected(_CACHE_BYTES)
            self._table = self._open_or_create(embedder, dimension, check=check)
            if copy_bytes > _CACHE_BYTES and not may_fit(self._table.count_rows(), copy_bytes):
                # The memory that no copy takes lets LanceDB keep what it reads of its indexes.
                self._database = self._connected(copy_bytes)
                self._table = self._open()
        self.latest = CachedReader(self._table, self._readers, self._look, most_bytes=copy_bytes)

    @property
    def version(self) -> int:
        """The table's latest version; any commit of any process advances it."""
        return self.latest.version

    @property
    def stamp(self) -> str:
        """What changes with every commit, and when the table is dropped, restored or made anew.

        Asked before the version, it tells that nothing was committed in between. Costs one `stat`.

        Raises:
            StoreUnavailable: The table is gone.
        """
        return "{}-{}".format(*self._look())

    def snapshot(self) -> TableReader:
        """A reader pinned to the version that is the latest now.

        As long as it is referred to, compactions leave its version alone, see `compact`.

        Raises:
            StoreUnavailable: Also later, from its reads, once that version was dropped.
        """
        with translated("pinning a version"), self._readers.reading():
            table = self._open()
            table.checkout(table.version)
            reader = TableReader(table, self._readers, follow_latest=False)
            self._readers.reading_until_gone(reader)
        return reader

    def holding(self, keys: Sequence[str]) -> list[Record]:
        """The records that have one of these idempotency keys, forgotten ones included."""
        possible = self._known_keys.possible(keys, self.latest, lambda: self._look()[0])
        return self.latest.found_by("idem", possible)

    def set_embedder(self, embedder: str) -> None:
        """Declares whose vectors the table holds from now on; the caller made all others pending.

        Runs under the caller's write lock.
        """
        with translated("changing the table's schema"):
            self._table.update_field_metadata(
                {"path": "vector", "metadata": {EMBEDDER_FIELD_KEY: embedder}}
            )

    def birth(self) -> datetime | None:
        """When the first of the records arrived, None while there is none; asked once a version."""
        version = self.version
        if self._born is None or self._born[0] != version:
            self._born = (version, self.latest.birth())
        return self._born[1]

    def contents(self) -> Contents:
        """What the whole table holds now."""
        return merge_contents(list(self.contents_of(self.latest, self.stamp, utc_now()).values()))

    def contents_of(self, reader: TableReader, stamp: str, now: datetime) -> Parts:
        """What each project holds in the reader's version; scanned once for a version.

        What this process added since the last scan is added up instead.

        Args:
            reader: One of this store's.
            stamp: The table's, asked before the reader was pinned.
            now: What was superseded by then does not count as live.
        """
        key = (stamp, reader.version)
        known = self._scanned
        if known is not None and known[0] == key:
            return known[1]
        parts = None
        if known is not None and _inode(known[0][0]) == _inode(stamp):
            parts = self._own_commits.carried(known[1], known[0][1], key[1], stamp)
        if parts is None:
            parts = reader.contents(now)
        changed = [part.max_updated_at for part in parts.values() if part.max_updated_at]
        # With times ahead of our clock, what is live still changes without a commit.
        if reader.version == key[1] and max(changed, default=now) <= now:
            self._scanned = (key, parts)
        return parts

    @contextmanager
    def writing(self) -> Generator[Writer]:
        """Holds the write lock for the block; what the writer reads inside is what it changes.

        Raises:
            StoreBusy: Another process kept the lock for a minute.
        """
        with held(self.paths.lock("write"), timeout=WRITE_TIMEOUT_SEC):
            with translated("reading the latest version"):
                self._to_latest()
            writer = Writer(self.latest, self._table, self._known_newest(), self._committed)
            try:
                yield writer
            finally:
                self._newest = writer.newest

    def change_token(self) -> int:
        """Moves with every commit of any process, and costs microseconds: no table is asked.

        It may also move without a commit, and twice within one tick of the file system's clock it
        may not: a look at it comes beside the ticks, never in their place.
        """
        try:
            return (self.paths.database / f"{TABLE_NAME}.lance" / "_versions").stat().st_mtime_ns
        except OSError:
            # Whoever looks properly at the next tick meets the cause and says so.
            return 0

    def upkeep_is_due(self) -> bool:
        """Whether more commits were made since the last compaction than the budget allows."""
        return due(self.paths, self.version, self._budget)

    def commits_since_compaction(self) -> int:
        """Versions that were made since the last compaction."""
        return max(0, self.version - compacted_version(self.paths))

    def rebuild_text_index(self) -> None:
        """Makes the text index anew, so that no word of a removed text stays in it.

        Runs under the caller's write lock.
        """
        with translated("building the text index"):
            create_text_index(self._table)

    def compact(self, *, keep: timedelta) -> None:
        """Merges small files, brings the indexes up to date and drops old versions.

        Where nobody reads, or stops within a second, only the latest version is left. Else those
        stay that were replaced less than `keep` ago, in whichever process somebody reads.

        Runs under the write lock: beside writers LanceDB's compaction often loses its turn.

        Args:
            keep: Zero leaves only the latest version whoever reads.
        """
        with held(self.paths.lock("write"), timeout=WRITE_TIMEOUT_SEC):
            with translated("reading the latest version"):
                self._to_latest()
                before = self._table.version
            retried(
                "compacting the store",
                lambda: optimize(
                    self._table, self.paths, keep, self._files.sync, self._nobody_reads
                ),
                self._table.checkout_latest,
            )
            with translated("reading the latest version"):
                self._moved_on(before, self._table.version)

    def merge_index_parts(self, most: int) -> None:
        """Builds each index of vectors anew that has come to more than `most` parts.

        Runs under the write lock, for some 6 s with 100,000 records, so only while nobody writes.
        """
        with (
            held(self.paths.lock("write"), timeout=WRITE_TIMEOUT_SEC),
            translated("building the indexes of vectors"),
        ):
            self._to_latest()
            before = self._table.version
            merge_index_parts(self._table, most)
            self._moved_on(before, self._table.version)

    def _nobody_reads(self) -> bool:
        return self._readers.have_left(_READERS_LEAVE_WITHIN_SEC)

    def _moved_on(self, before: int, after: int) -> None:
        """The table was rewritten under the write lock and holds what it held before."""
        self._added(before, after, ())
        if self._newest is not None and self._newest.version == before:
            self._newest = replace(self._newest, version=after)

    def _committed(self, before: int, records: Sequence[Record] | None) -> None:
        """Under the write lock: the commit is acknowledged when this returns; see `Writer`."""
        self._files.sync()
        if records is not None:
            # Where somebody without our lock committed in between, ours is a later version, and
            # nobody adds up to that one.
            self._added(before, before + 1, records)

    def _added(self, before: int, after: int, records: Sequence[Record]) -> None:
        self._known_keys.advance(before, after, [record.idem for record in records])
        added = added_by(records)
        if added is not None:
            self._own_commits.note(OwnCommit(before, after, self.stamp, added))

    def _look(self) -> tuple[int, int]:
        with translated("looking at the table's files"):
            found = self._versions.stat()
        return found.st_ino, found.st_mtime_ns

    def _to_latest(self) -> None:
        to_latest: Callable[[], None] = self._table.checkout_latest
        to_latest()

    def _known_newest(self) -> _Newest:
        version = self._table.version
        if self._newest is not None and self._newest.version == version:
            return self._newest
        contents = self.contents()
        return _Newest(version, contents.max_id, contents.max_updated_at)

    def _open(self) -> LanceTable:
        table = self._database.open_table(TABLE_NAME)
        if not isinstance(table, LanceTable):
            raise StoreUnavailable(f"{self.paths.database} is not a local LanceDB folder")
        return table

    def _connected(self, cache_bytes: int) -> lancedb.DBConnection:
        session = lancedb.Session(
            index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=_CACHE_BYTES
        )
        return lancedb.connect(
            str(self.paths.database),
            read_consistency_interval=timedelta(0),
            session=session,
            storage_options=_NEW_TABLES,
        )

    def _open_or_create(self, embedder: str, dimension: int, *, check: bool) -> LanceTable:
        if self._exists():
            table = self._open()
            if check:
                self._check_generation(table, embedder)
            if has_text_index(table) and not is_outdated(table):
                return table
        # Under the lock, and each step again if need be: a creator may have been killed half-way.
        with held(self.paths.lock("write"), timeout=WRITE_TIMEOUT_SEC):
            if not self._exists():
                schema = table_schema(
                    dimension, embedder=embedder, metadata={SCHEMA_KEY: SCHEMA_VERSION}
                )
                self._database.create_table(TABLE_NAME, schema=schema, exist_ok=True)
            table = self._open()
            if is_outdated(table):
                upgrade(self._database, table)
                table = self._open()
            if not has_text_index(table):
                create_size_indexes(table)
                create_text_index(table)
            return table

    def _exists(self) -> bool:
        return self._versions.exists()

    def _check_generation(self, table: LanceTable, embedder: str) -> None:
        version = schema_version(table)
        if version != SCHEMA_VERSION and not is_outdated(table):
            raise StoreMismatch(
                f"{self.paths.root} has schema version {version}, this iai-mcp reads "
                f"{SCHEMA_VERSION}: install the iai-mcp that wrote it, or set IAI_MCP_STORE to "
                f"another folder"
            )
        written = embedder_of(table)
        if written != embedder:
            raise StoreMismatch(
                f"{self.paths.root} holds vectors of {written}, the model here is {embedder}: "
                f"run `iai-mcp model reembed`"
            )


class Writer:
    """Changes to the table while the write lock is held; each call is one commit."""

    def __init__(
        self,
        reader: TableReader,
        table: LanceTable,
        newest: _Newest,
        committed: Callable[[int, Sequence[Record] | None], None],
    ) -> None:
        """For `Store.writing` only.

        Args:
            reader: Of the latest version.
            table: At the latest version.
            newest: Of that version.
            committed: Told of each commit on which version it was made, and which records it added;
                None where it did anything else.
        """
        self.reader = reader
        self.newest = newest
        self._table = table
        self._committed = committed

    def now(self) -> datetime:
        """The time of this change: later than every change before it, even if a clock went back."""
        now, last = utc_now(), self.newest.updated_at
        return now if last is None or now > last else last + timedelta(microseconds=1)

    def insert(self, rows: Sequence[Row]) -> list[Record]:
        """Appends the rows and gives them their ids; acknowledged is durable.

        Ids are UUIDv7 and larger than any id in the table, whatever clock another process had.
        """
        if not rows:
            # What is there already may be of a process that was killed before it was on the disk.
            with translated("storing memories"):
                self._committed(self.newest.version, None)
            return []
        at = self.now()
        ids = _ids_after(self.newest.id, len(rows))
        stamped = [
            replace(
                row.record, id=id_, ingested_at=at, updated_at=at, table_version=self._next_version
            )
            for row, id_ in zip(rows, ids, strict=True)
        ]
        data = self._arrow(_with(rows, stamped))
        self._commit("storing memories", lambda: self._table.add(data), ids[-1], at, stamped)
        return stamped

    def insert_as_is(self, rows: Sequence[Row]) -> None:
        """Appends rows that another store gave its ids and times; only their version is ours."""
        if not rows:
            return
        stamped = [replace(row.record, table_version=self._next_version) for row in rows]
        data = self._arrow(_with(rows, stamped))
        last_id = max(self.newest.id, *(record.id for record in stamped))
        last_at = max(record.updated_at for record in stamped)
        known = self.newest.updated_at
        at = last_at if known is None else max(known, last_at)
        self._commit("storing memories", lambda: self._table.add(data), last_id, at)

    def update(self, rows: Sequence[Row], at: datetime) -> list[Record]:
        """Replaces the rows that have these ids; their `updated_at` is `at`, from `now()`."""
        if not rows:
            return []
        stamped = [
            replace(row.record, updated_at=at, table_version=self._next_version) for row in rows
        ]
        data = self._arrow(_with(rows, stamped))
        self._commit(
            "changing memories",
            lambda: (
                self._table.merge_insert("id")
                .when_matched_update_all()
                .execute(data, on_bad_vectors="null")
            ),
            self.newest.id,
            at,
        )
        return stamped

    def replace(
        self, new: Row, close: Callable[[Record], Row], at: datetime
    ) -> tuple[Record, Record]:
        """Inserts one row and changes another in the same commit: both happen or neither.

        Args:
            new: The row to insert.
            close: Given the inserted record, the row that replaces an old one.
            at: The time of the change, from `now()`.
        """
        [id_] = _ids_after(self.newest.id, 1)
        version = self._next_version
        inserted = replace(new.record, id=id_, ingested_at=at, updated_at=at, table_version=version)
        closing = close(inserted)
        closed = replace(closing.record, updated_at=at, table_version=version)
        data = self._arrow([replace(new, record=inserted), replace(closing, record=closed)])
        merge = self._table.merge_insert("id").when_matched_update_all()
        merge = merge.when_not_matched_insert_all()
        self._commit(
            "superseding a memory", lambda: merge.execute(data, on_bad_vectors="null"), id_, at
        )
        return inserted, closed

    def drop_vectors(self) -> None:
        """Makes every record pending, and no vector of it is left."""
        at = self.now()
        values = {
            **dict.fromkeys((*VECTOR_COLUMNS, "embedder"), "NULL"),
            "updated_at": sql_time(at),
            "table_version": str(self._next_version),
        }
        self._commit(
            "dropping vectors",
            lambda: self._table.update(
                # What waits for its passages has a vector and no embedder.
                where="embedder IS NOT NULL OR vector IS NOT NULL",
                values_sql=values,
            ),
            self.newest.id,
            at,
        )

    @property
    def _next_version(self) -> int:
        return self.newest.version + 1

    def _arrow(self, rows: Sequence[Row]) -> pa.Table:
        return to_arrow(rows, self._table.schema)

    def _commit(
        self,
        what: str,
        work: Callable[[], Any],
        last_id: str,
        at: datetime,
        added: Sequence[Record] | None = None,
    ) -> None:
        retried(what, work, self._table.checkout_latest)
        with translated(what):
            self._committed(self.newest.version, added)
            self.newest = _Newest(self._table.version, last_id, at)


def _with(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    return [replace(row, record=record) for row, record in zip(rows, records, strict=True)]


def _ids_after(last: str, count: int) -> list[str]:
    """`count` growing UUIDv7 (RFC 9562), all larger than `last`."""
    ids: list[str] = []
    floor = UUID(last).int if last else 0
    for _ in range(count):
        candidate = uuid7().int
        if candidate <= floor:
            # The clock of the writer before us ran ahead: stay above it, in its millisecond.
            candidate = floor + 1
        ids.append(str(UUID(int=candidate)))
        floor = candidate
    return ids


def _inode(stamp: str) -> str:
    return stamp.partition("-")[0]
