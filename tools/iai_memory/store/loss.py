"""The look whether a store's table is there and whole, and what is said where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lancedb.table import LanceTable

from ..base.locks import OsLock
from ..base.paths import StorePaths
from ..base.store_guard import guard, unguard
from ..errors import StoreBusy, StoreLost
from .lance_files import noted_version
from .store_identity import damage_of, read_identity, set_back, store_id_of
from .traces import has_data, has_version, traces_of

_MEND: Final = "run `iai-mcp doctor --repair`, or `iai-mcp restore-backup`"
_EXCHANGE_SEC: Final = 10.0
_LOOK_AGAIN_SEC: Final = 10.0


class TableWatch:
    """The look at one table's folder."""

    def __init__(self, paths: StorePaths, elsewhere: Callable[[], list[str]] = list) -> None:
        """Bind the store's files; nothing is looked at yet.

        Args:
            paths: The store's.
            elsewhere: Returns traces of the store outside of its folder, as nouns; asked where
                there is no table.
        """
        self._paths = paths
        self._elsewhere = elsewhere
        self._folder = paths.table
        self._versions = paths.table / "_versions"
        self._opened: tuple[int, int] | None = None
        self._seen: tuple[int, int, int] | None = None

    def lost(self, what: str) -> StoreLost:
        """Return the error of a table that was found lost, and let nobody make folders beside it.

        Args:
            what: What became of it, as a clause with the table as its subject.
        """
        error = self._error(what)

        def refuse() -> None:
            raise StoreLost(*error.args)

        guard(self._paths.root, refuse)
        return error

    def require_table(self) -> None:
        """Return if there is a version of the table, readable or not.

        Raises:
            StoreLost: There is none.
        """
        if not has_version(self._folder):
            raise self._error("is gone")

    def require_not_lost(self, id_: str | None) -> None:
        """Return if there is a table, or none ever was.

        Args:
            id_: Of the store as this process opened it before, "" where it has none; None before
                the first time.

        Raises:
            StoreLost: There was one: the text says what is left of its store.
            StoreBusy: Somebody exchanges it just now.
        """
        if id_ is not None:
            self._require_same(id_)
        elif not has_version(self._folder) and self._traces():
            self._wait_for_exchange()
            left = self._traces()
            if left and not has_version(self._folder):
                raise self.lost(f"is gone, and what is left is {_listed(left)}")
        unguard(self._paths.root)

    def damage(self, table: LanceTable) -> str | None:
        """Return what became of the table since it was noted, see `damage_of`; None if it is whole.

        Beside somebody who removes rows or exchanges the table it may see a loss where none is:
        take the write lock, and look again.

        Raises:
            RuntimeError, OSError, ValueError: LanceDB's, if the table cannot be read.
        """
        # What was noted first, and then the latest version, to which the handle moves by itself: it
        # was noted after the commit that it tells of.
        identity, version = read_identity(self._paths), noted_version(self._folder)
        rows = table.count_rows()
        if rows and not has_data(self._folder):
            return "has lost every file of its rows"
        if identity is not None:
            noted = damage_of(identity, store_id_of(table), table.version, rows)
            if noted is not None:
                return noted
        return set_back(table.version, version)

    def note_opened(self, id_: str) -> None:
        """Let nobody of this process make folders in the store's place once it is another one."""
        seen = _stat(self._versions)
        self._opened = None if seen is None else seen[:2]
        self._seen = None

        def refuse_other() -> None:
            if not self.is_in_place():
                self._require_same(id_)

        guard(self._paths.root, refuse_other)

    def is_in_place(self) -> bool:
        """Return whether the table lies where it was opened; costs a `stat` if nothing changed."""
        seen = _stat(self._versions)
        if seen is not None and seen == self._seen:
            return True
        try:
            there = seen is not None and seen[:2] == self._opened and has_version(self._folder)
        except OSError:
            return True  # no more open files, or no right to look: whoever reads is told
        self._seen = seen if there else None
        return there

    def _traces(self) -> list[str]:
        return [*traces_of(self._paths), *self._elsewhere()]

    def _error(self, what: str) -> StoreLost:
        root = self._paths.root
        return StoreLost(
            f"the table in {root} {what}: {_MEND}; to begin anew, move all but models/ and hooks/ "
            f"out of {root}"
        )

    def _require_same(self, id_: str) -> None:
        root = self._paths.root
        if not has_version(self._folder):
            self._wait_for_exchange()
        if not has_version(self._folder):
            gone = self._folder if root.is_dir() else root
            raise StoreLost(
                f"{gone} was there when this process opened it, and is gone: put it back, or "
                f"{_MEND}; to begin anew, move what is left there out of {root}, and start again"
            )
        found = read_identity(self._paths)
        if id_ and found is not None and found.id != id_:
            raise StoreLost(
                f"{root} is another store now ({found.id}) than this process opened ({id_}): put "
                f"that one back, or start again to use this one"
            )

    def _wait_for_exchange(self) -> None:
        """Return when nobody writes: who puts one table in another one's place has the write lock.

        Raises:
            StoreBusy: Somebody does for longer than 10 s.
        """
        lock = OsLock(self._paths.lock("write"))
        try:
            free = lock.acquire(_EXCHANGE_SEC)
        except OSError:
            return  # there is no such folder, or nobody can write there
        lock.release()
        if not free:
            raise StoreBusy(f"the table in {self._paths.root} is being exchanged: try again")


class KnownLoss:
    """A loss that was found: it is told again at no cost until something of the store changes.

    A server looks twice a second whether its store is back.
    """

    def __init__(self, paths: StorePaths, error: StoreLost) -> None:
        """Note the error, and how the store looks."""
        self._looked_at = (
            paths.root,
            paths.identity,
            paths.table / "_versions",
            paths.table / "data",
        )
        self._error = error
        self._state = self._look()
        self._until = time.monotonic() + _LOOK_AGAIN_SEC

    def require_change(self) -> None:
        """Return if another look is worth its cost.

        Raises:
            StoreLost: The same as before.
        """
        if self._state == self._look() and time.monotonic() < self._until:
            raise StoreLost(*self._error.args)

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_stat(path) for path in self._looked_at]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _listed(nouns: list[str]) -> str:
    *first, last = nouns
    return f"{', '.join(first)} and {last}" if first else last
