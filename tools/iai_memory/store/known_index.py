"""The idempotency keys of a whole table with what a second coming needs, for many look-ups."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from .arrow import pc
from .filter import EVERYTHING
from .known import KnownMemory, known_memories
from .reader import TableReader

MAX_ROWS: Final = 500_000
"""55 MB. A larger table is asked for each batch of keys."""

# Asking the table for 256 keys takes 25 ms of processor time, reading all keys of 100,000 rows 150.
_KEYS_BEFORE_READING: Final = 2_000
_MAX_CHANGED: Final = 10_000


class KnownIndex:
    """The known memories of a table by key, read once and kept up with the table's version.

    An import of what is known already asks for every key of it. Answers for a version are exactly
    those of `TableReader.known`. Safe for any number of threads.
    """

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._lock = threading.Lock()
        self._asked = 0
        self._inode = 0
        self.release()

    def release(self) -> None:
        """Free the memory until keys are asked for again."""
        with self._lock:
            self._forget()

    def known(
        self, keys: Sequence[str], reader: TableReader, inode: int
    ) -> dict[str, list[KnownMemory]]:
        """Return the memories with these keys, by key, forgotten ones included.

        Args:
            keys: To look for, each once.
            reader: Of the latest version.
            inode: Of the table's folder, by which another table in its place is recognised.
        """
        with self._lock:
            self._asked += len(keys)
            if self._asked < _KEYS_BEFORE_READING or not self._follow(reader, inode):
                return reader.known(keys)
            return known_memories([*self._rows_of(keys), *self._changed_of(keys)])

    def _forget(self) -> None:
        self._version = self._indexed = -1
        self._rows: pa.Table | None = None
        self._hashes = np.empty(0, np.int64)
        self._order = np.empty(0, np.int64)
        self._changed: pa.Table | None = None

    def _follow(self, reader: TableReader, inode: int) -> bool:
        """Bring the index to the latest version; return False where the table is too large."""
        version = reader.version
        if inode != self._inode or version < self._version:
            self._forget()
        if self._rows is not None and version != self._version:
            changed = reader.known_since(self._indexed)
            if len(changed) > _MAX_CHANGED:
                self._forget()
            else:
                self._changed = changed
        if self._rows is None:
            if reader.count(EVERYTHING) > MAX_ROWS:
                return False
            self._read(reader, version)
        self._inode, self._version = inode, version
        return True

    def _read(self, reader: TableReader, version: int) -> None:
        rows = reader.known_since(-1)
        keys = rows["idem"].to_pylist()
        hashes = np.fromiter(map(hash, keys), np.int64, len(keys))
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]
        self._rows, self._changed, self._indexed = rows, None, version

    def _rows_of(self, keys: Sequence[str]) -> list[pa.Table]:
        """Return the rows with these keys that were not changed since they were read."""
        if self._rows is None:
            return []
        wanted = np.fromiter(map(hash, keys), np.int64, len(keys))
        begins = np.searchsorted(self._hashes, wanted)
        ends = np.searchsorted(self._hashes, wanted, side="right")
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        places = [int(self._order[at]) for span in spans for at in range(*span)]
        found = self._rows.take(pa.array(places, pa.int64()))
        if self._changed is not None:
            found = found.filter(pc.invert(_is_in(found["id"], self._changed["id"])))
        return [found]

    def _changed_of(self, keys: Sequence[str]) -> list[pa.Table]:
        if self._changed is None:
            return []
        asked = pa.array(keys, pa.string())
        return [self._changed.filter(_is_in(self._changed["idem"], asked))]


def _is_in(column: pa.ChunkedArray, values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=values)
