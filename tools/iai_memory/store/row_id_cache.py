"""The row ids of rows that a search found, so that reading them needs no look-up of their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ..base.fifo_cache import FifoCache

_MAX_ROWS: Final = 10_000


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

    def row_ids(self, ids: Collection[str]) -> list[int]:
        """Return the row ids of the cached records among `ids`, in their order."""
        return list(self._row_ids.found(ids).values())
