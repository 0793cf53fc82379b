"""Reads of the table, on its latest version or on one pinned version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import compress
from typing import TYPE_CHECKING, Final, TypeVar

import pyarrow as pa
from lancedb.query import ColumnOrdering
from lancedb.table import LanceTable

from ..embedding.token_vectors import TokenVectors, unpacked
from ..text.analyzer import query_terms
from .arrow import pc
from .candidate import CANDIDATE_COLUMNS, Candidate
from .dense_search import nearest_rows
from .filter import Filter
from .known import KNOWN_COLUMNS, KnownMemory, known_memories, with_hashes
from .lexical_search import matching_rows
from .missing_tokens import lacking_tokens
from .plausible_times import is_behind
from .read_lock import ReadLock
from .record import Record
from .record_rows import RETIRED_COLUMNS, from_table, record_columns
from .row_id_cache import RowIdCache, RowIdIndex
from .schema import TOKEN_COLUMNS
from .session_order import SessionOrder
from .similarity import Similarity, similarities_of
from .sql import sql_in, sql_text, sql_time
from .table_changes import BATCH_ROWS, TableChanges
from .table_counts import FORGOTTEN, PENDING, TableCounts
from .vector_rows import (
    SEARCHED_COLUMNS,
    VECTOR_COLUMNS,
    Row,
    Vector,
    count_vectors,
    from_arrow,
    read_vectors,
    token_bytes_of,
    vectors_of,
)
from .vocabulary import NearWord, Sought, Vocabulary
from .whole_rows import WholeRows

if TYPE_CHECKING:
    from .settled_times import SettledTimes

T = TypeVar("T")

_IDS_PER_QUERY: Final = 1_000
_FIRST_LOOKED_AT: Final = 1_000
_LOOKED_AT_FOR_TERMS: Final = 20
_TOKEN_ROWS: Final = 100  # LanceDB reads some batches ahead
MOST_READ: Final = 50_000
"""Rows whose words are read to find a word that is spelled nearly like another."""
# Not the threads of the dense search: work beside the caller may search vectors itself, and would
# wait for one of those.
_ASIDE: Final = ThreadPoolExecutor(4, "reading-aside")
_TOKENS_ASIDE: Final = ThreadPoolExecutor(2, "reading-token-vectors")
_ALL_BUT_FORGOTTEN: Final = Filter(include_superseded=True)
_OUTLINE: Final = (
    *("id", "session_id", "host", "role", "created_at", "project", "superseded_by", "tags"),
    "tombstoned_at",
)


class TableReader(TableCounts, TableChanges, WholeRows):
    """Read access to the table through one handle: records, searches, counts and changes."""

    def __init__(
        self,
        table: LanceTable,
        read_lock: ReadLock,
        *,
        follow_latest: bool,
        mend: Callable[[], bool] | None = None,
    ) -> None:
        """Take the handle over; see `TableAccess`."""
        super().__init__(table, read_lock, follow_latest=follow_latest, mend=mend)
        self._row_ids = RowIdCache()
        self._all_row_ids: RowIdIndex | None = None

    # Records by id, key or session

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

    def all_rows(self) -> Iterator[Row]:
        """Yield every record with its vectors, forgotten ones too, oldest arrival first."""
        ids = self.ids()
        for start in range(0, len(ids), _IDS_PER_QUERY):
            rows = self.rows(ids[start : start + _IDS_PER_QUERY])
            yield from sorted(rows, key=lambda row: row.record.id)

    def get(self, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids, forgotten ones included, in the order of `ids`."""
        found = {record.id: record for record in self.by_column("id", ids)}
        return [found[id_] for id_ in ids if id_ in found]

    def by_column(self, column: str, values: Sequence[str]) -> list[Record]:
        """Return the records whose text column has one of the values, forgotten ones included."""
        parts = self._select(record_columns(), column, values)
        return [record for part in parts for record in from_table(part)]

    def known(self, keys: Sequence[str]) -> dict[str, list[KnownMemory]]:
        """Return the memories with these idempotency keys, by key, forgotten ones included."""
        return known_memories(map(with_hashes, self._select([*KNOWN_COLUMNS], "idem", keys)))

    def replaced_by(self, ids: Collection[str]) -> list[Record]:
        """Return the records that these directly replaced, forgotten ones too, in any order."""
        return self.by_column("superseded_by", list(ids))

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """Return the records with these ids and their vectors, forgotten ones too, in any order."""
        parts = self._select([*record_columns(), *VECTOR_COLUMNS], "id", ids)
        return [row for part in parts for row in from_arrow(part)]

    def records_in_arrow(self, ids: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the records with these ids as `record_columns`, forgotten ones too, in batches."""
        return self._select(record_columns(), "id", ids)

    def rows_where(self, condition: str) -> list[Row]:
        """Return the records that meet a condition of our own literals, as `rows` does."""
        return self.rows(self._ids(condition))

    def records_where(self, condition: str) -> list[Record]:
        """Return the records that meet a condition of our own literals, forgotten ones too."""
        return self.by_column("id", self._ids(condition))

    def newest_arrival(self) -> int | None:
        """Return the largest number of a change with which a record came; None without any."""
        if "arrival" in self._lacking:
            return None
        query = self._table.search().select(["arrival"]).limit(None)
        newest: int | None = pc.max(
            self._read("reading numbers of changes", query.to_arrow)["arrival"]
        ).as_py()
        return newest

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

    def records_meeting(self, condition: str) -> list[Record]:
        """Return what `records_where` does, in one read: for conditions that many records meet."""
        query = self._table.search().where(condition).select(self._present(record_columns()))
        return from_table(self._read("reading records", query.limit(None).to_arrow))

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

    def forgotten_since(self, version: int) -> list[Record]:
        """Return the forgotten records, no folded ones, that were changed after the version."""
        found = self.records_where(f"{FORGOTTEN} AND table_version > {version}")
        return [record for record in found if not record.folded_into]

    def retired_values(self) -> dict[str, list[str]]:
        """Return texts of columns without a field in Record, by id; writing a row empties them."""
        found: dict[str, list[str]] = {}
        for column in RETIRED_COLUMNS:
            query = self._table.search().where(f"cardinality({column}) > 0").limit(None)
            rows = self._read("reading records", query.select(["id", column]).to_arrow)
            for id_, texts in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True):
                found.setdefault(id_, []).extend(texts)
        return found

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """Return the candidates with these ids, forgotten ones included, in the order of `ids`.

        Ids that the table does not hold are left out.
        """
        found = Candidate.of(self._with_ids(CANDIDATE_COLUMNS, ids))
        return {id_: found[id_] for id_ in ids if id_ in found}

    def similarities(self, query: Vector, ids: Collection[str]) -> dict[str, Similarity]:
        """Return the similarity of these records to the query by id, forgotten ones included.

        Records without vectors are left out.

        Args:
            query: float32, (dim,), unit length.
            ids: Of the records.
        """
        found = dict[str, Similarity]()
        for part in self._with_ids(["id", *SEARCHED_COLUMNS], ids):
            embedded = part.filter(pc.is_valid(part["vector"]))
            codes, spans = read_vectors(embedded)
            counts = count_vectors(embedded)
            found |= similarities_of(
                embedded["id"].to_pylist(), counts, codes.cosines(query), spans
            )
        return found

    def token_vectors(self, ids: Collection[str], token_key: str) -> dict[str, TokenVectors]:
        """Return the token vectors of these records by id, forgotten ones included.

        Records without, with those of another model, and with damaged ones are left out.

        Args:
            ids: Of the records.
            token_key: `Encoder.token_key` of the model that made them.
        """
        return unpacked(self.token_bytes(ids, token_key))

    def token_vectors_ahead(
        self, ids: Collection[str], token_key: str
    ) -> Callable[[], dict[str, TokenVectors]]:
        """Begin to read what `token_vectors` returns; the returned function waits for it."""
        return _TOKENS_ASIDE.submit(self.token_vectors, ids, token_key).result

    def token_bytes(self, ids: Collection[str], token_key: str) -> dict[str, bytes]:
        """Return the token vectors of these records as `unpacked` takes them."""
        if self._lacking.intersection(TOKEN_COLUMNS):
            return {}
        found = dict[str, bytes]()
        self._learn_row_ids(ids)
        for part in self._with_ids(["id", *TOKEN_COLUMNS], ids):
            found |= token_bytes_of(part, token_key)
        return found

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

    def whole_vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """Return the vectors of whole texts by id, unit length; those without are left out."""
        found = dict[str, Vector]()
        for part in self._with_ids(["id", "vector"], ids):
            embedded = part.filter(pc.is_valid(part["vector"]))
            found.update(zip(embedded["id"].to_pylist(), _whole(embedded), strict=True))
        return found

    def sessions(self, session_ids: Collection[str]) -> dict[str, SessionOrder]:
        """Return the order of the turns of each session, by its id.

        Superseded records and forgotten ones are included; sessions without records are left out.
        """
        names, found = ["session_id", "created_at", "id"], dict[str, SessionOrder]()
        parts = self._select(
            [*names, "role", "host", "tombstoned_at"],
            "session_id",
            list(dict.fromkeys(session_ids)),
        )
        for part in parts:
            rows = part.sort_by([(name, "ascending") for name in names])
            runs = pc.run_end_encode(rows["session_id"].combine_chunks())
            ids, ends = rows["id"].to_pylist(), runs.run_ends.to_pylist()
            kinds = [
                pc.equal(rows["role"], "user").to_pylist(),
                pc.is_valid(rows["tombstoned_at"]).to_pylist(),
                pc.or_(pc.is_null(rows["host"]), pc.equal(rows["role"], "note")).to_pylist(),
            ]
            for session, begin, end in zip(runs.values.to_pylist(), [0, *ends], ends, strict=False):
                mine = ids[begin:end]
                sets = (frozenset(compress(mine, kind[begin:end])) for kind in kinds)
                found[session] = SessionOrder(tuple(mine), *sets)
        return found

    # Records in an order

    def newest(
        self, where: Filter, limit: int, *, by: str = "created_at", condition: str | None = None
    ) -> list[Record]:
        """Return the newest records that pass, newest first.

        Args:
            where: Which records.
            limit: Maximum number of records.
            by: "created_at" (when it was said) or "id" (when it arrived).
            condition: One more SQL condition, built from literals of our own.
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

        records = from_table(self._read("reading records", ask))
        return [record for record in records if where.admits(record)][:limit]

    def outline(self, where: Filter, newest: int | None = None) -> pa.Table:
        """Return id, session, host, role, times, project, successor and tags of what passes.

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

    # Searches

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """Return cosines by id, best first: of the whole text or of its best passage.

        Records that were never embedded are not among them.

        Args:
            query: float32, (dim,), unit length.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: Maximum number of records.
            nprobes: Partitions to search where the vectors are indexed.
        """

        def search(condition: str | None, count: int) -> pa.Table:
            return nearest_rows(self._table, query, condition, count, nprobes)

        rows = self._read("searching vectors", lambda: _search_filtered(search, where, limit))
        return dict(zip(self._found(rows), rows["cosine"].to_pylist(), strict=True))

    def matching(
        self, text: str, where: Filter, limit: int, *, forms: Collection[str] = ()
    ) -> dict[str, float]:
        """Return BM25 scores over the terms of the text by id, best first, unindexed rows included.

        Args:
            text: The question.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: Maximum number of records.
            forms: More terms, of other forms of the text's words.
        """
        terms = [*query_terms(text), *forms]
        return self._with_terms(terms, where, limit) if terms else {}

    def texts_with(self, term: str, limit: int) -> list[str]:
        """Return texts that have the term, forgotten ones left out, at most so many."""
        found = self._with_terms([term], _ALL_BUT_FORGOTTEN, limit)
        return [one.record.text for one in self.candidates(found).values()]

    def texts_of_few(self, term: str, most: int) -> list[str] | None:
        """Return the texts that have the term, not forgotten ones; None for more than `most`."""
        found = self._with_terms([term], _ALL_BUT_FORGOTTEN, most + 1)
        if len(found) > most:
            return None
        return [one.record.text for one in self.candidates(found).values()]

    def known_terms(self, terms: Collection[str]) -> set[str]:
        """Return those of the terms that any record has; of forgotten ones none counts."""
        left, known = set(terms), set[str]()
        while left:
            rows = self._with_terms(sorted(left), _ALL_BUT_FORGOTTEN, _LOOKED_AT_FOR_TERMS)
            found = self.candidates(rows).values()
            new = {term for term in left if any(one.has_term(term) for one in found)}
            if not new:
                break
            known |= new
            left -= new
        return known

    def near_words(self, words: Collection[Sought]) -> dict[Sought, list[NearWord]]:
        """Return for each word those that may be another spelling of it.

        Words of forgotten records are left out. A scan, 5 µs a row; of a table with more than
        `MOST_READ` rows, only the words of that many are known.
        """
        known = self._vocabulary()
        return {word: known.near(word) for word in words}

    def forms_of(self, words: Collection[str]) -> dict[str, list[str]]:
        """Return for each case-folded word the terms that may be of its other forms, the likest
        first, as `near_words` does.
        """
        known = self._vocabulary()
        return {word: known.forms(word) for word in words}

    def _vocabulary(self) -> Vocabulary:
        query = self._table.search().where("tombstoned_at IS NULL").select(["terms"])
        column = self._read("reading words", query.limit(MOST_READ).to_arrow)["terms"]
        return Vocabulary.of(column.combine_chunks())

    def _with_terms(self, terms: Sequence[str], where: Filter, limit: int) -> dict[str, float]:
        def search(condition: str | None, count: int) -> pa.Table:
            return matching_rows(self._table, terms, condition, count)

        rows = self._read("searching words", lambda: _search_filtered(search, where, limit))
        return dict(zip(self._found(rows), rows["_score"].to_pylist(), strict=True))

    def overlap(self, work: Callable[[], T]) -> Callable[[], T]:
        """Start `work` in a thread; the returned function waits for its result."""
        return _ASIDE.submit(work).result

    def _found(self, rows: pa.Table) -> list[str]:
        """Return the ids of rows that a search found; remember their row ids."""
        ids: list[str] = rows["id"].to_pylist()
        self._row_ids.add(ids, rows["_rowid"].to_pylist())
        return ids

    def _learn_row_ids(self, ids: Collection[str]) -> None:
        """Look up row ids in an index of all rows, made where most are not known.

        To look for them in the table takes longer with each row that it has.
        """
        unknown = self._row_ids.unknown(ids)
        if not unknown:
            return
        index = self._all_row_ids
        if index is None:
            query = self._table.search().select(["id"]).with_row_id(True).limit(None)
            index = RowIdIndex(self._read("reading ids", query.to_arrow))
            self._all_row_ids = index
        found = index.row_ids(unknown)
        self._row_ids.add(found.keys(), found.values())

    def _with_ids(self, names: list[str], ids: Collection[str]) -> Iterator[pa.Table]:
        """Yield these columns, "id" among them, of the rows with these ids, in batches."""
        missing, known = set(ids), self._row_ids.row_ids(ids)
        if known:
            query = self._table.take_row_ids(known).select(self._present(names))
            rows: pa.Table = self._read("reading records", query.to_arrow)
            rows = rows.filter(pc.is_in(rows["id"], value_set=pa.array(missing, pa.string())))
            missing.difference_update(rows["id"].to_pylist())
            yield rows
        if 2 * len(missing) > len(ids):
            self._all_row_ids = None  # a compaction gave all rows others
        for part in self._select(names, "id", sorted(missing), with_row_id=True):
            self._row_ids.add(part["id"].to_pylist(), part["_rowid"].to_pylist())
            yield part.drop_columns(["_rowid"])

    def _select(
        self, names: list[str], column: str, values: Sequence[str], *, with_row_id: bool = False
    ) -> Iterator[pa.Table]:
        """Yield these columns of the rows whose text column has one of the values, in batches."""
        for start in range(0, len(values), _IDS_PER_QUERY):
            where = sql_in(column, values[start : start + _IDS_PER_QUERY])
            query = self._table.search().where(where).limit(None).select(self._present(names))
            query = query.with_row_id(with_row_id)
            yield self._read("reading records", query.to_arrow)


def _whole(embedded: pa.Table) -> Iterator[Vector]:
    """Yield the column `vector` of rows that all have one."""
    return (vector for vector in vectors_of(embedded) if vector is not None)


def _search_filtered(
    search: Callable[[str | None, int], pa.Table], where: Filter, limit: int
) -> pa.Table:
    """Search under a filter; drop forgotten rows afterwards where that is cheaper.

    For a condition LanceDB scans a column, which takes longer than a search by words, and half as
    long as one by vectors. So a filter that leaves out forgotten rows only is applied here, if few
    of the best rows are forgotten.

    Args:
        search: Given a condition and a limit, the rows found, with the column `tombstoned_at`.
        where: Which records.
        limit: Maximum number of rows.
    """
    if where == _ALL_BUT_FORGOTTEN:
        with_forgotten = limit + limit // 4
        rows = search(None, with_forgotten)
        kept = rows.filter(pc.is_null(rows["tombstoned_at"]))
        if kept.num_rows >= limit or rows.num_rows < with_forgotten:
            return kept.slice(0, limit)
    return search(where.to_sql(), limit)
