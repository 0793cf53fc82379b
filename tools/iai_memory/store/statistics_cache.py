"""Statistics of the table that are scanned once, then carried over this process's own commits.

A page, a status and every writer ask for them after each commit, and a scan of 100,000 rows takes
longer than the commit. So counts flow upwards like this:

1. `Store.statistics_by_project` asks this cache for one version of the table.
2. Was that version scanned, or reached before, the cache answers.
3. Else it starts at the version it knows and adds up the `CommitDelta`s that lead from there to the
   wanted one. Each was noted by `Store` under the write lock, right after its commit: statistics of
   the appended rows, or none for a commit that only rewrote files (compaction, indexes).
4. Where the chain has a gap, the table is scanned. A gap is any commit of another process, and any
   of ours that changed a row.

Why the sum is right: a delta leads from one version to the next, so a chain without a gap holds
every commit between two versions. Versions alone do not tell tables apart: one that is dropped and
put back from a copy counts again from an older version. So the last delta must have left the very
stamp (inode and time of change of the folder of versions) that the table had when the reader was
pinned, and a folder with another inode is another table, for which nothing known counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .record import Record
from .statistics import StatisticsByProject, TableStatistics, total_statistics

if TYPE_CHECKING:
    from .reader import TableReader

_MAX_DELTAS: Final = 1_024


@dataclass(frozen=True, slots=True)
class CommitDelta:
    """A commit of this process that only appended rows, possibly none.

    Attributes:
        before: The version that it was made on.
        after: The version that it became.
        stamp: The table's, right after it.
        added: Statistics of the appended rows.
    """

    before: int
    after: int
    stamp: str
    added: StatisticsByProject


@dataclass(frozen=True, slots=True)
class _Known:
    """The statistics of one version of the table that had this stamp."""

    stamp: str
    version: int
    statistics: StatisticsByProject


class StatisticsCache:
    """The statistics of one version, and this process's commits since."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._known: _Known | None = None
        self._deltas: deque[CommitDelta] = deque(maxlen=_MAX_DELTAS)

    def note(self, delta: CommitDelta) -> None:
        """Add the newest commit."""
        self._deltas.append(delta)

    def by_project(self, reader: TableReader, stamp: str) -> StatisticsByProject:
        """Return statistics of the reader's version; scan only if no chain of deltas leads there.

        Args:
            reader: Of the table.
            stamp: The table's, read before the reader was pinned.
        """
        version = reader.version
        found = self.known(version, stamp)
        if found is None:
            found = reader.statistics_by_project()
        if reader.version == version:
            self._known = _Known(stamp, version, found)
        return found

    def known(self, version: int, stamp: str) -> StatisticsByProject | None:
        """Return statistics of a version without a scan; None if no chain of deltas leads there."""
        known = self._known
        if known is None or _inode(known.stamp) != _inode(stamp):
            return None
        if (known.stamp, known.version) == (stamp, version):
            return known.statistics
        return self._carried(known, version, stamp)

    def _carried(self, known: _Known, version: int, stamp: str) -> StatisticsByProject | None:
        """Return the known statistics plus all deltas to `version`; None if the chain has a gap."""
        reached, last_stamp = known.version, ""
        grown = dict(known.statistics)
        for delta in tuple(self._deltas):
            if delta.before == reached and delta.after <= version:
                reached, last_stamp = delta.after, delta.stamp
                for project, added in delta.added.items():
                    grown[project] = total_statistics(
                        [grown.get(project, TableStatistics()), added]
                    )
        return grown if (reached, last_stamp) == (version, stamp) else None


def statistics_of(records: Sequence[Record]) -> StatisticsByProject | None:
    """Return statistics of new rows; None if one of them is not live."""
    if any(one.superseded_by is not None or one.tombstoned_at is not None for one in records):
        return None
    found: StatisticsByProject = {}
    for one in records:
        row = TableStatistics(
            live=1,
            total=1,
            pending=int(one.embedder is None),
            max_id=one.id,
            max_created_at=one.created_at,
            max_updated_at=one.updated_at,
            content_version=one.table_version,
        )
        found[one.project] = total_statistics([found.get(one.project, TableStatistics()), row])
    return found


def _inode(stamp: str) -> str:
    return stamp.partition("-")[0]
