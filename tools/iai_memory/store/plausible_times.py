"""Times that nobody can have meant: a memory is not said a day after it was stored.

One line of the year 2999 would stand first on every page for as long as there is a store.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from .record import TIME_ESTIMATED, Record

MAX_AHEAD: Final = timedelta(days=1)
"""Clocks and zones may differ by that."""


def is_plausible(record: Record) -> bool:
    """Return whether the record was said before it was stored, give or take a day."""
    return record.created_at <= record.ingested_at + MAX_AHEAD


def ordered_by_arrival(record: Record) -> Record:
    """Return a record whose time is not plausible as one that was said when it was stored.

    Since when it is true stays: that may lie ahead.
    """
    if is_plausible(record):
        return record
    tags = tuple(dict.fromkeys((*record.tags, TIME_ESTIMATED)))
    return replace(record, created_at=record.ingested_at, tags=tags)


def not_after(record: Record, now: datetime) -> Record:
    """Return a record of another store whose times of storage are not after `now`."""
    latest = now + MAX_AHEAD
    if record.ingested_at > latest or record.updated_at > latest:
        record = replace(
            record,
            ingested_at=min(record.ingested_at, now),
            updated_at=min(record.updated_at, now),
        )
    return ordered_by_arrival(record)
