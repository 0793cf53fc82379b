"""Rows of the table, a record with its vectors, in Python and in Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..embedding.passages import Passages
from ..embedding.token_vectors import bytes_of_text
from .quantization import Int8Codes
from .record import Record
from .record_rows import from_table, to_row
from .row_digest import with_digests
from .schema import TOKEN_COLUMNS

Vector = NDArray[np.float32]

SEARCHED_COLUMNS: Final = ("vector", "passages", "passage_spans")
"""The columns of the vectors that a search by meaning compares."""

VECTOR_COLUMNS: Final = (*SEARCHED_COLUMNS, *TOKEN_COLUMNS)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """The token vectors of a row, as they lie in the table.

    Attributes:
        text: What `TokenVectors.from_text` reads.
        key: `EmbedderIdentity.token_key` of the model that made them.
    """

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """A record with its vectors.

    Attributes:
        record: The record.
        vector: Of the whole text, float32, (dim,), unit length; None while it is pending.
        passages: Passages of a text with more than one; None for any other, and while pending.
        tokens: Vectors of the text's tokens; None where they were not made.
    """

    record: Record
    vector: Vector | None
    passages: Passages | None = None
    tokens: StoredTokens | None = None


def to_arrow(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return the rows as a table of this schema, with their digests where it has the column."""
    plain = pa.schema([field for field in schema if field.name not in VECTOR_COLUMNS])
    table = pa.Table.from_pylist([to_row(row.record) for row in rows], schema=plain)
    dimension = schema.field("vector").type.list_size
    passages, tokens = [row.passages for row in rows], [row.tokens for row in rows]
    spans = [None if one is None else [at for span in one.spans for at in span] for one in passages]
    vectors = {
        "vector": _vectors_to_arrow([row.vector for row in rows], dimension),
        "passages": _passages_to_arrow(passages, dimension),
        "passage_spans": pa.array(spans, schema.field("passage_spans").type),
        "token_vectors": pa.array([one and one.text for one in tokens], pa.string()),
        "token_key": pa.array([one and one.key for one in tokens], pa.string()),
    }
    columns = [vectors[name] if name in vectors else table[name] for name in schema.names]
    return with_digests(pa.Table.from_arrays(columns, schema=schema))


def from_arrow(table: pa.Table) -> list[Row]:
    """Return the rows of a table with `record_columns` and `VECTOR_COLUMNS`, as it has them."""
    records = from_table(table)
    return [
        Row(record, vector, passages, tokens)
        for record, vector, passages, tokens in zip(
            records, vectors_of(table), passages_of(table), tokens_of(table), strict=True
        )
    ]


def vectors_of(table: pa.Table) -> Iterator[Vector | None]:
    """Yield the column `vector` row by row, without a Python float for each component."""
    for chunk in table["vector"].chunks:
        following = iter(matrix_of(chunk))
        for valid in chunk.is_valid().to_pylist():
            yield next(following) if valid else None


def passages_of(table: pa.Table) -> Iterator[Passages | None]:
    """Yield the columns `passages` and `passage_spans` row by row."""
    spans = iter(table["passage_spans"].to_pylist())
    for chunk in table["passages"].chunks:
        matrix, at = matrix_of(chunk.flatten()), 0
        for length in chunk.value_lengths().to_pylist():
            ends = next(spans)
            if length is None:
                yield None
                continue
            yield Passages(matrix[at : at + length], tuple(zip(ends[::2], ends[1::2], strict=True)))
            at += length


def tokens_of(table: pa.Table) -> Iterator[StoredTokens | None]:
    """Yield the token columns row by row; None for each row of a table without them."""
    if not {*TOKEN_COLUMNS} <= {*table.column_names}:
        yield from [None] * table.num_rows
        return
    columns = (table[name].to_pylist() for name in TOKEN_COLUMNS)
    for text, key in zip(*columns, strict=True):
        yield None if text is None or key is None else StoredTokens(text, key)


def token_bytes_of(table: pa.Table, token_key: str) -> dict[str, bytes]:
    """Return the token vectors of a model by id, as `unpacked` takes them.

    Rows without, with those of another model, and with damaged ones are left out.
    """
    found = dict[str, bytes]()
    for id_, stored in zip(table["id"].to_pylist(), tokens_of(table), strict=True):
        if stored is not None and stored.key == token_key:
            with suppress(ValueError):  # a check of the digests tells of the damage
                found[id_] = bytes_of_text(stored.text)
    return found


def count_vectors(table: pa.Table) -> NDArray[np.int64]:
    """Return the number of vectors of each row, (n,): of the whole text and of its passages."""
    whole = table["vector"].is_valid().to_numpy()
    parts = table["passages"].combine_chunks().value_lengths().fill_null(0)
    counts: NDArray[np.int64] = parts.to_numpy().astype(np.int64) + whole
    return counts


def read_vectors(table: pa.Table) -> tuple[Int8Codes, NDArray[np.int32]]:
    """Return all vectors of n rows side by side, and their spans.

    Returns:
        Codes of m vectors, those of one row together, its whole text first; and the span of each
        in its text, int32, (m, 2), which is 0, 0 for a whole text.
    """
    counts = count_vectors(table)
    whole = table["vector"].is_valid().to_numpy()
    is_whole = np.zeros(counts.sum(), np.bool_)
    is_whole[(np.cumsum(counts) - counts)[whole]] = True
    vectors = np.empty((len(is_whole), table.schema.field("vector").type.list_size), np.float32)
    vectors[is_whole] = matrix_of(table["vector"].combine_chunks())
    vectors[~is_whole] = matrix_of(table["passages"].combine_chunks().flatten())
    spans = np.zeros((len(is_whole), 2), np.int32)
    ends = table["passage_spans"].combine_chunks().flatten().to_numpy()
    spans[~is_whole] = ends.reshape(-1, 2)
    return Int8Codes.of(vectors), spans


def matrix_of(vectors: pa.FixedSizeListArray) -> NDArray[np.float32]:
    """Return the vectors of a column that are not null, as float32, (n, dim)."""
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    matrix: NDArray[np.float32] = flat.astype(np.float32, copy=False)
    return matrix.reshape(-1, vectors.type.list_size)


def _vectors_to_arrow(vectors: Sequence[Vector | None], dimension: int) -> pa.Array:
    matrix = np.zeros((len(vectors), dimension), np.float32)
    for at, vector in enumerate(vectors):
        if vector is not None:
            matrix[at] = vector
    missing = pa.array([vector is None for vector in vectors], pa.bool_())
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), dimension, mask=missing)


def _passages_to_arrow(passages: Sequence[Passages | None], dimension: int) -> pa.Array:
    held = [one.vectors for one in passages if one is not None]
    flat = np.concatenate(held).ravel() if held else np.empty(0, np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat.astype(np.float16)), dimension)
    lengths = [0 if one is None else len(one.spans) for one in passages]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    missing = pa.array([one is None for one in passages], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), vectors, mask=missing)
