"""The digest of a row: 8 bytes over all of its fields, by which a reader knows a damaged row.

It lies in a column of its own, an int64: 40 bits of BLAKE2b over every other field that is not
null, and below them 24 bits of the row's `table_version`. A null is a row of an earlier version,
which is given its digest in a sleep.

Earlier versions know the column's name from the table alone: they write a null there with each row,
but when they drop vectors they leave the digest as it was. By its version such a digest is told
from damage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .arrow import pc
from .schema import DIGEST_COLUMN

_VERSION_BITS: Final = 24
_VERSION_MASK: Final = (1 << _VERSION_BITS) - 1
_HASH_BYTES: Final = 5
_LARGE: Final = ("text", "terms", "vector", "passages")
_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Verified:
    """What the digests of some rows say.

    Attributes:
        damaged: Numbers of the rows that are not what was written.
        without: How many have no digest that says anything of them.
    """

    damaged: list[int]
    without: int


def with_digests(table: pa.Table) -> pa.Table:
    """Return whole rows with their digests, where the table's schema has the column."""
    if DIGEST_COLUMN not in table.schema.names:
        return table
    at = table.schema.get_field_index(DIGEST_COLUMN)
    return table.set_column(at, table.schema.field(at), row_digests(table))


def row_digests(table: pa.Table) -> pa.Array:
    """Return the digest of each row; costs about 15 µs a row.

    Args:
        table: Whole rows, in any order of columns and whatever columns their version has: one that
            is null counts as one that is missing.
    """
    names = [name for name in sorted(table.schema.names) if name not in (*_LARGE, DIGEST_COLUMN)]
    columns = [_plain(table[name].combine_chunks()) for name in names]
    large = [
        _in_bytes(table[name].combine_chunks()) for name in _LARGE if name in table.schema.names
    ]
    hashes: list[bytes] = []
    for values, *parts in zip(zip(*columns, strict=True), *large, strict=True):
        row = [pair for pair in zip(names, values, strict=True) if pair[1] is not None]
        # Their lengths keep the parts apart; a row without passages is none with empty ones.
        lengths = [None if part is None else len(part) for part in parts]
        digest = blake2b(_to_json((row, lengths)).encode(), digest_size=_HASH_BYTES)
        for part in parts:
            digest.update(part or b"")
        hashes.append(digest.digest())
    numbers = [int.from_bytes(one, "big", signed=True) for one in hashes]
    return pa.array(np.array(numbers, np.int64) << _VERSION_BITS | _versions(table))


def verify(table: pa.Table) -> Verified:
    """Compare whole rows with their digests; those of a table without the column have none."""
    if DIGEST_COLUMN not in table.schema.names:
        return Verified([], table.num_rows)
    stored = table[DIGEST_COLUMN].combine_chunks()
    known = stored.is_valid().to_numpy(zero_copy_only=False)
    found = stored.fill_null(0).to_numpy()
    wrong = known & (found != row_digests(table).to_numpy())
    stale = wrong & _of_dropped_vectors(table, found)
    damaged: list[int] = np.flatnonzero(wrong & ~stale).tolist()
    return Verified(damaged, int((~known).sum() + stale.sum()))


def _of_dropped_vectors(table: pa.Table, digests: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are as an earlier version leaves them that drops all vectors.

    They have none, and a version above that of their digest.
    """
    newer = (_versions(table) - (digests & _VERSION_MASK)) & _VERSION_MASK
    is_newer = (newer > 0) & (newer <= _VERSION_MASK >> 1)
    for name in ("vector", "embedder", "passages"):
        is_newer &= pc.is_null(table[name].combine_chunks()).to_numpy(zero_copy_only=False)
    return is_newer


def _versions(table: pa.Table) -> NDArray[np.int64]:
    versions: NDArray[np.int64] = table["table_version"].combine_chunks().to_numpy()
    return versions & _VERSION_MASK


def _plain(column: pa.Array) -> Sequence[Any]:
    """Return the values of a column as JSON knows them; times as microseconds."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _in_bytes(column: pa.Array) -> Iterator[bytes | None]:
    """Yield a row's text, or its vectors after each other, as bytes; None where it has none."""
    if pa.types.is_string(column.type):
        yield from column.cast(pa.binary()).to_pylist()
        return
    counts = [1] * len(column)
    if not pa.types.is_fixed_size_list(column.type):
        counts, vectors = column.value_lengths().to_pylist(), column.flatten()
    else:
        vectors = column
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    content = memoryview(flat).cast("B")
    size, at = vectors.type.list_size * flat.itemsize, 0
    for count, is_there in zip(counts, column.is_valid().to_pylist(), strict=True):
        if not is_there:
            yield None
            continue
        yield bytes(content[at : at + count * size])
        at += count * size
