"""The filter columns of a segment: one array a column, and which rows a filter admits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import pc
from ..filter import Filter

_NO_VALUE: Final = -1
_UNKNOWN: Final = -2
_NEVER: Final = np.iinfo(np.int64).max
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DictionaryColumn:
    """A column of few distinct values.

    Attributes:
        numbers: Place of each row's value in `values`, int32, (n,); -1 where it has none.
        values: Distinct strings, numbered for this segment only.
    """

    numbers: NDArray[np.int32]
    values: pa.StringArray

    @classmethod
    def of(cls, column: pa.DictionaryArray) -> Self:
        """Take a dictionary column over; without nulls its buffer is shared."""
        return cls(pc.fill_null(column.indices, _NO_VALUE).to_numpy(), column.dictionary)

    def number(self, name: str) -> int:
        """Return the number of a value, or one that no row has."""
        at: int = pc.index(self.values, name).as_py()
        return at if at >= 0 else _UNKNOWN


@dataclass(frozen=True, slots=True)
class Columns:
    """Read-only arrays of one value a row.

    Attributes:
        session: Of the session's id.
        project: Of the project's name.
        role: Of the speaker's role.
        origin: Of where the record came from.
        created_at: Microseconds since 1970, int64.
        superseded: bool.
        pinned: bool.
        of_host: Whether a host stored it, bool.
        forgotten: bool.
        pending: Whether the row waits for vectors, bool.
        table_version: int64.
    """

    session: DictionaryColumn
    project: DictionaryColumn
    role: DictionaryColumn
    origin: DictionaryColumn
    created_at: NDArray[np.int64]
    superseded: NDArray[np.bool_]
    pinned: NDArray[np.bool_]
    of_host: NDArray[np.bool_]
    forgotten: NDArray[np.bool_]
    pending: NDArray[np.bool_]
    table_version: NDArray[np.int64]

    @classmethod
    def of(cls, records: pa.RecordBatch) -> Self:
        """Take the columns of records, sharing buffers where possible; names are dictionaries."""
        return cls(
            session=DictionaryColumn.of(records["session_id"]),
            project=DictionaryColumn.of(records["project"]),
            role=DictionaryColumn.of(records["role"]),
            origin=DictionaryColumn.of(records["origin"]),
            created_at=_times(records["created_at"]),
            superseded=records["superseded_by"].is_valid().to_numpy(zero_copy_only=False),
            pinned=records["pinned"].to_numpy(zero_copy_only=False),
            of_host=records["host"].is_valid().to_numpy(zero_copy_only=False),
            forgotten=records["tombstoned_at"].is_valid().to_numpy(zero_copy_only=False),
            pending=records["embedder"].is_null().to_numpy(zero_copy_only=False),
            table_version=records["table_version"].to_numpy(),
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.pinned)

    @property
    def nbytes(self) -> int:
        """Size of all arrays, shared ones included."""
        names = (self.session, self.project, self.role, self.origin)
        arrays = [self.created_at, self.superseded, self.pinned, self.forgotten, self.table_version]
        arrays += [self.pending, self.of_host]
        arrays += [one.numbers for one in names]
        return sum(one.nbytes for one in arrays) + sum(int(one.values.nbytes) for one in names)

    def admitted(self, where: Filter, live: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of the live rows pass a filter that `supports` accepts, bool, (n,)."""
        admitted = live.copy()
        if where.project is not None:
            numbers = self.project.numbers
            mine = np.isin(numbers, [self.project.number(name) for name in where.project_names])
            admitted &= (mine | (numbers == _NO_VALUE)) if where.or_no_project else mine
        if where.session_id is not None:
            admitted &= self.session.numbers == self.session.number(where.session_id)
        if where.not_session_id is not None:
            admitted &= self.session.numbers != self.session.number(where.not_session_id)
        if where.since is not None:
            admitted &= self.created_at >= _microseconds(where.since)
        if where.until is not None:
            admitted &= self.created_at <= _microseconds(where.until)
        for column, wanted in ((self.role, where.roles), (self.origin, where.origins)):
            if wanted:
                admitted &= np.isin(column.numbers, [column.number(value) for value in wanted])
        if where.pinned:
            admitted &= self.pinned
        if where.embedded:
            admitted &= ~self.pending
        if not where.include_superseded:
            admitted &= ~self.superseded
        return admitted


def supports(where: Filter) -> bool:
    """Return whether the columns can decide the filter; LanceDB decides every one."""
    return where.as_of is None and not where.tags and not where.include_tombstoned


def _times(column: pa.TimestampArray) -> NDArray[np.int64]:
    """Return microseconds since 1970; a missing time is after every other."""
    times: NDArray[np.int64] = pc.fill_null(column.cast(pa.int64()), _NEVER).to_numpy()
    return times


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
