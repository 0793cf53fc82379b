"""Every question that is asked of the table, on the latest version or on one pinned version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute
from lancedb.query import ColumnOrdering, MatchQuery
from lancedb.table import LanceTable
from numpy.typing import NDArray

from ..text.analyzer import query_terms
from .candidate import CANDIDATE_COLUMNS, Candidate
from .filter import Filter, sql_in, sql_time
from .lance_errors import retried, translated
from .read_lock import Readers
from .record import Record, from_table, record_columns
from .row_id_cache import RowIdCache
from .session_order import Spoken
from .similarity import Likeness, likenesses_of
from .vector_rows import VECTOR_COLUMNS, Row, Vector, count_vectors, from_arrow, read_vectors

T = TypeVar("T")

# Its functions are generated when pyarrow is imported; no type checker sees them.
pc: Any = pyarrow.compute

# pydantic dataclasses hide their defaults from type checkers here.
_match_query: Any = MatchQuery
_ID_BATCH = 1_000
_REFINE = 4
# Lance reads some batches ahead: with four times as many rows 90 MB and not 20 lie about.
_BATCH_ROWS = 500
_ATTEMPTS = 3
_BESIDE = ThreadPoolExecutor(4, "searching-passages")
# Not the threads above: what is done aside may search vectors, and would wait for one of those.
_ASIDE = ThreadPoolExecutor(4, "reading-aside")
_ALL_BUT_FORGOTTEN = Filter(include_superseded=True)


@dataclass(frozen=True, slots=True)
class Contents:
    """What some part of the table holds, in numbers that move with every change of it.

    Attributes:
        live: Records that are neither forgotten nor superseded.
        total: Rows, forgotten and superseded ones included.
        tombstoned: Forgotten rows.
        pending: Rows that are not forgotten and wait for their vectors, or those of their passages.
        max_id: The largest id; ids grow with insertion. Empty for no rows.
        max_created_at: The newest `created_at` of a live record.
        max_updated_at: The newest `updated_at`.
        content_version: The table version of the newest change of a row; 0 for no rows.
        removal_version: The same among forgotten and superseded rows.
    """

    live: int = 0
    total: int = 0
    tombstoned: int = 0
    pending: int = 0
    max_id: str = ""
    max_created_at: datetime | None = None
    max_updated_at: datetime | None = None
    content_version: int = 0
    removal_version: int = 0


class TableReader:
    """Read access to the table through one handle.

    A handle opened with `read_consistency_interval=0` answers from the latest version; one that
    was checked out at a version answers from that version until it is cleaned up.
    """

    def __init__(self, table: LanceTable, readers: Readers, *, follow_latest: bool) -> None:
        """Takes the handle over; `follow_latest` says that a cleaned version may be left."""
        self._table = table
        self._readers = readers
        self._follow_latest = follow_latest
        self._row_ids = RowIdCache()

    @property
    def version(self) -> int:
        """The version that answers."""
        return self._read("reading the table's version", lambda: self._table.version)

    @property
    def schema(self) -> pa.Schema:
        """Of the table."""
        return self._table.schema

    def ids(self) -> list[str]:
        """The id of every record, oldest arrival first."""
        column = self._read(
            "reading ids", lambda: self._table.search().select(["id"]).limit(None).to_arrow()
        )["id"]
        return sorted(column.to_pylist())

    def everything(self) -> Iterator[Row]:
        """Every record with its vectors, forgotten ones too, oldest arrival first, in batches."""
        ids = self.ids()
        for start in range(0, len(ids), _ID_BATCH):
            rows = self.rows(ids[start : start + _ID_BATCH])
            yield from sorted(rows, key=lambda row: row.record.id)

    def get(self, ids: Sequence[str]) -> list[Record]:
        """The records with these ids, forgotten ones included, in the order of `ids`."""
        found = {record.id: record for record in self.found_by("id", ids)}
        return [found[id_] for id_ in ids if id_ in found]

    def found_by(self, column: str, values: Sequence[str]) -> list[Record]:
        """The records whose text column has one of the values, forgotten ones included."""
        parts = self._select(record_columns(), column, values)
        return [record for part in parts for record in from_table(part)]

    def replaced_by(self, ids: Collection[str]) -> list[Record]:
        """The records that these directly replaced, forgotten ones included, in any order."""
        return self.found_by("superseded_by", list(ids))

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """The records with these ids and their vectors, forgotten ones included, in any order."""
        parts = self._select([*record_columns(), *VECTOR_COLUMNS], "id", ids)
        return [row for part in parts for row in from_arrow(part)]

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """What the ranking looks at, in the order of `ids`, forgotten ones included.

        What is not there is left out.
        """
        found = Candidate.of(self._with_ids(CANDIDATE_COLUMNS, ids))
        return {id_: found[id_] for id_ in ids if id_ in found}

    def likenesses(self, query: Vector, ids: Collection[str]) -> dict[str, Likeness]:
        """How like the query these records are, forgotten ones included, in any order.

        What was never embedded is left out.

        Args:
            query: float32, (dim,), unit length.
            ids: Of the records.
        """
        found = dict[str, Likeness]()
        for part in self._with_ids(["id", *VECTOR_COLUMNS], ids):
            embedded = part.filter(pc.is_valid(part["vector"]))
            codes, spans = read_vectors(embedded)
            counts = count_vectors(embedded)
            found |= likenesses_of(embedded["id"].to_pylist(), counts, codes.cosines(query), spans)
        return found

    def sessions(self, session_ids: Collection[str]) -> dict[str, Spoken]:
        """Each session's records in the order in which they were said.

        Superseded ones included, forgotten ones left out; a session of none is left out too.
        """
        names, found = ["session_id", "created_at", "id"], dict[str, Spoken]()
        parts = self._select(
            [*names, "tombstoned_at"], "session_id", list(dict.fromkeys(session_ids))
        )
        for part in parts:
            live = part.filter(pc.is_null(part["tombstoned_at"]))
            live = live.sort_by([(name, "ascending") for name in names])
            runs = pc.run_end_encode(live["session_id"].combine_chunks())
            ids, ends = live["id"].to_pylist(), runs.run_ends.to_pylist()
            for session, begin, end in zip(runs.values.to_pylist(), [0, *ends], ends, strict=False):
                found[session] = Spoken(tuple(ids[begin:end]))
        return found

    def newest(
        self, where: Filter, limit: int, *, by: str = "created_at", condition: str | None = None
    ) -> list[Record]:
        """The newest records that pass, newest first.

        Args:
            where: Which records.
            limit: How many at most.
            by: "created_at" (when it was said) or "id" (when it arrived).
            condition: One more SQL condition, built from literals of our own.
        """
        sql = " AND ".join(part for part in (where.to_sql(), condition) if part) or None
        order = [ColumnOrdering(column_name=by, ascending=False, nulls_first=False)]
        if by != "id":
            order.append(ColumnOrdering(column_name="id", ascending=False, nulls_first=False))

        def ask() -> pa.Table:
            query = self._table.search().select(record_columns()).order_by(order)
            # What `as_of` lets by too much is dropped below, so the limit cannot be LanceDB's.
            query = query.limit(limit if where.as_of is None else None)
            return (query.where(sql) if sql else query).to_arrow()

        records = from_table(self._read("reading records", ask))
        return [record for record in records if where.admits(record)][:limit]

    def birth(self) -> datetime | None:
        """When the first of the records arrived; None while there is none."""
        order = [ColumnOrdering(column_name="ingested_at", ascending=True, nulls_first=False)]

        def ask() -> pa.Table:
            return self._table.search().select(["ingested_at"]).order_by(order).limit(1).to_arrow()

        first = self._read("reading records", ask)["ingested_at"].to_pylist()
        return first[0] if first else None

    def pending(self, limit: int) -> list[Record]:
        """Records that wait for their vector, oldest arrival first."""
        order = [ColumnOrdering(column_name="id", ascending=True, nulls_first=False)]

        def ask() -> pa.Table:
            query = self._table.search().where("embedder IS NULL AND tombstoned_at IS NULL")
            return query.select(record_columns()).order_by(order).limit(limit).to_arrow()

        return from_table(self._read("reading records", ask))

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """The nearest by the best cosine of the whole text and its passages, best first.

        What was never embedded is not among them.

        Args:
            query: float32, (dim,), unit length.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: How many at most.
            nprobes: Partitions to look into where the vectors are indexed.
        """

        def ask(condition: str | None, most: int) -> pa.Table:
            return self._nearest(query, condition, most, nprobes)

        rows = self._read("searching vectors", lambda: _few_forgotten(ask, where, limit))
        return dict(zip(self._met(rows), rows["cosine"].to_pylist(), strict=True))

    def matching(self, text: str, where: Filter, limit: int) -> dict[str, float]:
        """The best by BM25 over the terms of the text, best first, an unindexed tail included.

        Args:
            text: The question.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: How many at most.
        """
        wanted = query_terms(text)
        if not wanted:
            return {}

        def ask(condition: str | None, most: int) -> pa.Table:
            # A MatchQuery takes the terms as they are; it has no operators to inject.
            words: Any = _match_query(" ".join(wanted), "terms")
            search = self._table.search(words, query_type="fts").limit(most)
            search = search.where(condition, prefilter=True) if condition else search
            return search.select(["id", "_score", "tombstoned_at"]).with_row_id(True).to_arrow()

        rows = self._read("searching words", lambda: _few_forgotten(ask, where, limit))
        return dict(zip(self._met(rows), rows["_score"].to_pylist(), strict=True))

    def aside(self, work: Callable[[], T]) -> Callable[[], T]:
        """What gives the result of `work` when it is called, which is done meanwhile."""
        return _ASIDE.submit(work).result

    def count(self, where: Filter) -> int:
        """How many records pass; `as_of` is not looked at in detail."""
        return self._read("counting records", lambda: self._table.count_rows(where.to_sql()))

    def changed_after(self, moment: datetime | None) -> int:
        """How many records were stored or changed after `moment`; None counts all."""
        where = None if moment is None else f"updated_at > {sql_time(moment)}"
        return self._read("counting records", lambda: self._table.count_rows(where))

    def changed_since(self, version: int, take: Callable[[Iterable[pa.RecordBatch]], T]) -> T:
        """What `take` makes of all rows, with every column, that were changed after the version.

        Where the table moved away in the middle, `take` is asked again from the beginning.
        """
        query = self._table.search().where(f"table_version > {version}").limit(None)
        return self._read("copying the table", lambda: take(query.to_batches(_BATCH_ROWS)))

    def keys_since(self, version: int) -> pa.ChunkedArray:
        """The idempotency keys of all rows that were stored or changed after the version."""
        query = self._table.search().where(f"table_version > {version}").limit(None)
        found: pa.Table = self._read("reading keys", query.select(["idem"]).to_arrow)
        return found["idem"]

    def table_versions(self) -> NDArray[np.int64]:
        """The column `table_version`, (n,), int64, in any order."""
        query = self._table.search().select(["table_version"]).limit(None)
        column = self._read("reading the table's versions", query.to_arrow)["table_version"]
        versions: NDArray[np.int64] = column.to_numpy()
        return versions

    def contents(self, now: datetime) -> dict[str | None, Contents]:
        """What each project holds, and the records of no project under None, in one scan."""
        names = ["project", "id", "created_at", "updated_at", "valid_to", "tombstoned_at"]
        names += ["table_version", "embedder"]
        rows = self._read(
            "reading the watermark",
            lambda: self._table.search().select(names).limit(None).to_arrow(),
        )
        return _contents_by_project(rows, now)

    def _nearest(
        self,
        query: Vector,
        condition: str | None,
        most: int,
        nprobes: int,
        attempts: int = _ATTEMPTS,
    ) -> pa.Table:
        """As `nearest`, the columns id, tombstoned_at, _rowid and cosine."""
        by_passage = _BESIDE.submit(
            self._by_vector, "passages", "cosine", query, condition, most, nprobes
        )
        best = self._by_vector("vector", "dot", query, condition, most, nprobes)
        for row, cosine in by_passage.result().items():
            best[row] = max(cosine, best.get(row, cosine))
        wanted = sorted(best, key=lambda row: -best[row])[:most]
        found = self._table.take_row_ids(wanted).select(["id", "tombstoned_at"])
        rows: pa.Table = found.with_row_id().to_arrow()
        if rows.num_rows < len(wanted) and attempts > 1:
            # Some were moved since they were found, and lie elsewhere by now.
            return self._nearest(query, condition, most, nprobes, attempts - 1)
        cosines = pa.array([best[row] for row in rows["_rowid"].to_pylist()], pa.float64())
        order = [("cosine", "descending"), ("id", "ascending")]
        return rows.append_column("cosine", cosines).sort_by(order)

    def _by_vector(
        self,
        column: str,
        distance: Literal["cosine", "dot"],
        query: Vector,
        condition: str | None,
        most: int,
        nprobes: int,
    ) -> dict[int, float]:
        """Cosines by row id; to read the ids of records here would cost as much as the search."""
        search = self._table.search(query, vector_column_name=column).distance_type(distance)
        search = search.nprobes(nprobes).refine_factor(_REFINE).limit(most)
        search = search.where(condition, prefilter=True) if condition else search
        found = search.select(["_distance"]).with_row_id(True).to_arrow()
        # LanceDB's dot distance is one minus the dot product, which on unit vectors is the cosine.
        cosines = [1.0 - distance for distance in found["_distance"].to_pylist()]
        return dict(zip(found["_rowid"].to_pylist(), cosines, strict=True))

    def _met(self, rows: pa.Table) -> list[str]:
        """The ids of what a search found; where it lies is noted."""
        ids: list[str] = rows["id"].to_pylist()
        self._row_ids.add(ids, rows["_rowid"].to_pylist())
        return ids

    def _with_ids(self, names: list[str], ids: Collection[str]) -> Iterator[pa.Table]:
        """These columns, "id" among them, of the rows with these ids, in batches."""
        missing, known = set(ids), self._row_ids.row_ids(ids)
        if known:
            query = self._table.take_row_ids(known).select(names)
            rows: pa.Table = self._read("reading records", query.to_arrow)
            rows = rows.filter(pc.is_in(rows["id"], value_set=pa.array(missing, pa.string())))
            missing.difference_update(rows["id"].to_pylist())
            yield rows
        yield from self._select(names, "id", sorted(missing))

    def _select(self, names: list[str], column: str, values: Sequence[str]) -> Iterator[pa.Table]:
        """These columns of the rows whose text column has one of the values, in batches."""
        for start in range(0, len(values), _ID_BATCH):
            where = sql_in(column, values[start : start + _ID_BATCH])
            query = self._table.search().where(where).limit(None).select(names)
            yield self._read("reading records", query.to_arrow)

    def _read(self, what: str, work: Callable[[], T]) -> T:
        with translated(what), self._readers.reading():
            if self._follow_latest:
                return retried(what, work, self._table.checkout_latest)
            return work()


def _few_forgotten(
    ask: Callable[[str | None, int], pa.Table], where: Filter, limit: int
) -> pa.Table:
    """What is asked under a filter, at most so many rows.

    For a condition LanceDB scans a column, which takes it longer than a search for words, and half
    as long as one for vectors. Where nothing but the forgotten ones is left out, and they are few,
    they are dropped here instead.
    """
    if where == _ALL_BUT_FORGOTTEN:
        most = limit + limit // 4
        rows = ask(None, most)
        kept = rows.filter(pc.is_null(rows["tombstoned_at"]))
        if kept.num_rows >= limit or rows.num_rows < most:
            return kept.slice(0, limit)
    return ask(where.to_sql(), limit)


def _contents_by_project(rows: pa.Table, now: datetime) -> dict[str | None, Contents]:
    tombstoned = pc.is_valid(rows["tombstoned_at"])
    moment = pa.scalar(now, pa.timestamp("us", "UTC"))
    superseded = pc.fill_null(pc.less_equal(rows["valid_to"], moment), False)
    withheld = pc.or_(tombstoned, superseded)
    live = pc.invert(withheld)
    pending = pc.and_(pc.is_null(rows["embedder"]), pc.invert(tombstoned))
    table = pa.table(
        {
            "project": rows["project"],
            "live": pc.cast(live, pa.int64()),
            "tombstoned": pc.cast(tombstoned, pa.int64()),
            "pending": pc.cast(pending, pa.int64()),
            "id": rows["id"],
            "created": pc.if_else(live, rows["created_at"], None),
            "updated": rows["updated_at"],
            "version": rows["table_version"],
            "removal": pc.if_else(withheld, rows["table_version"], 0),
        }
    )
    grouped = table.group_by("project").aggregate(
        [
            ("live", "sum"),
            ("id", "count"),
            ("tombstoned", "sum"),
            ("pending", "sum"),
            ("id", "max"),
            ("created", "max"),
            ("updated", "max"),
            ("version", "max"),
            ("removal", "max"),
        ]
    )
    return {
        row["project"]: Contents(
            live=row["live_sum"],
            total=row["id_count"],
            tombstoned=row["tombstoned_sum"],
            pending=row["pending_sum"],
            max_id=row["id_max"],
            max_created_at=row["created_max"],
            max_updated_at=row["updated_max"],
            content_version=row["version_max"],
            removal_version=row["removal_max"],
        )
        for row in grouped.to_pylist()
    }


def merge_contents(parts: Sequence[Contents]) -> Contents:
    """The contents of several disjoint parts together."""
    created = [part.max_created_at for part in parts if part.max_created_at is not None]
    updated = [part.max_updated_at for part in parts if part.max_updated_at is not None]
    return Contents(
        live=sum(part.live for part in parts),
        total=sum(part.total for part in parts),
        tombstoned=sum(part.tombstoned for part in parts),
        pending=sum(part.pending for part in parts),
        max_id=max((part.max_id for part in parts), default=""),
        max_created_at=max(created, default=None),
        max_updated_at=max(updated, default=None),
        content_version=max((part.content_version for part in parts), default=0),
        removal_version=max((part.removal_version for part in parts), default=0),
    )
