"""Commits to the table: each call of a `Writer` is one, made under the store's write lock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
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
from .sql import sql_in, sql_time
from .vector_rows import VECTOR_COLUMNS, Row, to_arrow

_LOW: Final = (1 << 62) - 1  # the random bits of a UUIDv7 behind its variant
_STEP_BITS: Final = 48


@dataclass(frozen=True, slots=True)
class NewestRow:
    """The newest id and number of a version, after which the next ones follow.

    Attributes:
        version: The version.
        id: The largest id in it; empty for no rows.
        number: The largest `table_version` of a row in it; larger than `version` in a table that
            took another one's place, with rows as they were there.
    """

    version: int
    id: str
    number: int


@dataclass(slots=True)
class ChangeGroup:
    """Several commits that are one change to whoever undoes it, as all batches of an import.

    Attributes:
        number: Of the change; None before its first commit.
    """

    number: int | None = None


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
        committed: Callable[[int, int, Sequence[Record] | None], None],
        changing: Callable[[], AbstractContextManager[None]],
        about_to_remove: Callable[[int], None],
        group: ChangeGroup | None = None,
    ) -> None:
        """Make a writer; for `Store.writing` only.

        Args:
            reader: Of the latest version.
            table: At the latest version.
            newest: Of that version.
            committed: Called after each commit with the version that it was made on, the one that
                it made, and the records that it added; None for one that did anything else.
            about_to_remove: Called with the number of rows before they are removed.
            changing: Entered before each commit, left when it is done; raises to prevent it.
            group: The change that the commits are part of; None makes each a change of its own.
        """
        self.reader = reader
        self.newest = newest
        self._table = table
        self._committed = committed
        self._changing = changing
        self._about_to_remove = about_to_remove
        self._group = group

    @property
    def embedder(self) -> str:
        """Key of the embedder whose vectors the table holds."""
        return embedder_of(self._table)

    def now(self) -> datetime:
        """Return the time of this change, by the clock here; what orders changes is `version`.

        Times that had to grow made one write with a clock ahead spoil those of all later ones.
        """
        return utc_now()

    def insert(self, rows: Sequence[Row]) -> list[Record]:
        """Append the rows and return their records with ids, times and version.

        Ids are UUIDv7 and larger than any id in the table, whatever clock another process had.
        """
        if not rows:
            # Rows that are there already may be of a process that was killed before its `fsync`.
            with translated("storing memories"):
                self._committed(self.newest.version, self.newest.version, None)
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
                    arrival=self._change_number,
                    arrived_at=at,
                )
            )
            for row, id_ in zip(rows, ids, strict=True)
        ]
        data = self._arrow(_with(rows, stamped))
        self._commit("storing memories", lambda: self._table.add(data), ids[-1], stamped)
        return stamped

    def insert_as_is(self, rows: Sequence[Row], at: datetime) -> None:
        """Append rows with the ids and times that another store gave them, and `names` as here.

        Args:
            rows: The rows.
            at: The time of the change, from `now()`.
        """
        if not rows:
            return
        stamped = [
            not_after(
                replace(
                    self._stamped(row.record, at),
                    **stored_names(row.record),
                    arrival=self._change_number,
                    arrived_at=at,
                ),
                at,
            )
            for row in rows
        ]
        data = self._arrow(_with(rows, stamped))
        last_id = max(self.newest.id, *(record.id for record in stamped))
        self._commit("storing memories", lambda: self._table.add(data), last_id)

    def update(self, rows: Sequence[Row], at: datetime) -> list[Record]:
        """Replace the rows with these ids and return their records; `at` is from `now()`."""
        if not rows:
            return []
        stamped = [replace(self._stamped(row.record, at), updated_at=at) for row in rows]
        data = self._arrow(_with(rows, stamped))
        self._commit(
            "changing memories",
            lambda: (
                self._table.merge_insert("id")
                .when_matched_update_all()
                .execute(data, on_bad_vectors="null")
            ),
            self.newest.id,
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
        inserted = replace(
            new.record,
            **stored_names(new.record),
            id=id_,
            ingested_at=at,
            updated_at=at,
            table_version=self._next_version,
            arrival=self._change_number,
            arrived_at=at,
        )
        closed = [
            replace(row, record=replace(self._stamped(row.record, at), updated_at=at))
            for row in close(inserted)
        ]
        data = self._arrow([replace(new, record=inserted), *closed])
        merge = self._table.merge_insert("id").when_matched_update_all()
        merge = merge.when_not_matched_insert_all()
        self._commit(
            "superseding a memory", lambda: merge.execute(data, on_bad_vectors="null"), id_
        )
        return inserted

    def remove(self, ids: Sequence[str]) -> None:
        """Delete the rows with these ids; until they are merged, files keep what they say."""
        if ids:
            with translated("removing memories"):
                self._about_to_remove(len(ids))
            self._commit(
                "removing memories",
                lambda: self._table.delete(sql_in("id", ids)),
                self.newest.id,
            )

    def drop_vectors(self) -> None:
        """Remove every vector, and the indexes of vectors, and make every record pending."""
        with translated("dropping vectors"):
            drop_vector_indexes(self._table)
            self.newest = replace(self.newest, version=self._table.version)
        values = {
            # A sleep, or the vectors that come, give each row its digest again.
            **dict.fromkeys((*VECTOR_COLUMNS, "embedder", DIGEST_COLUMN), "NULL"),
            "updated_at": sql_time(self.now()),
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
        )

    @property
    def _next_version(self) -> int:
        return max(self.newest.version, self.newest.number) + 1

    @property
    def _change_number(self) -> int:
        """The number of the change that the next commit is part of: that of its first commit."""
        if self._group is None:
            return self._next_version
        if self._group.number is None:
            self._group.number = self._next_version
        return self._group.number

    def _stamped(self, record: Record, at: datetime) -> Record:
        """Return the record with the next version, and the number in what was changed at `at`."""
        history = tuple(
            replace(change, number=self._change_number)
            if change.number is None and change.at == at
            else change
            for change in record.history
        )
        return replace(record, history=history, table_version=self._next_version)

    def _arrow(self, rows: Sequence[Row]) -> pa.Table:
        return to_arrow(rows, self._table.schema)

    def _commit(
        self,
        what: str,
        work: Callable[[], Any],
        last_id: str,
        added: Sequence[Record] | None = None,
    ) -> None:
        number = self._next_version
        about_to_change()
        with self._changing():
            retried(what, work, self._table.checkout_latest)
            with translated(what):
                version = self._table.version
                self._committed(self.newest.version, version, added)
        self.newest = NewestRow(version, last_id, number)


def _with(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    return [replace(row, record=record) for row, record in zip(rows, records, strict=True)]


def _ids_after(last: str, count: int) -> list[str]:
    """Return `count` growing UUIDv7 (RFC 9562), all larger than `last`."""
    ids: list[str] = []
    floor = UUID(last).int if last else 0
    for _ in range(count):
        candidate = uuid7().int
        if candidate <= floor:
            # The clock of the writer before us ran ahead: stay above it.
            candidate = _id_above(floor)
        ids.append(str(UUID(int=candidate)))
        floor = candidate
    return ids


def _id_above(floor: int) -> int:
    """Return a UUIDv7 above this one, of its millisecond or the next.

    By a random step: two copies of a store with an id of the far future would otherwise give
    different memories the same ids, and an import takes an id that it knows for a known memory.
    """
    milliseconds, high, low = floor >> 80, (floor >> 64) & 0xFFF, floor & _LOW
    count = ((high << 62) | low) + 1 + secrets.randbits(_STEP_BITS)
    if count >> 74:
        milliseconds, count = milliseconds + 1, secrets.randbits(_STEP_BITS)
    high, low = count >> 62, count & _LOW
    return milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low
