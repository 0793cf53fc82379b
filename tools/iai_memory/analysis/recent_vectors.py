"""The newest live memories with their vectors, page by page, and a mark of their content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..base.json_file import whole_numbers
from ..base.progress import Progress
from ..store.filter import Filter
from ..store.record import REWOUND, Record
from ..store.sql import sql_text
from ..store.statistics import TableStatistics
from ..store.table import Store
from ..store.vector_rows import Vector

# Comparing each memory with each grows with the square: 20,000 take seconds and 40 MB of vectors,
# 200,000 would take minutes. Recall finds older ones; a page of today's topics does not need them.
MAX_MEMORIES: Final = 20_000

# A page has its memories' whole texts, each up to 1 MB.
_PAGE_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class ContentMark:
    """A mark of the table's content; any change of a row gives another one.

    Attributes:
        content_version: Table version of the newest change.
        removal_version: Table version of the newest forgetting or superseding.
        total: Rows; a purge lowers it.
        max_id: The largest id; tells a table from one that was made anew.
    """

    content_version: int
    removal_version: int
    total: int
    max_id: str

    @classmethod
    def of(cls, statistics: TableStatistics) -> ContentMark:
        """Return the mark of the whole table."""
        return cls(
            statistics.content_version,
            statistics.removal_version,
            statistics.total,
            statistics.max_id,
        )

    @classmethod
    def from_fields(cls, fields: Any) -> ContentMark | None:
        """Return the mark that `to_fields` gave; None for anything else."""
        if not isinstance(fields, dict):
            return None
        numbers = whole_numbers(fields, ("content_version", "removal_version", "total"))
        max_id = fields.get("max_id")
        if numbers is None or not isinstance(max_id, str):
            return None
        content_version, removal_version, total = numbers
        return cls(content_version, removal_version, total, max_id)

    def to_fields(self) -> dict[str, Any]:
        """Return the mark as a JSON object."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def recent_vectors(
    store: Store, where: Filter, progress: Progress, *, rounds: int
) -> Iterator[list[tuple[Record, Vector]]]:
    """Yield pages of the newest memories that pass and have a vector, latest arrival first.

    Each page is read from the latest version of the table, not from a pinned one, which another
    process could remove in between. So a page may be newer than the one before it. A ContentMark
    that is taken before the first page never claims more than was read.

    Args:
        store: The table to read.
        where: Which memories pass; forgotten, superseded and rewound ones never do.
        progress: Reports each page.
        rounds: Rounds of the caller's own work behind the reading, for the total.

    Raises:
        Interrupted: The caller interrupted it.
        StoreFault: The store could not be read.
    """
    total = min(MAX_MEMORIES, store.latest.count(where))
    read, before = 0, ""
    while read < MAX_MEMORIES:
        older = f"id < {sql_text(before)}" if before else None
        page = store.latest.newest(
            where, min(_PAGE_SIZE, MAX_MEMORIES - read), by="id", condition=older
        )
        if not page:
            return
        read, before = read + len(page), page[-1].id
        rows = store.latest.rows([record.id for record in page])
        yield [
            (row.record, row.vector)
            for row in rows
            if row.vector is not None and _holds(row.record)
        ]
        progress.report(min(read, total), total + rounds)


def _holds(record: Record) -> bool:
    return record.is_live() and record.is_current() and REWOUND not in record.tags
