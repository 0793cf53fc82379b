"""The one table of a store, and what a process keeps of its latest version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..base.clock import utc_now
from ..base.paths import StorePaths
from ..errors import StoreUnavailable
from .filter import Filter
from .forgotten_texts import ForgottenTexts
from .known import KnownMemory
from .known_index import KnownIndex
from .lance_errors import translated
from .late_times import ordered
from .open_table import Opening
from .plausible_times import MAX_AHEAD
from .sql import sql_time
from .statistics import Tally
from .table_upkeep import TableUpkeep

if TYPE_CHECKING:
    from .settled_times import SettledTimes


class Store(TableUpkeep):
    """The table of one store folder; what is asked of it often is read once a version.

    Raises:
        StoreFault: See `OpenTable`.
    """

    def __init__(self, paths: StorePaths, opening: Opening) -> None:
        """Open the table in the store's folder, or create it."""
        super().__init__(paths, opening)
        self._first_ingested: tuple[int, datetime | None] | None = None
        self._settled_times: tuple[int, SettledTimes | None] | None = None
        self._projects: tuple[tuple[str, int], set[str]] | None = None
        self._known = KnownIndex()
        self._forgotten = ForgottenTexts()
        self.mend_times()

    def by_keys(self, keys: Sequence[str]) -> dict[str, list[KnownMemory]]:
        """Return the memories with these idempotency keys, by key, forgotten ones included."""
        if not keys:
            return {}
        possible = self._key_filter.possible_keys(keys, self.latest, self._inode)
        return self._known.known(possible, self.latest, self._inode()) if possible else {}

    def forgotten_texts(self) -> Mapping[bytes, set[str]]:
        """Return the ids of forgotten memories by the digest of what they say, `copy_digest`."""
        return self._forgotten.by_digest(self.latest, self._inode(), self.project_names)

    def first_ingested_at(self) -> datetime | None:
        """Return when the first record arrived; None while there is none. Read once a version."""
        version = self.version
        if self._first_ingested is None or self._first_ingested[0] != version:
            self._first_ingested = (version, self.latest.first_ingested_at())
        return self._first_ingested[1]

    def settled_times(self) -> SettledTimes | None:
        """Return what bounds times that wrong clocks said; None where none did, or ours is wrong.

        Costs a scan of five columns of numbers, once a version.
        """
        version = self.version
        if self._settled_times is None or self._settled_times[0] != version:
            from .settled_times import SettledTimes  # few stores need it

            found = SettledTimes.of(self.latest.commit_times(), utc_now())
            self._settled_times = (version, found)
        return self._settled_times[1]

    def projects(self) -> Collection[str | None]:
        """Return the projects of all records, forgotten ones included, as they were stored.

        Reads one column where the statistics of the latest version are not known.
        """
        stamp = self.stamp
        version = self.version
        known = self._statistics.known(version, stamp)
        if known is not None:
            return known.keys()
        if self._projects is None or self._projects[0] != (stamp, version):
            self._projects = (stamp, version), self.latest.names("project", forgotten=True)
        return self._projects[1]

    def tally(self, where: Filter) -> Tally:
        """Count the records that pass; with `as_of` it may count too many.

        Without a snapshot, of a filter of projects alone from the statistics, where they are known:
        a count by the table costs a millisecond or two.
        """
        of_projects = Filter(
            project=where.project,
            same_project=where.same_project,
            or_no_project=where.or_no_project,
            include_superseded=True,
        )
        known = None
        if where == of_projects and not self.latest.is_in_memory:
            # The stamp first: what is committed in between must not pass for known.
            stamp = self.stamp
            known = self._statistics.known(self.version, stamp)
        if known is None:
            return self.latest.tally(where)
        none = (None,) if where.or_no_project else ()
        names = known if where.project is None else {*where.project_names, *none}
        parts = [known[name] for name in names if name in known]
        return Tally(
            sum(part.total - part.tombstoned - part.folded for part in parts),
            sum(part.pending for part in parts),
        )

    def mend_times(self) -> bool:
        """Order by their arrival what was stored with times that lie far ahead; return if any was.

        That is what earlier versions stored as it was told, and what came by a clock that ran
        ahead, once something followed it. Costs a look at one column. A clock here that was set
        back changes nothing by itself: what was stored before it, and what came later by another
        clock, are compared with.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
        """
        late = f"created_at > {sql_time(utc_now() + MAX_AHEAD)}"
        try:
            with translated("reading times"), self._read_lock.shared():
                found = self._table.count_rows(late)
        except StoreUnavailable:
            return False  # a damaged file must not close the store; whoever reads it is told
        if not found or not self._connection.is_writable():
            return False
        if not ordered(self.latest.rows_where(late), self.settled_times()):
            return False
        with self.writing() as writer:
            rows = ordered(writer.reader.rows_where(late), self.settled_times())
            writer.update(rows, writer.now())
        return True

    def release(self) -> None:
        """Free the memory of the snapshot and of known keys until their next use."""
        self.latest.release()
        self._known.release()
