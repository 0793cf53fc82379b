"""A segment: one batch of rows as read-only parts that never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import pc
from ..quantization import binary_codes
from ..stable_hash import Hashes, hashes_of
from ..vector_rows import count_vectors, read_vectors
from ..vocabulary import Vocabulary
from .columns import Columns
from .inverted_index import Postings
from .key_index import KeyIndex, Rows
from .record_store import joined_records, records_of
from .vector_index import Vectors

if TYPE_CHECKING:
    from .changed_names import ChangedNames


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the table with quantized vectors, before they are indexed as a segment.

    Attributes:
        records: All columns but the vectors, with names as dictionary columns.
        keys: Hash of each row's id, int64, (n,).
        vectors: Of the rows; none of a forgotten one.
    """

    records: pa.RecordBatch
    keys: Hashes
    vectors: Vectors

    @classmethod
    def read(cls, batches: Sequence[pa.RecordBatch]) -> Self:
        """Copy rows as LanceDB gives them, with all columns: at least one, no two of one id."""
        table = pa.Table.from_batches(batches)
        live = pc.is_null(table["tombstoned_at"])
        counts = np.zeros(table.num_rows, np.int32)
        held = table.filter(live)
        counts[live.to_numpy()] = count_vectors(held)
        codes, spans = read_vectors(held)
        vectors = Vectors.of(codes, binary_codes(codes.components), spans, counts)
        return cls(records_of(batches), hashes_of(table["id"].to_pylist()), vectors)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Concatenate at least one batch."""
        return cls(
            joined_records([part.records for part in parts]),
            np.concatenate([part.keys for part in parts]),
            Vectors.joined([part.vectors for part in parts]),
        )

    def only(self, kept: NDArray[np.bool_]) -> Self:
        """Drop the rows that are not kept; bool, (n,)."""
        records = self.records.filter(pa.array(kept))
        return type(self)(records, self.keys[kept], self.vectors.only(kept))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """Size of all buffers."""
        return int(self.records.nbytes) + self.keys.nbytes + self.vectors.nbytes


@dataclass(frozen=True)
class Segment:
    """Rows with every index that they are searched by. Read-only.

    Attributes:
        batch: Records and vectors.
        columns: The filter columns.
        postings: Rows by term.
        ids: Rows by the hash of their id, one each.
        by_successor: Rows by the hash of the id of the record that replaced them.
        sessions: Rows by the hash of their session, in the order in which they were said.
    """

    batch: Batch
    columns: Columns
    postings: Postings
    ids: KeyIndex
    by_successor: KeyIndex
    sessions: KeyIndex

    @classmethod
    def build(cls, batch: Batch) -> Self:
        """Index the rows."""
        records = batch.records
        terms = pc.if_else(pc.is_null(records["tombstoned_at"]), records["terms"], None)
        return cls._of(batch, Postings.of(terms))

    @classmethod
    def merge(cls, parts: Sequence[tuple[Self, NDArray[np.bool_]]]) -> Self:
        """Merge at least one segment, with the rows of each that are kept; bool, (rows,)."""
        whole = [(one, None if kept.all() else kept) for one, kept in parts]
        batch = Batch.joined(
            [one.batch if kept is None else one.batch.only(kept) for one, kept in whole]
        )
        postings = Postings.joined(
            [one.postings if kept is None else one.postings.only(kept) for one, kept in whole]
        )
        return cls._of(batch, postings)

    @classmethod
    def _of(cls, batch: Batch, postings: Postings) -> Self:
        records = batch.records
        return cls(
            batch,
            Columns.of(records),
            postings,
            KeyIndex.of(batch.keys, np.arange(len(batch))),
            _by_successor(records["superseded_by"]),
            _sessions(records),
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.batch)

    @cached_property
    def nbytes(self) -> int:
        """Size of all buffers, those that two parts share counted twice."""
        indexes = (self.ids, self.by_successor, self.sessions)
        parts = (self.batch, self.columns, self.postings, *indexes)
        return sum(part.nbytes for part in parts)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the rows that are not forgotten, made when the first one is looked for.

        30,000 words take 1 MB, which `nbytes` does not count.
        """
        records = self.batch.records
        return Vocabulary.of(records["terms"].filter(pc.is_null(records["tombstoned_at"])))

    @cached_property
    def changed_names(self) -> ChangedNames:
        """The changed files of all rows by name, made when the first one is looked for.

        `nbytes` does not count it.
        """
        from .changed_names import ChangedNames  # few searches need it

        return ChangedNames.of(self.batch.records)

    def ids_at(self, rows: Rows) -> list[str]:
        """Return the ids of these rows."""
        found: list[str] = self.batch.records["id"].take(pa.array(rows)).to_pylist()
        return found


def _by_successor(column: pa.StringArray) -> KeyIndex:
    """Index the rows that were superseded by the id of their successor."""
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    return KeyIndex.of(hashes_of(column.drop_null().to_pylist()), rows)


def _sessions(records: pa.RecordBatch) -> KeyIndex:
    """Index the rows of each session, ordered by `created_at` and then by id."""
    column = records["session_id"]
    order = pc.sort_indices(
        records, sort_keys=[("created_at", "ascending"), ("id", "ascending")]
    ).to_numpy()
    rows = order[column.is_valid().to_numpy(zero_copy_only=False)[order]].astype(np.intp)
    of_each = hashes_of(column.dictionary.to_pylist())
    numbers = pc.fill_null(column.indices, 0).to_numpy()
    return KeyIndex.of(of_each[numbers[rows]], rows)
