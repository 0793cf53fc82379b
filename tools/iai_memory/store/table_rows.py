"""Rows of the table by id, key or session, as fast as where they lie is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from typing import Final

import pyarrow as pa
from lancedb.table import LanceTable

from ..embedding.token_vectors import TokenVectors, unpacked
from .arrow import pc
from .candidate import CANDIDATE_COLUMNS, Candidate
from .known import KNOWN_COLUMNS, KnownMemory, known_memories, with_hashes
from .read_lock import ReadLock
from .record import Record
from .record_rows import from_table, record_columns
from .row_id_cache import RowIdCache, RowIdIndex
from .schema import TOKEN_COLUMNS
from .session_order import SessionOrder
from .similarity import Similarity, similarities_of
from .sql import sql_in
from .table_access import TableAccess
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

IDS_PER_QUERY: Final = 1_000
"""Rows that are read at a time."""

_TOKENS_ASIDE: Final = ThreadPoolExecutor(2, "reading-token-vectors")


class TableRows(TableAccess):
    """A handle of the table that remembers where the rows lie which it has met."""

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
        for start in range(0, len(values), IDS_PER_QUERY):
            where = sql_in(column, values[start : start + IDS_PER_QUERY])
            query = self._table.search().where(where).limit(None).select(self._present(names))
            query = query.with_row_id(with_row_id)
            yield self._read("reading records", query.to_arrow)


def _whole(embedded: pa.Table) -> Iterator[Vector]:
    """Yield the column `vector` of rows that all have one."""
    return (vector for vector in vectors_of(embedded) if vector is not None)
