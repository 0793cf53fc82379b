"""One handle of the table: the version that it answers from, and how every read of it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pyarrow as pa
from lancedb.table import LanceTable

from ..errors import StoreUnavailable
from .lance_errors import retried, translated
from .read_lock import ReadLock
from .schema import LATE_COLUMNS

T = TypeVar("T")


class TableAccess:
    """A handle of the table, and what every read of it goes through.

    A handle opened with `read_consistency_interval=0` answers from the latest version; one that
    was checked out at a version answers from that version until it is cleaned up.

    Every read raises StoreBusy or StoreUnavailable where LanceDB fails.
    """

    def __init__(
        self,
        table: LanceTable,
        read_lock: ReadLock,
        *,
        follow_latest: bool,
        mend: Callable[[], bool] | None = None,
    ) -> None:
        """Take the handle over.

        Args:
            table: The handle.
            read_lock: Of its store.
            follow_latest: Whether a cleaned version may be left.
            mend: Called when a read failed; returns whether it is worth another try.
        """
        self._mend = mend
        self._table = table
        self._read_lock = read_lock
        self._follow_latest = follow_latest
        # A store that cannot be written is read as an older version left it.
        self._lacking = {"folded_into", *LATE_COLUMNS}.difference(table.schema.names)

    @property
    def version(self) -> int:
        """The version that answers."""
        return self._read("reading the table's version", lambda: self._table.version)

    @property
    def schema(self) -> pa.Schema:
        """The table's schema."""
        return self._table.schema

    def _ids(self, where: str) -> list[str]:
        query = self._table.search().where(where).select(["id"]).limit(None)
        ids: list[str] = self._read("reading ids", query.to_arrow)["id"].to_pylist()
        return ids

    def _present(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in self._lacking]

    def _read(self, what: str, work: Callable[[], T]) -> T:
        try:
            return self._read_once(what, work)
        except StoreUnavailable:
            if self._mend is None or not self._mend():
                raise
        return self._read_once(what, work)

    def _read_once(self, what: str, work: Callable[[], T]) -> T:
        with translated(what), self._read_lock.shared():
            if self._follow_latest:
                return retried(what, work, self._table.checkout_latest)
            return work()
