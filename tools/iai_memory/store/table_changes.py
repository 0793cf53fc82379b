"""The rows of the table that are newer than a version, for what is kept in memory beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .known import KNOWN_COLUMNS, with_hashes
from .schema import TOKEN_COLUMNS
from .table_access import TableAccess

T = TypeVar("T")

BATCH_ROWS: Final = 500
"""Rows of a batch: LanceDB reads some ahead, which take 20 MB; of four times as many, 90 MB."""


class TableChanges(TableAccess):
    """Reads of what was stored or changed after a version, forgotten rows included."""

    def ids_changed_since(self, version: int) -> set[str]:
        """Return the ids of all rows that were stored or changed after the version."""
        return set(self._ids(f"table_version > {version}"))

    def changed_since(self, version: int, take: Callable[[Iterable[pa.RecordBatch]], T]) -> T:
        """Pass all rows that were changed after the version to `take`, without token vectors.

        Where the version is cleaned up in the middle, `take` is called again from the beginning.

        Returns:
            What `take` returned.
        """
        names = [name for name in self._table.schema.names if name not in TOKEN_COLUMNS]
        query = self._table.search().where(f"table_version > {version}").select(names).limit(None)
        return self._read("copying the table", lambda: take(query.to_batches(BATCH_ROWS)))

    def keys_since(self, version: int) -> pa.ChunkedArray:
        """Return the idempotency keys of all rows that were stored or changed after the version."""
        query = self._table.search().where(f"table_version > {version}").limit(None)
        found: pa.Table = self._read("reading keys", query.select(["idem"]).to_arrow)
        return found["idem"]

    def known_since(self, version: int) -> pa.Table:
        """Return all rows that were stored or changed after the version, as `with_hashes` does.

        Texts are read in batches: only their hashes are kept.
        """
        query = self._table.search().where(f"table_version > {version}").limit(None)

        def rows() -> pa.Table:
            batches = query.select([*KNOWN_COLUMNS]).to_batches(batch_size=BATCH_ROWS)
            parts = [with_hashes(pa.table(batch)) for batch in batches]
            return pa.concat_tables(parts) if parts else with_hashes(batches.schema.empty_table())

        return self._read("reading keys", rows)

    def versions_by_id(self) -> dict[str, int]:
        """Return the version that each row's last change became, by id, forgotten rows included."""
        query = self._table.search().select(["id", "table_version"]).limit(None)
        found: pa.Table = self._read("reading the table's versions", query.to_arrow)
        ids, versions = found["id"].to_pylist(), found["table_version"].to_pylist()
        return dict(zip(ids, versions, strict=True))

    def table_versions(self) -> NDArray[np.int64]:
        """Return the column `table_version`, (n,), int64, in any order."""
        query = self._table.search().select(["table_version"]).limit(None)
        column = self._read("reading the table's versions", query.to_arrow)["table_version"]
        versions: NDArray[np.int64] = column.to_numpy()
        return versions
