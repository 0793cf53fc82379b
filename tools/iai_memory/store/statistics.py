"""Counts and newest times of the table by project, from one scan of a few columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa

from .arrow import pc

STATISTICS_COLUMNS: Final = (
    *("project", "id", "created_at", "updated_at", "superseded_by", "tombstoned_at"),
    *("table_version", "embedder", "folded_into"),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the rows that a filter admits.

    Attributes:
        rows: All of them.
        pending: Those that wait for vectors, or for those of their last passages.
    """

    rows: int
    pending: int


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """Counts and newest values of a part of the table; every change of it changes one of them.

    Attributes:
        live: Records that are neither forgotten nor folded nor superseded.
        total: Rows, those included.
        tombstoned: Forgotten rows.
        folded: Copies of a turn in whose place another row is shown.
        pending: Rows that are shown and wait for their vectors, or those of their passages.
        max_id: The largest id; ids grow with insertion. Empty for no rows.
        max_created_at: The newest `created_at` of a live record.
        max_updated_at: The newest `updated_at`.
        content_version: The table version of the newest change of a row; 0 for no rows.
        removal_version: The same among forgotten, folded and superseded rows.
    """

    live: int = 0
    total: int = 0
    tombstoned: int = 0
    folded: int = 0
    pending: int = 0
    max_id: str = ""
    max_created_at: datetime | None = None
    max_updated_at: datetime | None = None
    content_version: int = 0
    removal_version: int = 0

    @property
    def superseded(self) -> int:
        """Rows that are neither live nor forgotten nor folded."""
        return self.total - self.live - self.tombstoned - self.folded


StatisticsByProject = dict[str | None, TableStatistics]
"""By project; records of no project under None. A project without rows has no entry."""


def statistics_by_project(rows: pa.Table) -> StatisticsByProject:
    """Aggregate rows with `STATISTICS_COLUMNS`, of an older table without the last one."""
    hidden = pc.is_valid(rows["tombstoned_at"])
    folded = _folded(rows)
    superseded = pc.is_valid(rows["superseded_by"])
    withheld = pc.or_(hidden, superseded)
    live = pc.invert(withheld)
    pending = pc.and_(pc.is_null(rows["embedder"]), pc.invert(hidden))
    table = pa.table(
        {
            "project": rows["project"],
            "live": pc.cast(live, pa.int64()),
            "tombstoned": pc.cast(pc.and_not(hidden, folded), pa.int64()),
            "folded": pc.cast(folded, pa.int64()),
            "pending": pc.cast(pending, pa.int64()),
            "id": rows["id"],
            "created": pc.if_else(live, rows["created_at"], None),
            "updated": rows["updated_at"],
            "version": rows["table_version"],
            "removal": pc.if_else(withheld, rows["table_version"], 0),
        }
    )
    grouped = table.group_by("project").aggregate(
        [
            ("live", "sum"),
            ("id", "count"),
            ("tombstoned", "sum"),
            ("folded", "sum"),
            ("pending", "sum"),
            ("id", "max"),
            ("created", "max"),
            ("updated", "max"),
            ("version", "max"),
            ("removal", "max"),
        ]
    )
    return {
        row["project"]: TableStatistics(
            live=row["live_sum"],
            total=row["id_count"],
            tombstoned=row["tombstoned_sum"],
            folded=row["folded_sum"],
            pending=row["pending_sum"],
            max_id=row["id_max"],
            max_created_at=row["created_max"],
            max_updated_at=row["updated_max"],
            content_version=row["version_max"],
            removal_version=row["removal_max"],
        )
        for row in grouped.to_pylist()
    }


def total_statistics(parts: Iterable[TableStatistics]) -> TableStatistics:
    """Return the statistics of several disjoint parts together."""
    listed = list(parts)
    created = [part.max_created_at for part in listed if part.max_created_at is not None]
    updated = [part.max_updated_at for part in listed if part.max_updated_at is not None]
    return TableStatistics(
        live=sum(part.live for part in listed),
        total=sum(part.total for part in listed),
        tombstoned=sum(part.tombstoned for part in listed),
        folded=sum(part.folded for part in listed),
        pending=sum(part.pending for part in listed),
        max_id=max((part.max_id for part in listed), default=""),
        max_created_at=max(created, default=None),
        max_updated_at=max(updated, default=None),
        content_version=max((part.content_version for part in listed), default=0),
        removal_version=max((part.removal_version for part in listed), default=0),
    )


def _folded(rows: pa.Table) -> pa.ChunkedArray:
    if "folded_into" in rows.column_names:
        return pc.not_equal(rows["folded_into"], "")
    return pa.chunked_array([pa.array([False] * len(rows), pa.bool_())])
