"""Times of clocks that ran ahead or behind, bounded by the commits before and after them.

A commit has a number, the table's version, and a time by the clock of its writer. The number gives
the order; the time may be wrong. Most times agree with the order; one that lies ahead of our clock,
or behind that of a commit before it, does not, and then all that is known is that it was made by
the next one that does. Nothing is rewritten, so a process whose own clock was set back reads
wrongly for as long as that lasts, and harms nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .arrow import pc
from .plausible_times import MAX_AHEAD
from .record import Change, Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_A_MOMENT: Final = timedelta(minutes=1)
_MICROSECONDS_OF_A_COMMIT: Final = 1_000
_DAY: Final = MAX_AHEAD // _MICROSECOND

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SettledTimes:
    """The times between which each commit can have been made.

    Attributes:
        versions: Of commits whose times agree, int64, (n,), ascending.
        times: Of these commits, in microseconds since 1970, int64, (n,), ascending.
        now: The time here.
    """

    versions: Numbers
    times: Numbers
    now: datetime

    @classmethod
    def of(cls, rows: pa.Table, now: datetime) -> Self | None:
        """Return those of all rows of a table; None where all agree, or most lie ahead.

        In the second case it is the clock here that is wrong.

        Args:
            rows: With `TIMED_COLUMNS` of `table_counts`, as far as the table has them.
            now: The time here.
        """
        limit = _microseconds(now) + _DAY
        versions, times, stamps = _samples(rows)
        is_ahead = bool(len(stamps)) and int(stamps.max()) > limit
        if not is_ahead and not np.any(np.maximum.accumulate(times) - times > _DAY):
            return None
        stamps = np.unique(stamps)
        if _count_commits(stamps[stamps > limit]) > _count_commits(stamps[stamps <= limit]):
            return None
        versions, times = versions[times <= limit], times[times <= limit]
        growing = _longest_growing(times)
        return cls(versions[growing], times[growing], now)

    def is_followed(self, version: int) -> bool:
        """Return whether a commit of that version or a later one has a time that agrees."""
        return bool(len(self.versions)) and version <= int(self.versions[-1])

    def last_before(self, moment: datetime) -> int:
        """Return the version of the last commit that was surely made by then; 0 where none was."""
        at = int(np.searchsorted(self.times, _microseconds(moment), side="right"))
        return int(self.versions[at - 1]) if at else 0

    def latest(self, version: int) -> datetime:
        """Return the time by which a commit of this version was made."""
        at = int(np.searchsorted(self.versions, version))
        return self.now if at == len(self.versions) else min(self.now, self._time(at))

    def earliest(self, version: int) -> datetime:
        """Return the time of the commit before this version, or a moment before the one after."""
        at = int(np.searchsorted(self.versions, version))
        return self.latest(version) - _A_MOMENT if at == 0 else self._time(at - 1)

    def settle(self, record: Record) -> Record:
        """Return the record with no time that its place in the order of commits forbids.

        It is the record itself where all are possible. What is true from a time on that its
        writer's clock had not reached stays so.
        """
        came = self._settled(record.ingested_at, record.arrival, record.table_version)
        own = record.arrived_at in (None, record.ingested_at)
        if not own:
            came = record.ingested_at if record.ingested_at <= self.now + MAX_AHEAD else came
        elif came != record.ingested_at and record.arrival is None:
            # Earlier versions stamped also what came after such a commit with a time ahead; what
            # was noted then was said then.
            came = min(came, record.created_at)
        history = tuple(
            replace(
                change,
                at=self._settled(change.at, change.number, record.table_version),
            )
            for change in record.history
        )
        ended = _ended(record, history, self.latest(record.table_version), self.now + MAX_AHEAD)
        if came == record.ingested_at and history == record.history and ended == record.valid_to:
            return record
        return replace(
            record,
            ingested_at=came,
            updated_at=min(record.updated_at, self.latest(record.table_version)),
            valid_from=_began(record, came),
            valid_to=ended,
            history=history,
            arrived_at=came if own else record.arrived_at,
        )

    def _settled(self, time: datetime, number: int | None, version: int) -> datetime:
        """Return when a change was made.

        Args:
            time: By the clock of who made it.
            number: Its number, where it is known.
            version: That of the last change of its record, which is the same or a later one.
        """
        if time > self.now + MAX_AHEAD:
            return min(time, self.latest(version if number is None else number))
        if number is None:
            return time
        before = int(np.searchsorted(self.versions, number)) - 1
        is_behind = before >= 0 and time < self._time(before) - MAX_AHEAD
        return self.latest(number) if is_behind else time

    def _time(self, at: int) -> datetime:
        return _EPOCH + _MICROSECOND * int(self.times[at])


def _began(record: Record, came: datetime) -> datetime:
    """Return since when it is true: what its writer's clock said is settled with it."""
    if came == record.ingested_at or record.valid_from > record.ingested_at:
        return record.valid_from
    by_the_clock = record.ingested_at - record.valid_from < _A_MOMENT
    return came if by_the_clock else min(record.valid_from, came)


def _ended(
    record: Record, history: tuple[Change, ...], latest: datetime, limit: datetime
) -> datetime | None:
    """Return when it ceased to be true, where a wrong clock said so: when that was done."""
    if record.valid_to is None:
        return None
    for before, after in zip(reversed(record.history), reversed(history), strict=True):
        if before.field in ("valid_to", "superseded_by"):
            is_of_clock = record.valid_to <= max(before.at, record.valid_from)
            if after.at > before.at and is_of_clock:
                return after.at
            break
    return min(record.valid_to, latest) if record.valid_to > limit else record.valid_to


def _samples(rows: pa.Table) -> tuple[Numbers, Numbers, Numbers]:
    """Return versions of commits, each once and ascending, the newest time of each, and all times.

    The time of a change is none of this table's where another store made it.
    """
    changed, stored = _whole(rows["updated_at"]), _whole(rows["ingested_at"])
    versions = _whole(rows["table_version"])
    if "arrival" in rows.column_names:
        counted = pc.is_valid(rows["arrival"]).to_numpy()
        arrivals, arrived = _whole(rows["arrival"]), _whole(rows["arrived_at"])
        own = ~counted | (arrived == stored)
        versions = np.concatenate([versions[own], arrivals[counted]])
        times = np.concatenate([changed[own], arrived[counted]])
    else:
        times = changed
    order = np.lexsort((times, versions))
    versions, times = versions[order], times[order]
    last = np.append(versions[1:] != versions[:-1], True)[: len(versions)]
    return versions[last], times[last], np.concatenate([times, stored])


def _longest_growing(times: Numbers) -> list[int]:
    """Return the places of the longest run of times that do not fall; of several the latest times.

    For of two times that contradict each other, neither ahead of now, more clocks are wrong that
    lost their battery than that ran ahead.
    """
    ends: list[int] = []
    places: list[int] = []
    after: list[int] = []
    for at, time in enumerate((-times[::-1]).tolist()):
        length = bisect_right(ends, time)
        after.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(time)
            places.append(at)
        else:
            ends[length], places[length] = time, at
    found: list[int] = []
    at = places[-1] if places else -1
    while at >= 0:
        found.append(len(times) - 1 - at)
        at = after[at]
    return found


def _count_commits(stamps: Numbers) -> int:
    """Return how many commits have a time of their own among these, ascending.

    Earlier versions let times grow: after a clock ahead each commit got the time of the one before
    and a microsecond, which no two commits can really be apart.
    """
    return int(np.count_nonzero(np.diff(stamps) > _MICROSECONDS_OF_A_COMMIT)) + bool(len(stamps))


def _whole(column: pa.ChunkedArray) -> Numbers:
    """Return numbers, or times in microseconds; 0 where there is none."""
    numbers: Numbers = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return numbers


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
