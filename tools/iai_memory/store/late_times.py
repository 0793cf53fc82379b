"""The order of memories that were stored with times far ahead of those around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .plausible_times import is_plausible, ordered_by_arrival, said_at
from .record import Record
from .vector_rows import Row

if TYPE_CHECKING:
    from .settled_times import SettledTimes


def ordered(rows: Sequence[Row], times: SettledTimes | None) -> list[Row]:
    """Return the rows whose time of saying was changed, with that time."""
    records = [ordered_by_arrival(_as_followed(row.record, times)) for row in rows]
    return [
        replace(row, record=record)
        for row, record in zip(rows, records, strict=True)
        if record.created_at != row.record.created_at
    ]


def _as_followed(record: Record, times: SettledTimes | None) -> Record:
    """Return a record that was said by a clock ahead as one of just before what came after it."""
    version = record.arrival or record.table_version
    if times is None or not is_plausible(record) or not times.is_followed(version):
        return record
    return said_at(record, times.earliest(version))
