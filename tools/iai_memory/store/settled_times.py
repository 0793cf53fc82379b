"""Times of a clock that ran ahead, bounded by the commits that came after them.

A commit has a number, the table's version, and a time by the clock of its writer. The number gives
the order; the time may be wrong. A time that lies ahead of our clock cannot be true: it is at most
that of the next commit whose time can be. Nothing is rewritten, so a process whose own clock was
set back reads wrongly for as long as that lasts, and harms nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .plausible_times import MAX_AHEAD
from .record import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_A_MOMENT: Final = timedelta(minutes=1)
_MICROSECONDS_OF_A_COMMIT: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class SettledTimes:
    """The latest time at which each commit can have been made.

    Attributes:
        versions: Of commits whose times can be true and grow, int64, (n,), ascending.
        times: Of these commits, in microseconds since 1970, int64, (n,), ascending.
        now: The time here.
    """

    versions: NDArray[np.int64]
    times: NDArray[np.int64]
    now: datetime

    @classmethod
    def of(cls, rows: pa.Table, now: datetime) -> Self | None:
        """Return those of all rows of a table; None where more commits lie ahead than do not.

        Then it is the clock here that is wrong.

        Args:
            rows: With `TIMED_COLUMNS` of `table_counts`.
            now: The time here.
        """
        limit = _microseconds(now + MAX_AHEAD)
        stamps = np.union1d(_times(rows["updated_at"]), _times(rows["ingested_at"]))
        if _count_commits(stamps[stamps > limit]) > _count_commits(stamps[stamps <= limit]):
            return None
        versions, times = _one_each(rows)
        versions, times = versions[times <= limit], times[times <= limit]
        growing = times == np.maximum.accumulate(times)
        return cls(versions[growing], times[growing], now)

    def is_followed(self, version: int) -> bool:
        """Return whether a commit of that version or a later one has a time that can be true."""
        return bool(len(self.versions)) and version <= int(self.versions[-1])

    def latest(self, version: int) -> datetime:
        """Return the time by which a commit of this version was made."""
        at = int(np.searchsorted(self.versions, version))
        if at == len(self.versions):
            return self.now
        return min(self.now, _EPOCH + _MICROSECOND * int(self.times[at]))

    def earliest(self, version: int) -> datetime:
        """Return the time of the commit before this version, or a moment before the one after."""
        at = int(np.searchsorted(self.versions, version))
        if at == 0:
            return self.latest(version) - _A_MOMENT
        return _EPOCH + _MICROSECOND * int(self.times[at - 1])

    def settle(self, record: Record) -> Record:
        """Return the record with no time later than the commit of its last change can have been.

        It is the record itself where none lies ahead. What is true from a time on that its writer's
        clock had not reached stays so.
        """
        limit = self.now + MAX_AHEAD
        stamps = [record.ingested_at, record.updated_at, record.valid_to or record.ingested_at]
        if max(*stamps, *(change.at for change in record.history)) <= limit:
            return record
        latest = self.latest(record.table_version)

        def at_most(time: datetime, number: int | None = None) -> datetime:
            if time <= limit:
                return time
            return min(time, latest if number is None else self.latest(number))

        came = at_most(record.ingested_at, record.arrival)
        if came != record.ingested_at and record.arrival is None and record.created_at <= latest:
            # Earlier versions stamped also what came after such a commit with a time ahead; what
            # was noted then was said then.
            came = record.created_at
        told_ahead = record.valid_from > record.ingested_at
        return replace(
            record,
            ingested_at=came,
            updated_at=at_most(record.updated_at),
            valid_from=record.valid_from if told_ahead else min(record.valid_from, came),
            valid_to=None if record.valid_to is None else at_most(record.valid_to),
            history=tuple(
                replace(change, at=at_most(change.at, change.number)) for change in record.history
            ),
            arrived_at=record.arrived_at and at_most(record.arrived_at, record.arrival),
        )


def _one_each(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the versions, each once and ascending, and the newest time of each."""
    versions: NDArray[np.int64] = rows["table_version"].to_numpy()
    times = _times(rows["updated_at"])
    order = np.lexsort((times, versions))
    versions, times = versions[order], times[order]
    last = np.append(versions[1:] != versions[:-1], True)[: len(versions)]
    return versions[last], times[last]


def _count_commits(stamps: NDArray[np.int64]) -> int:
    """Return how many commits have a time of their own among these, ascending.

    Earlier versions let times grow: after a clock ahead each commit got the time of the one before
    and a microsecond, which no two commits can really be apart.
    """
    return int(np.count_nonzero(np.diff(stamps) > _MICROSECONDS_OF_A_COMMIT)) + bool(len(stamps))


def _times(column: pa.ChunkedArray) -> NDArray[np.int64]:
    times: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return times


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
