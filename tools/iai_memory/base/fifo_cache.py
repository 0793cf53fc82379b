"""A bounded cache that forgets its oldest entries first."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Generic, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FifoCache(Generic[K, V]):
    """A cache of the `max_entries` newest keys; a key that is set again keeps its place.

    First in, first out instead of least recently used, so that reading changes nothing: reads take
    no lock. Safe for any number of threads. Adding n entries costs O(n).
    """

    def __init__(self, max_entries: int) -> None:
        """Start empty."""
        self._max_entries = max_entries
        self._entries: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    def found(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the entries of the cached keys among `keys`, in their order."""
        entries = self._entries
        return {key: value for key in keys if (value := entries.get(key)) is not None}

    def without(self, keys: Collection[K]) -> Self:
        """Copy the cache without these keys. Costs O(entries)."""
        other = type(self)(self._max_entries)
        with self._lock:
            other._entries = self._entries.copy()
        for key in keys:
            other._entries.pop(key, None)
        return other

    def add(self, entries: Iterable[tuple[K, V]]) -> None:
        """Set these entries, then drop the oldest down to the bound; no value may be None."""
        with self._lock:
            self._entries.update(entries)
            # Listed before the first is deleted: each look for the first key of a dict passes all
            # that were deleted in front. (An OrderedDict does not, and takes twice as long to add.)
            surplus = max(0, len(self._entries) - self._max_entries)
            for key in list(islice(self._entries, surplus)):
                del self._entries[key]
