"""Reads of the table, on its latest version or on one pinned version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import pyarrow as pa
from lancedb.query import ColumnOrdering

from .arrow import pc
from .filter import Filter
from .missing_tokens import lacking_tokens
from .plausible_times import is_behind
from .record import Record
from .record_rows import RETIRED_COLUMNS, from_table, record_columns
from .schema import TOKEN_COLUMNS
from .sql import sql_text, sql_time
from .table_changes import BATCH_ROWS, TableChanges
from .table_counts import FORGOTTEN, PENDING, TableCounts
from .table_rows import IDS_PER_QUERY
from .table_searches import TableSearches
from .vector_rows import VECTOR_COLUMNS, Row, from_arrow, token_bytes_of
from .whole_rows import WholeRows

if TYPE_CHECKING:
    from .changed_files import DatedChange
    from .settled_times import SettledTimes

T = TypeVar("T")

_FIRST_LOOKED_AT: Final = 1_000
_TOKEN_ROWS: Final = 100  # LanceDB reads some batches ahead
# Not the threads of the dense search: work beside the caller may search vectors itself, and would
# wait for one of those.
_ASIDE: Final = ThreadPoolExecutor(4, "reading-aside")
_OUTLINE: Final = (
    *("id", "session_id", "host", "role", "created_at", "project", "superseded_by", "tags"),
    *("tombstoned_at", "origin"),
)


class TableReader(TableSearches, TableCounts, TableChanges, WholeRows):
    """Read access to the table through one handle: records, searches, counts and changes."""

    # Records of the whole table or of a condition

    def ids(self) -> list[str]:
        """Return the id of every record, oldest arrival first."""
        column = self._read(
            "reading ids", lambda: self._table.search().select(["id"]).limit(None).to_arrow()
        )["id"]
        return sorted(column.to_pylist())

    def folded_ids(self) -> list[str]:
        """Return the ids of the copies that were folded into another record, in any order."""
        return [] if "folded_into" in self._lacking else self._ids("folded_into != ''")

    def ids_tagged(self, tag: str) -> list[str]:
        """Return the ids of the records with this tag, forgotten ones included, in any order."""
        return self._ids(f"array_has(tags, {sql_text(tag)})")

    def ids_by_text(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the ids of the records whose text is wanted, forgotten ones too, in any order."""
        query = self._table.search().select(["id", "text"]).limit(None)

        def scan() -> list[str]:
            found: list[str] = []
            for part in query.to_batches(batch_size=BATCH_ROWS):
                numbers = [n for n, text in enumerate(part["text"].to_pylist()) if wanted(text)]
                found += part["id"].take(pa.array(numbers, pa.int64())).to_pylist()
            return found

        return self._read("reading texts", scan)

    def all_rows(self) -> Iterator[Row]:
        """Yield every record with its vectors, forgotten ones too, oldest arrival first."""
        ids = self.ids()
        for start in range(0, len(ids), IDS_PER_QUERY):
            rows = self.rows(ids[start : start + IDS_PER_QUERY])
            yield from sorted(rows, key=lambda row: row.record.id)

    def rows_where(self, condition: str) -> list[Row]:
        """Return the records that meet a condition of our own literals, as `rows` does."""
        return self.rows(self._ids(condition))

    def records_where(self, condition: str) -> list[Record]:
        """Return the records that meet a condition of our own literals, forgotten ones too."""
        return self.by_column("id", self._ids(condition))

    def records_meeting(self, condition: str) -> list[Record]:
        """Return what `records_where` does, in one read: for conditions that many records meet."""
        query = self._table.search().where(condition).select(self._present(record_columns()))
        return from_table(self._read("reading records", query.limit(None).to_arrow))

    def changed_after(self, moment: datetime, times: SettledTimes | None = None) -> list[Record]:
        """Return the records that were stored or changed after a time, by whichever clock.

        Args:
            moment: The time.
            times: They say what a clock that was behind did after it.
        """
        names = ("updated_at", "ingested_at", "arrived_at")
        parts = [f"{name} > {sql_time(moment)}" for name in self._present(names)]
        if times is not None:
            parts.append(f"table_version > {times.last_before(moment)}")
        return self.records_meeting(" OR ".join(parts))

    def forgotten_since(self, version: int) -> list[Record]:
        """Return the forgotten records, no folded ones, that were changed after the version."""
        found = self.records_where(f"{FORGOTTEN} AND table_version > {version}")
        return [record for record in found if not record.folded_into]

    def changes_by_name(self, where: Filter) -> Callable[[str], Sequence[DatedChange]]:
        """Return what returns the changes of the files of a name, newest first.

        Costs a scan of three columns, 35 ms of 100,000 rows.

        Args:
            where: Whose turns; no time as of which.
        """
        from .changed_files import DatedChange, changes_in, name_of, newest_of_name  # few need it

        found: dict[str, list[DatedChange]] = {}
        if "changed_files" not in self._lacking:
            sql = " AND ".join(filter(None, (where.to_sql(), "changed_files IS NOT NULL")))
            query = self._table.search().where(sql).select(["created_at", "changed_files"])
            rows = self._read("reading changed files", query.limit(None).to_arrow)
            columns = (rows[name].to_pylist() for name in rows.column_names)
            for at, texts in zip(*columns, strict=True):
                for change in changes_in(texts):
                    found.setdefault(name_of(change.path), []).append(DatedChange(at, change))
        return lambda name: newest_of_name(found.get(name, ()))

    def newest_arrival(self) -> int | None:
        """Return the largest number of a change with which a record came; None without any."""
        if "arrival" in self._lacking:
            return None
        query = self._table.search().select(["arrival"]).limit(None)
        newest: int | None = pc.max(
            self._read("reading numbers of changes", query.to_arrow)["arrival"]
        ).as_py()
        return newest

    def spans_in(self, folder: str) -> dict[str, tuple[datetime, datetime]]:
        """Return for each project of what was said in a folder the first and the last time."""
        query = self._table.search().where(f"cwd = {sql_text(folder)} AND project IS NOT NULL")
        rows = self._read(
            "reading the projects of a folder",
            query.select(["project", "created_at"]).limit(None).to_arrow,
        )
        found: dict[str, tuple[datetime, datetime]] = {}
        for name, at in zip(*(rows[one].to_pylist() for one in rows.column_names), strict=True):
            first, last = found.get(name, (at, at))
            found[name] = min(first, at), max(last, at)
        return found

    def retired_values(self) -> dict[str, list[str]]:
        """Return texts of columns without a field in Record, by id; writing a row empties them."""
        found: dict[str, list[str]] = {}
        for column in RETIRED_COLUMNS:
            query = self._table.search().where(f"cardinality({column}) > 0").limit(None)
            rows = self._read("reading records", query.select(["id", column]).to_arrow)
            for id_, texts in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True):
                found.setdefault(id_, []).extend(texts)
        return found

    # Records in an order

    def newest(
        self,
        where: Filter,
        limit: int,
        *,
        by: str = "created_at",
        condition: str | None = None,
        rare: bool = False,
    ) -> list[Record]:
        """Return the newest records that pass, newest first.

        Args:
            where: Which records.
            limit: Maximum number of records.
            by: "created_at" (when it was said) or "id" (when it arrived).
            condition: One more SQL condition, built from literals of our own.
            rare: Whether mostly none passes. That is counted first, for a sixth of the 5 ms that
                asking for all columns of no row takes.
        """
        sql = " AND ".join(part for part in (where.to_sql(), condition) if part) or None
        order = [ColumnOrdering(column_name=by, ascending=False, nulls_first=False)]
        if by != "id":
            order.append(ColumnOrdering(column_name="id", ascending=False, nulls_first=False))

        def ask() -> pa.Table:
            query = self._table.search().select(self._present(record_columns())).order_by(order)
            # Rows that `as_of` lets by are dropped below, so the limit cannot be LanceDB's.
            query = query.limit(limit if where.as_of is None else None)
            return (query.where(sql) if sql else query).to_arrow()

        if rare and not self._read("counting records", lambda: self._table.count_rows(sql)):
            return []
        records = from_table(self._read("reading records", ask))
        return [record for record in records if where.admits(record)][:limit]

    def outline(self, where: Filter, newest: int | None = None) -> pa.Table:
        """Return ids, sessions, roles, times, projects, successors and origins of what passes.

        In any order; the column `_rowid` is for `in_outline`. With `as_of` it may return too many.
        A scan: 15 ms of 30,000 records.

        Args:
            where: Which records.
            newest: At most so many, the newest ones; None is all.
        """
        sql = where.to_sql()
        order = [ColumnOrdering(column_name="created_at", ascending=False, nulls_first=False)]
        order.append(ColumnOrdering(column_name="id", ascending=False, nulls_first=False))

        def ask() -> pa.Table:
            query = self._table.search().select([*_OUTLINE]).with_row_id(True).limit(newest)
            query = query.where(sql) if sql else query
            return (query.order_by(order) if newest else query).to_arrow()

        return self._read("reading records", ask)

    def in_outline(self, rows: pa.Table) -> dict[str, Record]:
        """Return the records of rows of an outline by id, as they are now; forgotten ones too."""
        ids = self._found(rows)
        parts = self._with_ids(record_columns(), ids)
        return {record.id: record for part in parts for record in from_table(part)}

    def first_ingested_at(self) -> datetime | None:
        """Return when the first record arrived; None while there is none.

        One that a clock far behind stamped is not the first: its id, which grew, tells.
        """
        order = [ColumnOrdering(column_name="ingested_at", ascending=True, nulls_first=False)]

        def ask() -> pa.Table:
            query = self._table.search().select(["id", "ingested_at"]).order_by(order)
            return query.limit(_FIRST_LOOKED_AT).to_arrow()

        rows = self._read("reading records", ask)
        first = list(zip(rows["id"].to_pylist(), rows["ingested_at"].to_pylist(), strict=True))
        right = (at for id_, at in first if not is_behind(id_, at))
        return next(right, first[0][1] if first else None)

    def pending(self, limit: int, *, newest: bool = False) -> list[Row]:
        """Return records that wait for vectors, with those they have.

        Args:
            limit: Maximum number of records.
            newest: Latest arrival first instead of the oldest.
        """
        order = [ColumnOrdering(column_name="id", ascending=not newest, nulls_first=False)]
        columns = [*record_columns(), *VECTOR_COLUMNS]

        def ask() -> pa.Table:
            query = self._table.search().where(PENDING)
            query = query.select(self._present(columns)).order_by(order).limit(limit)
            return query.to_arrow()

        return from_arrow(self._read("reading records", ask))

    def lacking_tokens(self, token_key: str, limit: int) -> dict[str, str]:
        """Return texts by id that wait for token vectors of this model, the latest arrival first.

        Args:
            token_key: `Encoder.token_key` of the model.
            limit: Maximum number of records.
        """
        if self._lacking.intersection(TOKEN_COLUMNS):
            return {}
        order = [ColumnOrdering(column_name="id", ascending=False, nulls_first=False)]
        query = self._table.search().where(lacking_tokens(token_key)).select(["id", "text"])
        rows = self._read("reading records", query.order_by(order).limit(limit).to_arrow)
        return dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))

    def all_token_bytes(self, token_key: str, take: Callable[[dict[str, bytes]], bool]) -> None:
        """Pass all token vectors, as `token_bytes`, to `take` until it returns False.

        Where the version is cleaned up in the middle, it is called again from the beginning.
        """
        where = f"token_key = {sql_text(token_key)} AND tombstoned_at IS NULL"
        query = self._table.search().where(where).select(["id", *TOKEN_COLUMNS]).limit(None)

        def scan() -> None:
            for part in query.to_batches(_TOKEN_ROWS):
                if not take(token_bytes_of(pa.table(part), token_key)):
                    break

        self._read("reading token vectors", scan)

    def overlap(self, work: Callable[[], T]) -> Callable[[], T]:
        """Start `work` in a thread; the returned function waits for its result."""
        return _ASIDE.submit(work).result
