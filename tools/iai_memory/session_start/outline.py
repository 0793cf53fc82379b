"""The outline of a page's newest records, read once for the parts of the page that go by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from ..store.arrow import pc
from ..store.filter import Filter
from ..store.reader import TableReader

# A third more than any part looks at: among them are notes and what tools stored.
_ROWS: Final = 4_000


@dataclass
class PageOutline:
    """The newest 4,000 records of a page, as `TableReader.outline` has them.

    Attributes:
        reader: Of one version of the table.
        mine: Whose page.
    """

    reader: TableReader
    mine: Filter

    def newest(self, where: Filter, limit: int | None) -> pa.Table:
        """Return what `TableReader.outline` returns, without a read where the answer is here.

        Raises:
            StoreFault: The table could not be read.
        """
        if limit is None or replace(where, roles=(), origins=()) != self._everything:
            return self.reader.outline(where, limit)
        rows = self._newest
        for column, values in (("role", where.roles), ("origin", where.origins)):
            rows = rows.filter(_is_one_of(rows[column], values)) if values else rows
        is_sure = len(rows) >= limit or len(self._newest) < _ROWS
        return rows.slice(0, limit) if is_sure else self.reader.outline(where, limit)

    @cached_property
    def _everything(self) -> Filter:
        return replace(self.mine, include_superseded=True, include_tombstoned=True)

    @cached_property
    def _newest(self) -> pa.Table:
        return self.reader.outline(self._everything, _ROWS)


def _is_one_of(column: pa.ChunkedArray, values: Sequence[str]) -> Any:
    return pc.is_in(column, value_set=pa.array(values, pa.string()))
