"""What the common filters ask of each row, one array a column, and where its vectors lie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from ...base.clock import utc_now
from ..filter import Filter
from ..vector_rows import count_vectors

# Its functions are generated when pyarrow is imported; no type checker sees them.
pc: Any = pyarrow.compute

NOBODY: Final = -1
UNKNOWN: Final = -2
_NEVER: Final = np.iinfo(np.int64).max
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Column = NDArray[Any]

Places = NDArray[np.intp]
"""Of rows, counted from the first that was ever copied."""


@dataclass(frozen=True, slots=True)
class CopiedRows:
    """Columns of equal length; a name is a number, `NOBODY` where there is none.

    Attributes:
        id: Of the record, object.
        session: Number of its session, int32; so are the next three.
        project: See above.
        role: See above.
        origin: See above.
        created_at: Microseconds since 1970, int64; so is the next one.
        valid_to: The largest int64 where it still holds.
        pinned: bool.
        table_version: int64.
        live: Neither forgotten nor replaced by a newer state of the same record, bool.
        newest: Not replaced by a newer state of the same record, bool.
        start: Where its vectors begin, int64.
        count: How many there are, int64: the whole text, then its passages; 0 of a forgotten one.
    """

    id: NDArray[np.object_]
    session: NDArray[np.int32]
    project: NDArray[np.int32]
    role: NDArray[np.int32]
    origin: NDArray[np.int32]
    created_at: NDArray[np.int64]
    valid_to: NDArray[np.int64]
    pinned: NDArray[np.bool_]
    table_version: NDArray[np.int64]
    live: NDArray[np.bool_]
    newest: NDArray[np.bool_]
    start: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table, names: dict[str, int], start: int) -> Self:
        """Of rows of the table, whose vectors lie side by side from `start` on.

        A name that is new gets the next number in `names`.
        """
        live = pc.is_null(table["tombstoned_at"]).to_numpy()
        count = np.where(live, count_vectors(table), 0)
        return cls(
            id=table["id"].to_numpy(),
            session=_numbers(table["session_id"], names),
            project=_numbers(table["project"], names),
            role=_numbers(table["role"], names),
            origin=_numbers(table["origin"], names),
            created_at=_times(table["created_at"]),
            valid_to=_times(table["valid_to"]),
            pinned=table["pinned"].to_numpy(),
            table_version=table["table_version"].to_numpy(),
            live=live,
            newest=np.ones(len(live), np.bool_),
            start=start + np.cumsum(count) - count,
            count=count,
        )

    def __len__(self) -> int:
        """How many rows there are, old states included."""
        return len(self.id)

    def appended(self, rows: Self) -> Self:
        """These and then those."""
        return self._each(lambda mine, its: np.concatenate([mine, its]), rows)

    def at(self, places: Places) -> Self:
        """The rows at these places."""
        return self._each(lambda mine, _: mine[places], self)

    def without(self, places: Places) -> Self:
        """The same where the rows at these places were replaced by newer states."""
        live, newest = self.live.copy(), self.newest.copy()
        live[places] = newest[places] = False
        return replace(self, live=live, newest=newest)

    def admitted(self, where: Filter, names: Mapping[str, int]) -> NDArray[np.bool_]:
        """Which rows pass a filter that looks at nothing but these columns."""
        admitted = self.live.copy()
        if where.project is not None:
            mine = self.project == names.get(where.project, UNKNOWN)
            admitted &= (mine | (self.project == NOBODY)) if where.or_no_project else mine
        if where.session_id is not None:
            admitted &= self.session == names.get(where.session_id, UNKNOWN)
        if where.since is not None:
            admitted &= self.created_at >= _microseconds(where.since)
        if where.until is not None:
            admitted &= self.created_at <= _microseconds(where.until)
        for column, wanted in ((self.role, where.roles), (self.origin, where.origins)):
            if wanted:
                admitted &= np.isin(column, [names.get(value, UNKNOWN) for value in wanted])
        if where.pinned:
            admitted &= self.pinned
        if not where.include_superseded:
            admitted &= self.valid_to > _microseconds(utc_now())
        return admitted

    def spoken(self, sessions: Collection[int]) -> Places:
        """Places of live rows of these sessions, session by session in the order they were said."""
        found = np.flatnonzero(np.isin(self.session, list(sessions)) & self.live)
        order = np.lexsort((self.id[found], self.created_at[found], self.session[found]))
        return found[order]

    def _each(
        self, work: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], other: Self
    ) -> Self:
        return type(self)(
            *(work(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        )


def _numbers(column: pa.ChunkedArray, names: dict[str, int]) -> NDArray[np.int32]:
    """Each value's number; a new value gets the next one."""
    encoded = column.combine_chunks().dictionary_encode()
    known = [names.setdefault(value, len(names)) for value in encoded.dictionary.to_pylist()]
    numbers = np.array([*known, NOBODY], np.int32)
    picked: NDArray[np.int32] = numbers[pc.fill_null(encoded.indices, len(known)).to_numpy()]
    return picked


def _times(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Microseconds since 1970; a missing time is after every other."""
    times: NDArray[np.int64] = pc.fill_null(pc.cast(column, pa.int64()), _NEVER).to_numpy()
    return times


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
