"""The row ids of rows that a search found, so that reading them needs no look-up of their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
import pyarrow as pa

from ..base.fifo_cache import FifoCache
from .stable_hash import hashes_of

_MAX_ROWS: Final = 10_000


class RowIdIndex:
    """LanceDB's row ids of all rows as of a version, 16 bytes each; the same holds of them."""

    def __init__(self, rows: pa.Table) -> None:
        """Take the columns `id` and `_rowid` of all rows."""
        hashes = hashes_of(rows["id"].to_pylist())
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._row_ids = rows["_rowid"].to_numpy()[order].astype(np.int64)

    def row_ids(self, ids: Collection[str]) -> dict[str, int]:
        """Return the row id of each of these records that was there, by record id."""
        if not len(self._hashes):
            return {}
        wanted = hashes_of(ids)
        places = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        there = (self._hashes[places] == wanted).tolist()
        found = zip(ids, self._row_ids[places].tolist(), there, strict=True)
        return {id_: row_id for id_, row_id, is_there in found if is_there}


class RowIdCache:
    """LanceDB's row ids by record id.

    A row id may be out of date, which does no harm: a row that was changed, moved or deleted has
    another row id by then, its old one is given to no other row, and LanceDB returns nothing for
    it. Only a table that was put in this one's place may have another record there, so a reader
    that uses a row id has to compare the record's id. Safe for any number of threads.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._row_ids = FifoCache[str, int](_MAX_ROWS)

    def add(self, ids: Iterable[str], row_ids: Iterable[int]) -> None:
        """Note the row id of each of these records."""
        self._row_ids.add(zip(ids, row_ids, strict=True))

    def unknown(self, ids: Iterable[str]) -> list[str]:
        """Return those of the records whose row ids are not cached."""
        known = self._row_ids.found(ids)
        return [id_ for id_ in ids if id_ not in known]

    def row_ids(self, ids: Collection[str]) -> list[int]:
        """Return the row ids of the cached records among `ids`, in their order."""
        return list(self._row_ids.found(ids).values())
