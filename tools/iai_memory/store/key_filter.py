"""The idempotency keys of the table, as hashes in memory: most new ones need no look-up."""

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
"""16 MB. A table of more has its index asked for every key."""

# Who asks once, as a command does, is answered sooner by the table than by reading all keys first:
# an ingest asks before it takes the write lock and under it.
_QUESTIONS_BEFORE_A_COPY: Final = 2
_MOST_RECENT: Final = 10_000
_BEFORE_ALL: Final = -1


class KeyFilter:
    """Tells which keys are surely not in the table.

    Follows the table's version: what others stored is read by its `table_version`, what this
    process stored is told by `advance`. A key that was removed from the table stays here, and is
    looked up in vain. Safe for any number of threads.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS) -> None:
        """Knows nothing yet."""
        self._most_keys = max_keys
        self._lock = threading.Lock()
        self._questions = 0
        self._too_many = False
        self._table = 0
        self._version = _BEFORE_ALL
        self._sorted: NDArray[np.int64] = np.empty(0, np.int64)
        self._recent = set[int]()

    def possible_keys(
        self, keys: Sequence[str], reader: TableReader, identity: Callable[[], int]
    ) -> list[str]:
        """Those of the keys that the table may hold; no other is in its latest version.

        Args:
            keys: To look for.
            reader: Of the latest version.
            identity: Tells the table from another in its place.
        """
        with self._lock:
            self._questions += 1
            if self._too_many or self._questions <= _QUESTIONS_BEFORE_A_COPY:
                return list(keys)
            self._follow(reader, identity())
            if self._too_many:
                return list(keys)
            return [key for key in keys if self._holds(hash(key))]

    def advance(self, before: int, after: int, keys: Collection[str]) -> None:
        """Takes over a commit of this process that added these keys and no others.

        Args:
            before: The version that it was made on.
            after: The version that it became.
            keys: What it added.
        """
        with self._lock:
            if self._version == before:
                self._add(np.fromiter(map(hash, keys), np.int64, len(keys)))
                self._version = after

    def _follow(self, reader: TableReader, table: int) -> None:
        version = reader.version
        if table != self._table or version < self._version:
            self._forget()
        if self._version == _BEFORE_ALL and reader.count(EVERYTHING) > self._most_keys:
            self._too_many = True
        elif version != self._version:
            self._add(_hashes(reader.keys_since(self._version)))
            self._table, self._version = table, version

    def _forget(self) -> None:
        self._table, self._version = 0, _BEFORE_ALL
        self._sorted = np.empty(0, np.int64)
        self._recent.clear()

    def _holds(self, key: int) -> bool:
        if key in self._recent:
            return True
        at = int(np.searchsorted(self._sorted, key))
        return at < len(self._sorted) and bool(self._sorted[at] == key)

    def _add(self, hashes: NDArray[np.int64]) -> None:
        # A sorted array takes 8 bytes a key, a set 60, and only the set grows at no cost.
        if len(hashes) + len(self._recent) <= _MOST_RECENT:
            self._recent.update(hashes.tolist())
            return
        recent = np.fromiter(self._recent, np.int64, len(self._recent))
        self._sorted = np.union1d(self._sorted, np.concatenate([hashes, recent]))
        self._recent.clear()


def _hashes(keys: pa.ChunkedArray) -> NDArray[np.int64]:
    """Python's own hash of each, which is another in another process: int64, (n,)."""
    parts = [
        np.fromiter(map(hash, chunk.to_pylist()), np.int64, len(chunk)) for chunk in keys.chunks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])
