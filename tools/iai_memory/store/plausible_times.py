"""Times that nobody can have meant: a memory is not said a day after it was stored.

One line of the year 2999 would stand first on every page for as long as there is a store.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from .record import TIME_ESTIMATED, Record

MAX_AHEAD: Final = timedelta(days=1)
"""Clocks and zones may differ by that."""

_BELOW_THE_TIME: Final = 80  # bits of a UUIDv7


def is_plausible(record: Record) -> bool:
    """Return whether the record was said before it was stored, give or take a day."""
    return record.created_at <= record.ingested_at + MAX_AHEAD


def ordered_by_arrival(record: Record) -> Record:
    """Return a record whose time is not plausible as one that was said when it was stored.

    Since when it is true stays: that may lie ahead.
    """
    if is_plausible(record):
        return record
    return said_at(record, record.ingested_at)


def said_at(record: Record, moment: datetime) -> Record:
    """Return the record with an estimate of when it was said, and the tag that says so."""
    tags = tuple(dict.fromkeys((*record.tags, TIME_ESTIMATED)))
    return replace(record, created_at=moment, tags=tags)


def is_behind(id_: str, ingested_at: datetime) -> bool:
    """Return whether a clock far behind said when a record came.

    Its id holds the time at which it was made, or, where that went back, the one of the id before.
    """
    try:
        id_time = UUID(id_).int >> _BELOW_THE_TIME
    except ValueError:
        return False
    return id_time > (ingested_at + MAX_AHEAD).timestamp() * 1000


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
