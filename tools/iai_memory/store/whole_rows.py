"""Whole rows as they lie in the table, every column, to compare them with their digests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pyarrow as pa

from .table_access import TableAccess
from .table_changes import BATCH_ROWS

T = TypeVar("T")


class WholeRows(TableAccess):
    """Reads of whole rows, forgotten ones included."""

    def count_all(self) -> int:
        """Return the number of all rows."""
        return self._read("counting records", self._table.count_rows)

    def whole_rows(self, take: Callable[[Iterable[pa.RecordBatch]], T]) -> T:
        """Pass all rows, with every column, to `take` in batches; return what it returns."""
        query = self._table.search().limit(None)
        return self._read("reading records", lambda: take(query.to_batches(BATCH_ROWS)))

    def whole_rows_at(self, places: Sequence[int]) -> pa.Table:
        """Return the rows at these places, with every column; the newest ones have the last."""
        return self._read(
            "reading records", lambda: self._table.take_offsets(sorted(places)).to_arrow()
        )

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Return these columns of all rows, in any order of the rows."""
        query = self._table.search().select(self._present(names)).limit(None)
        return self._read("reading records", query.to_arrow)
