"""The state of a snapshot of the table's latest version: built, brought up to date, dropped.

Absent ── second search ──▶ Building ── done ──▶ Ready ─┐ a new version:
  ▲ ▲                          │                  │ ▲───┘ catches up
  │ └───── its change is not verified, or fails ──┘
  │                            │ too large
  │                            ▼
  └── another table, or ── TooLarge (not tried again)
      given back, from any state
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

from ..filter import EVERYTHING
from ..reader import TableReader
from .builder import Versioned, build_snapshot, catch_up
from .snapshot import Snapshot

_STAMP_IS_SURE_NS: Final = 2_000_000_000

Searched = Literal["words", "vectors"]

# A process that searches once, as a command does, is answered sooner by LanceDB than by a build.
_EACH_ONCE: Final[frozenset[Searched]] = frozenset(("words", "vectors"))

# Built while the search waits, 0.2 s; more rows in a thread, while LanceDB goes on answering.
_SMALL_ROWS: Final = 10_000
_MIN_ROW_BYTES: Final = 600


def may_fit(rows: int, max_bytes: int) -> bool:
    """Return False if no snapshot of `rows` rows fits: a lower bound, 600 bytes a row."""
    return rows * _MIN_ROW_BYTES <= max_bytes


@dataclass(frozen=True, slots=True)
class Absent:
    """No snapshot.

    Attributes:
        searched: What a snapshot could have answered once; a recall may search both.
    """

    searched: frozenset[Searched] = frozenset()


@dataclass(frozen=True, slots=True)
class Building:
    """A snapshot in the making.

    Attributes:
        result: The snapshot; None where it is too large.
        stop: Set when it is of no use any more.
    """

    result: Future[Versioned | None]
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Ready:
    """A snapshot of the last known version."""

    held: Versioned


@dataclass(frozen=True, slots=True)
class TooLarge:
    """No snapshot that fits. Not tried again: near the bound each search would build in vain."""


State = Absent | Building | Ready | TooLarge


class SnapshotManager:
    """The holder of one snapshot, of the latest version. Safe for any number of threads."""

    def __init__(
        self, reader: TableReader, look: Callable[[], tuple[int, int]], max_bytes: int
    ) -> None:
        """Begin without a snapshot.

        Args:
            reader: Of the latest version.
            look: The inode and the time of change, in ns, of the folder of the table's versions.
            max_bytes: Maximum size of a snapshot.
        """
        self._reader = reader
        self._look = look
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._state: State = Absent()
        self._trusted: tuple[int, int] | None = None
        self._inode = 0
        self._version = 0

    def current(self) -> Snapshot | None:
        """Return the snapshot of the latest version; None while there is none."""
        with self._lock:
            self._follow()
            return self._snapshot

    def for_search(self, what: Searched) -> Snapshot | None:
        """Return `current` for a search; the second of its kind starts a build, if it may fit."""
        with self._lock:
            self._follow()
            if isinstance(self._state, Absent):
                self._state = self._after(what, self._state.searched)
            if isinstance(self._state, Building) and self._state.result.done():
                self._take(self._state)
            return self._snapshot

    def forget_searches(self) -> None:
        """Count from none again: what was searched until now were no questions."""
        with self._lock:
            if isinstance(self._state, Absent):
                self._state = Absent()

    def build_small(self) -> None:
        """Build after a search what the next one would wait for: a snapshot of few rows."""
        with self._lock:
            self._follow()
            was_searched = isinstance(self._state, Absent) and self._state.searched
            if was_searched and self._reader.count(EVERYTHING) <= _SMALL_ROWS:
                self._state = self._after("words", _EACH_ONCE)
            if isinstance(self._state, Building) and self._state.result.done():
                self._take(self._state)

    def release(self) -> None:
        """Drop the snapshot; the second search from now builds another one."""
        with self._lock:
            self._forget()

    @property
    def _snapshot(self) -> Snapshot | None:
        return self._state.held.snapshot if isinstance(self._state, Ready) else None

    def _forget(self) -> None:
        if isinstance(self._state, Building):
            self._state.stop.set()
        self._state = Absent()

    def _follow(self) -> None:
        """Bring the snapshot to the latest version, or drop it; under the lock."""
        now, looked = time.time_ns(), self._look()
        if looked == self._trusted:
            return
        version, inode = self._reader.version, looked[0]
        if inode != self._inode or version < self._version:
            # Another table lies in this one's place.
            self._forget()
        elif version != self._version and isinstance(self._state, Ready):
            self._hold(self._state.held)
        # Only now: had anything above failed, the next call would have to do it.
        self._version, self._inode = version, inode
        # A file system's clock ticks: a second commit of the same tick leaves an equal stamp.
        self._trusted = looked if now - looked[1] > _STAMP_IS_SURE_NS else None

    def _hold(self, old: Versioned) -> None:
        """Bring a snapshot to the latest version; Absent if that fails."""
        self._state = Absent(_EACH_ONCE)
        new = catch_up(self._reader, old, self._max_bytes)
        if new is not None:
            self._state = Ready(new)

    def _after(self, what: Searched, before: frozenset[Searched]) -> State:
        """Note one more search; start a build if it is the second of its kind."""
        if what not in before:
            return Absent(before.union((what,)))
        rows = self._reader.count(EVERYTHING)
        if not may_fit(rows, self._max_bytes):
            return TooLarge()
        result, stop = Future[Versioned | None](), threading.Event()
        if rows <= _SMALL_ROWS:
            result.set_result(build_snapshot(self._reader, self._max_bytes, stop.is_set))
        else:
            one = ThreadPoolExecutor(1, "building-a-snapshot")
            result = one.submit(build_snapshot, self._reader, self._max_bytes, stop.is_set)
            one.shutdown(wait=False)
        return Building(result, stop)

    def _take(self, building: Building) -> None:
        """Take a finished build over; Absent if it failed."""
        self._state = Absent(_EACH_ONCE)
        made = building.result.result()
        if made is None:
            self._state = TooLarge()
        elif made.version == self._version:
            self._state = Ready(made)
        else:
            self._hold(made)
            if isinstance(self._state, Absent):
                self._state = TooLarge()
