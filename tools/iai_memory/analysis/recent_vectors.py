"""What consolidation looks at: the newest live memories with their vectors, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..base.clock import utc_now
from ..base.json_file import whole_numbers
from ..base.progress import Progress
from ..store.filter import Filter
from ..store.record import Record
from ..store.sql import sql_text
from ..store.statistics import TableStatistics
from ..store.table import Store
from ..store.vector_rows import Vector

# Comparing each memory with each grows with the square: 20,000 take seconds and 40 MB of vectors,
# 200,000 would take minutes. What is older still is found by recall; a page of today's topics and
# today's repetitions does not need it.
NEWEST: Final = 20_000

# One page holds its memories' whole texts, each up to 1 MB.
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ContentMark:
    """Which content something was made from; any change of a row makes another mark.

    Attributes:
        content_version: Table version of the newest change.
        removal_version: Table version of the newest forgetting or superseding.
        total: Rows; a purge makes it fewer.
        max_id: The largest id; tells a table from one that was made anew.
    """

    content_version: int
    removal_version: int
    total: int
    max_id: str

    @classmethod
    def of(cls, contents: TableStatistics) -> ContentMark:
        """The mark of what the whole table holds."""
        return cls(
            contents.content_version, contents.removal_version, contents.total, contents.max_id
        )

    @classmethod
    def from_fields(cls, fields: Any) -> ContentMark | None:
        """Reads what `to_fields` gave; None where it is something else."""
        if not isinstance(fields, dict):
            return None
        numbers = whole_numbers(fields, ("content_version", "removal_version", "total"))
        max_id = fields.get("max_id")
        if numbers is None or not isinstance(max_id, str):
            return None
        content_version, removal_version, total = numbers
        return cls(content_version, removal_version, total, max_id)

    def to_fields(self) -> dict[str, Any]:
        """The mark as plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def newest_live(
    store: Store, where: Filter, progress: Progress, *, rounds: int
) -> Iterator[list[tuple[Record, Vector]]]:
    """Pages of the newest memories that pass and have a vector, latest arrival first.

    Reads the latest version and not a pinned one, which another process's clean-up could take
    away half-way. So a page may be newer than the page before it; whoever takes the ContentMark
    first never claims more than was read.

    Args:
        store: Whose.
        where: Which memories; forgotten ones never come, whatever it says.
        progress: Reports each page.
        rounds: Rounds that the caller adds to the reading, for the total.

    Raises:
        Interrupted: The caller interrupted it.
        StoreFault: The store could not be read.
    """
    total = min(NEWEST, store.latest.count(where))
    read, before = 0, ""
    while read < NEWEST:
        older = f"id < {sql_text(before)}" if before else None
        page = store.latest.newest(where, min(_PAGE, NEWEST - read), by="id", condition=older)
        if not page:
            return
        read, before = read + len(page), page[-1].id
        rows = store.latest.rows([record.id for record in page])
        now = utc_now()
        yield [
            (row.record, row.vector)
            for row in rows
            if row.vector is not None and row.record.is_live() and row.record.is_current(now)
        ]
        progress.report(min(read, total), total + rounds)
