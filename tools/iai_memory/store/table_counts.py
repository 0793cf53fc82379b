"""How many rows of the table meet a condition, and which names they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from .arrow import pc
from .filter import Filter
from .missing_tokens import lacking_tokens
from .schema import TOKEN_COLUMNS
from .statistics import STATISTICS_COLUMNS, StatisticsByProject, Tally, statistics_by_project
from .table_access import TableAccess

PENDING: Final = "embedder IS NULL AND tombstoned_at IS NULL"
"""Condition of the rows that wait for vectors."""

TIMED_COLUMNS: Final = (
    *("table_version", "updated_at", "ingested_at"),
    *("arrival", "arrived_at"),
)
"""What `SettledTimes` are made of."""

FORGOTTEN: Final = "tombstoned_at IS NOT NULL"
"""Condition of the rows that were forgotten or folded."""


class TableCounts(TableAccess):
    """Counts and names."""

    def count(self, where: Filter) -> int:
        """Return the number of records that pass; with `as_of` it may count too many."""
        return self._read("counting records", lambda: self._table.count_rows(where.to_sql()))

    def tally(self, where: Filter) -> Tally:
        """Count the records that pass; with `as_of` it may count too many."""
        admitted = where.to_sql()
        waiting = " AND ".join(part for part in (admitted, "embedder IS NULL") if part)
        return self._read(
            "counting records",
            lambda: Tally(self._table.count_rows(admitted), self._table.count_rows(waiting)),
        )

    def count_forgotten(self) -> int:
        """Return the number of forgotten or folded records; costs a millisecond."""
        return self._read("counting records", lambda: self._table.count_rows(FORGOTTEN))

    def count_forgotten_where(self, where: Filter, terms: Sequence[str] = ()) -> int:
        """Return how many forgotten records would pass; copies that were folded are none.

        Args:
            where: Which records.
            terms: Of a question: only those count that have at least half of them.
        """
        parts = [replace(where, include_tombstoned=True).to_sql(), FORGOTTEN]
        parts += [] if "folded_into" in self._lacking else ["folded_into = ''"]
        return self._count_saying(" AND ".join(part for part in parts if part), terms)

    def count_superseded(self, where: Filter, terms: Sequence[str]) -> int:
        """Return how many superseded records pass that have at least half of the terms."""
        parts = [replace(where, include_superseded=True).to_sql(), "superseded_by IS NOT NULL"]
        return self._count_saying(" AND ".join(part for part in parts if part), terms)

    def _count_saying(self, condition: str, terms: Sequence[str]) -> int:
        """Count the records of a condition; with terms, those that have at least half of them."""
        if not terms:
            return self._read("counting records", lambda: self._table.count_rows(condition))
        query = self._table.search().select(["terms"]).where(condition).limit(None)
        texts = self._read("reading words", query.to_arrow)["terms"].to_pylist()
        wanted = [f" {term} " for term in terms]
        held = (sum(term in f" {text} " for term in wanted) for text in texts)
        return sum(2 * count >= len(wanted) for count in held)

    def count_pending(self) -> int:
        """Return the number of records that wait for vectors; costs a millisecond."""
        return self._read("counting records", lambda: self._table.count_rows(PENDING))

    def count_lacking_tokens(self, token_key: str) -> int:
        """Return the number of records that wait for token vectors of this model."""
        if self._lacking.intersection(TOKEN_COLUMNS):
            return 0
        where = lacking_tokens(token_key)
        return self._read("counting records", lambda: self._table.count_rows(where))

    def count_changed_after(self, version: int) -> int:
        """Return the number of records that were stored or changed after the version."""
        where = f"table_version > {version}"
        return self._read("counting records", lambda: self._table.count_rows(where))

    def commit_times(self) -> pa.Table:
        """Return `TIMED_COLUMNS` of every row, in any order."""
        query = self._table.search().select(self._present(TIMED_COLUMNS)).limit(None)
        return self._read("reading times", query.to_arrow)

    def names(self, column: str, *, forgotten: bool = False) -> set[str]:
        """Return the distinct names in a column of the records.

        Args:
            column: One of project, session_id, origin and tags.
            forgotten: Whether those of forgotten records count.
        """
        query = self._table.search().select([column]).limit(None)
        query = query if forgotten else query.where("tombstoned_at IS NULL")
        found = self._read("reading names", query.to_arrow)[column]
        if pa.types.is_list(found.type):
            found = pc.list_flatten(found)
        return {name for name in pc.unique(found).to_pylist() if name}

    def statistics_by_project(self) -> StatisticsByProject:
        """Return statistics of each project, from one scan of a few columns of every row."""
        rows = self._read(
            "reading the watermark",
            self._table.search().select(self._present(STATISTICS_COLUMNS)).limit(None).to_arrow,
        )
        return statistics_by_project(rows)
