"""Commits to the table: each call of a `Writer` is one, made under the store's write lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from lancedb.table import LanceTable
from uuid_utils import uuid7

from ..base.clock import utc_now
from ..base.last_moment import about_to_change
from .indexes import drop_vector_indexes
from .lance_errors import retried, translated
from .migrations import embedder_of
from .names import stored_names
from .plausible_times import not_after, ordered_by_arrival
from .reader import TableReader
from .record import Record
from .schema import DIGEST_COLUMN
from .sql import sql_time
from .vector_rows import VECTOR_COLUMNS, Row, to_arrow


@dataclass(frozen=True, slots=True)
class NewestRow:
    """The newest id and time of a version, after which the next ones follow.

    Attributes:
        version: The version.
        id: The largest id in it; empty for no rows.
        updated_at: The newest `updated_at` in it; None for no rows.
    """

    version: int
    id: str
    updated_at: datetime | None


class Writer:
    """The maker of commits, while its creator holds the write lock; each call is one commit.

    When a call returns, its rows are on the disk. Every call raises StoreBusy where a commit lost
    its race too often, StoreUnavailable where LanceDB or the disk failed.
    """

    def __init__(
        self,
        reader: TableReader,
        table: LanceTable,
        newest: NewestRow,
        committed: Callable[[int, Sequence[Record] | None], None],
        changing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Make a writer; for `Store.writing` only.

        Args:
            reader: Of the latest version.
            table: At the latest version.
            newest: Of that version.
            committed: Called after each commit with the version that it was made on and the
                records that it added; None for a commit that did anything else.
            changing: Entered before each commit, left when it is done; raises to prevent it.
        """
        self.reader = reader
        self.newest = newest
        self._table = table
        self._committed = committed
        self._changing = changing

    @property
    def embedder(self) -> str:
        """Key of the embedder whose vectors the table holds."""
        return embedder_of(self._table)

    def now(self) -> datetime:
        """Return the time of this change: later than all before, even if a clock went back."""
        now, last = utc_now(), self.newest.updated_at
        return now if last is None or now > last else last + timedelta(microseconds=1)

    def insert(self, rows: Sequence[Row]) -> list[Record]:
        """Append the rows and return their records with ids, times and version.

        Ids are UUIDv7 and larger than any id in the table, whatever clock another process had.
        """
        if not rows:
            # Rows that are there already may be of a process that was killed before its `fsync`.
            with translated("storing memories"):
                self._committed(self.newest.version, None)
            return []
        at = self.now()
        ids = _ids_after(self.newest.id, len(rows))
        stamped = [
            ordered_by_arrival(
                replace(
                    row.record,
                    **stored_names(row.record),
                    id=id_,
                    ingested_at=at,
                    updated_at=at,
                    table_version=self._next_version,
                )
            )
            for row, id_ in zip(rows, ids, strict=True)
        ]
        data = self._arrow(_with(rows, stamped))
        self._commit("storing memories", lambda: self._table.add(data), ids[-1], at, stamped)
        return stamped

    def insert_as_is(self, rows: Sequence[Row]) -> None:
        """Append rows with the ids and times that another store gave them, and `names` as here."""
        if not rows:
            return
        now = self.now()
        stamped = [
            not_after(
                replace(row.record, **stored_names(row.record), table_version=self._next_version),
                now,
            )
            for row in rows
        ]
        data = self._arrow(_with(rows, stamped))
        last_id = max(self.newest.id, *(record.id for record in stamped))
        last_at = max(record.updated_at for record in stamped)
        known = self.newest.updated_at
        at = last_at if known is None else max(known, last_at)
        self._commit("storing memories", lambda: self._table.add(data), last_id, at)

    def update(self, rows: Sequence[Row], at: datetime) -> list[Record]:
        """Replace the rows with these ids and return their records; `at` is from `now()`."""
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

    def replace(self, new: Row, close: Callable[[Record], Sequence[Row]], at: datetime) -> Record:
        """Insert one row and replace others in the same commit: all happen or none.

        Args:
            new: The row to insert.
            close: Given the inserted record, returns the rows that replace old ones.
            at: The time of the change, from `now()`.

        Returns:
            The inserted record.
        """
        [id_] = _ids_after(self.newest.id, 1)
        version = self._next_version
        inserted = replace(
            new.record,
            **stored_names(new.record),
            id=id_,
            ingested_at=at,
            updated_at=at,
            table_version=version,
        )
        closed = [
            replace(row, record=replace(row.record, updated_at=at, table_version=version))
            for row in close(inserted)
        ]
        data = self._arrow([replace(new, record=inserted), *closed])
        merge = self._table.merge_insert("id").when_matched_update_all()
        merge = merge.when_not_matched_insert_all()
        self._commit(
            "superseding a memory", lambda: merge.execute(data, on_bad_vectors="null"), id_, at
        )
        return inserted

    def drop_vectors(self) -> None:
        """Remove every vector, and the indexes of vectors, and make every record pending."""
        with translated("dropping vectors"):
            drop_vector_indexes(self._table)
            self.newest = replace(self.newest, version=self._table.version)
        at = self.now()
        values = {
            # A sleep, or the vectors that come, give each row its digest again.
            **dict.fromkeys((*VECTOR_COLUMNS, "embedder", DIGEST_COLUMN), "NULL"),
            "updated_at": sql_time(at),
            "table_version": str(self._next_version),
        }
        self._commit(
            "dropping vectors",
            lambda: self._table.update(
                # A record that waits for its passages has a vector and no embedder.
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
        about_to_change()
        with self._changing():
            retried(what, work, self._table.checkout_latest)
            with translated(what):
                self._committed(self.newest.version, added)
        with translated(what):
            self.newest = NewestRow(self._table.version, last_id, at)


def _with(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    return [replace(row, record=record) for row, record in zip(rows, records, strict=True)]


def _ids_after(last: str, count: int) -> list[str]:
    """Return `count` growing UUIDv7 (RFC 9562), all larger than `last`."""
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
