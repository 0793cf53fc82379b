"""A membership filter over the table's idempotency keys: most new keys need no look-up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .filter import EVERYTHING
from .reader import TableReader

MAX_KEYS: Final = 2_000_000
"""16 MB of hashes. With more keys than this every key is looked up in the table."""

# A process that ingests once, as a command does, gets its answers sooner from the table than after
# reading all keys: an ingest looks keys up twice, before it takes the write lock and under it.
_CALLS_BEFORE_READING: Final = 2
_MAX_RECENT: Final = 10_000
_NO_VERSION: Final = -1


class KeyFilter:
    """A filter that excludes keys surely not in the table, and never one that is.

    Holds a hash of each key, 8 bytes. Follows the table's version: keys that other processes stored
    are read by their `table_version`, those of this process come through `advance`. A key that was
    removed from the table stays here, and is looked up in vain. Safe for any number of threads.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS) -> None:
        """Start knowing nothing."""
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._calls = 0
        self._too_many = False
        self._inode = 0
        self._version = _NO_VERSION
        self._sorted: NDArray[np.int64] = np.empty(0, np.int64)
        self._recent = set[int]()

    def possible_keys(
        self, keys: Sequence[str], reader: TableReader, inode: Callable[[], int]
    ) -> list[str]:
        """Return those of the keys that the table's latest version may hold, and no others.

        Args:
            keys: To look for.
            reader: Of the latest version.
            inode: Returns the inode of the table's folder, by which another table in its place is
                recognised.
        """
        with self._lock:
            self._calls += 1
            if self._too_many or self._calls <= _CALLS_BEFORE_READING:
                return list(keys)
            self._follow(reader, inode())
            if self._too_many:
                return list(keys)
            return [key for key in keys if self._holds(hash(key))]

    def advance(self, before: int, after: int, keys: Collection[str]) -> None:
        """Add the keys of a commit of this process.

        Args:
            before: The version that it was made on.
            after: The version that it became.
            keys: All keys that it added.
        """
        with self._lock:
            if self._version == before:
                self._add(np.fromiter(map(hash, keys), np.int64, len(keys)))
                self._version = after

    def _follow(self, reader: TableReader, inode: int) -> None:
        version = reader.version
        if inode != self._inode or version < self._version:
            self._forget()
        if self._version == _NO_VERSION and reader.count(EVERYTHING) > self._max_keys:
            self._too_many = True
        elif version != self._version:
            self._add(_hashes(reader.keys_since(self._version)))
            self._inode, self._version = inode, version

    def _forget(self) -> None:
        self._inode, self._version = 0, _NO_VERSION
        self._sorted = np.empty(0, np.int64)
        self._recent.clear()

    def _holds(self, key: int) -> bool:
        if key in self._recent:
            return True
        at = int(np.searchsorted(self._sorted, key))
        return at < len(self._sorted) and bool(self._sorted[at] == key)

    def _add(self, hashes: NDArray[np.int64]) -> None:
        # A sorted array takes 8 bytes a key, a set 60, and only the set grows at no cost.
        if len(hashes) + len(self._recent) <= _MAX_RECENT:
            self._recent.update(hashes.tolist())
            return
        recent = np.fromiter(self._recent, np.int64, len(self._recent))
        self._sorted = np.union1d(self._sorted, np.concatenate([hashes, recent]))
        self._recent.clear()


def _hashes(keys: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return Python's own hash of each key, which differs between processes: int64, (n,)."""
    parts = [
        np.fromiter(map(hash, chunk.to_pylist()), np.int64, len(chunk)) for chunk in keys.chunks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])
