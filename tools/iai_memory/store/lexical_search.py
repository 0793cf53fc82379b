"""Search by words in LanceDB: BM25 over the column `terms`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from lancedb.query import MatchQuery
from lancedb.table import LanceTable

# pydantic dataclasses hide their defaults from type checkers here.
_match_query: Any = MatchQuery


def matching_rows(
    table: LanceTable, terms: Sequence[str], condition: str | None, limit: int
) -> pa.Table:
    """Return rows with any of the terms, best first: id, _score, tombstoned_at and _rowid.

    Rows that the index does not know yet are searched too.

    Args:
        table: At the version to search.
        terms: As `query_terms` makes them, at least one.
        condition: SQL that rows must pass; None is every row.
        limit: Maximum number of rows.
    """
    # A MatchQuery takes the terms as they are; it has no operators to inject.
    words: Any = _match_query(" ".join(terms), "terms")
    search = table.search(words, query_type="fts").limit(limit)
    search = search.where(condition, prefilter=True) if condition else search
    found: pa.Table = search.select(["id", "_score", "tombstoned_at"]).with_row_id(True).to_arrow()
    return found
