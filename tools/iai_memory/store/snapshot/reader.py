"""Reads of the latest version that remember: the whole table in memory, while it fits.

LanceDB stays the truth. What is remembered is brought to the table's latest version before it
answers, by reading only the rows that were changed since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from lancedb.table import LanceTable

from ..candidate import Candidate
from ..filter import EVERYTHING, Filter
from ..read_lock import ReadLock
from ..reader import TableReader
from ..record import Record
from ..session_order import SessionOrder
from ..similarity import Similarity
from ..vector_rows import Vector
from .builder import Dated, caught_up, copied
from .snapshot import TableCopy

T = TypeVar("T")

_STAMP_IS_SURE_NS: Final = 2_000_000_000

# Who asks once, as a command does, is answered sooner by LanceDB than by making a copy first.
_SEARCHES_BEFORE_A_COPY: Final = 1

# Copied while somebody waits: 0.2 s. More is copied in a thread, while LanceDB goes on answering.
_SMALL_ROWS: Final = 10_000
_LEAST_ROW_BYTES: Final = 600


def may_fit(rows: int, most_bytes: int) -> bool:
    """Whether a copy of so many rows may be as small as this; surely not where this is False."""
    return rows * _LEAST_ROW_BYTES <= most_bytes


class CachedReader(TableReader):
    """Answers from the latest version, from memory where that is known to be as the table.

    Safe for any number of threads. An answer is of the version that is the latest when it is asked
    for, or of a later one; a commit that any process acknowledged before is seen.
    """

    def __init__(
        self,
        table: LanceTable,
        read_lock: ReadLock,
        look: Callable[[], tuple[int, int]],
        *,
        most_bytes: int,
    ) -> None:
        """Takes the handle over.

        Args:
            table: Opened with `read_consistency_interval=0`.
            readers: Of its store.
            look: The inode and the time of change, in ns, of the folder of the table's versions.
            most_bytes: A table that would take more is not copied.
        """
        super().__init__(table, read_lock, follow_latest=True)
        self._look = look
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._trusted: tuple[int, int] | None = None
        self._inode = 0
        self._version = 0
        self._unasked = threading.Event()
        self._forget()

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """See `TableReader.nearest`."""
        copy = None
        if TableCopy.answers(where):
            with self._lock:
                self._follow()
                self._begin()
                copy = self._copy
        if copy is None:
            return super().nearest(query, where, limit, nprobes=nprobes)
        return copy.nearest(query, where, limit)

    def matching(self, text: str, where: Filter, limit: int) -> dict[str, float]:
        """See `TableReader.matching`."""
        copy = self._followed() if TableCopy.answers(where) else None
        if copy is None:
            return super().matching(text, where, limit)
        return copy.matching(text, where, limit)

    def sessions(self, session_ids: Collection[str]) -> dict[str, SessionOrder]:
        """See `TableReader.sessions`."""
        copy = self._followed()
        return super().sessions(session_ids) if copy is None else copy.sessions(session_ids)

    def replaced_by(self, ids: Collection[str]) -> list[Record]:
        """See `TableReader.replaced_by`."""
        copy = self._followed()
        found = None if copy is None else copy.replaced_by(ids)
        return super().replaced_by(ids) if found is None else found

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """See `TableReader.candidates`."""
        copy = self._followed()
        if copy is None:
            return super().candidates(ids)
        found = copy.candidates(ids)
        found |= super().candidates([id_ for id_ in ids if id_ not in found])
        return {id_: found[id_] for id_ in ids if id_ in found}

    def similarities(self, query: Vector, ids: Collection[str]) -> dict[str, Similarity]:
        """See `TableReader.similarities`."""
        copy = self._followed()
        if copy is None:
            return super().similarities(query, ids)
        return copy.similarities(query, ids) | super().similarities(query, copy.lacks(ids))

    def overlap(self, work: Callable[[], T]) -> Callable[[], T]:
        """See `TableReader.overlap`; in memory, only if it is called and then at once."""
        return super().overlap(work) if self._followed() is None else work

    def release(self) -> None:
        """Forgets everything that is remembered; what is asked next makes it anew."""
        with self._lock:
            self._forget()

    def _followed(self) -> TableCopy | None:
        """The copy of the latest version; None where there is none."""
        with self._lock:
            self._follow()
            return self._copy

    @property
    def _copy(self) -> TableCopy | None:
        return None if self._held is None else self._held.copy

    def _forget(self) -> None:
        self._unasked.set()
        self._unasked = threading.Event()
        self._held: Dated | None = None
        self._making: Future[Dated | None] | None = None
        self._has_no_room = False
        self._searches = 0

    def _follow(self) -> None:
        """Brings what is remembered to the latest version, or forgets it; under the lock."""
        now, looked = time.time_ns(), self._look()
        if looked == self._trusted:
            return
        version, inode = self.version, looked[0]
        if inode != self._inode or version < self._version:
            # Another table lies in this one's place.
            self._forget()
        elif version != self._version:
            # Lost where what follows fails: a copy that was half changed is none.
            held, self._held = self._held, None
            self._held = None if held is None else caught_up(self, held)
        # Only now: had anything above failed, the next call would have to do it.
        self._version, self._inode = version, inode
        # A file system's clock ticks: a second commit of the same tick leaves an equal stamp.
        self._trusted = looked if now - looked[1] > _STAMP_IS_SURE_NS else None

    def _begin(self) -> None:
        """Takes a copy that is ready, or begins one that pays and has room; under the lock."""
        if self._held is not None or self._has_no_room:
            return
        self._searches += 1
        if self._making is None:
            if self._searches <= _SEARCHES_BEFORE_A_COPY:
                return
            self._making = self._begun(self.count(EVERYTHING))
        if self._making.done():
            making, self._making = self._making, None
            made = making.result()
            if made is not None and made.version != self._version:
                made = caught_up(self, made)
            self._held = made
            # Not tried again with each search: whoever is near the bound would copy all in vain.
            self._has_no_room = made is None

    def _begun(self, rows: int) -> Future[Dated | None]:
        """A copy to come; at once where it is small, or surely too large."""
        ready = Future[Dated | None]()
        if not may_fit(rows, self._most_bytes):
            ready.set_result(None)
        elif rows <= _SMALL_ROWS:
            ready.set_result(copied(self, self._most_bytes, self._unasked.is_set))
        else:
            one = ThreadPoolExecutor(1, "copying-the-table")
            ready = one.submit(copied, self, self._most_bytes, self._unasked.is_set)
            one.shutdown(wait=False)
        return ready
