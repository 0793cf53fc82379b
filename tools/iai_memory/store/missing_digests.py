"""Digests for the rows that an earlier version wrote, some rows a commit."""

from __future__ import annotations

from typing import Final

from lancedb.table import LanceTable

from .row_digest import with_digests
from .schema import DIGEST_COLUMN

_MISSING: Final = f"{DIGEST_COLUMN} IS NULL"


def count_missing_digests(table: LanceTable) -> int:
    """Return how many rows have no digest."""
    return table.count_rows(_MISSING)


def give_digests(table: LanceTable, limit: int) -> int:
    """Give up to `limit` rows their digest, in one commit; return how many.

    Nothing else of a row changes: it is written as it was read, its `table_version` too. Runs under
    the write lock.
    """
    rows = table.search().where(_MISSING).limit(limit).to_arrow()
    given: int = rows.num_rows
    if given:
        merge = table.merge_insert("id").when_matched_update_all()
        merge.execute(with_digests(rows).cast(table.schema), on_bad_vectors="null")
    return given
