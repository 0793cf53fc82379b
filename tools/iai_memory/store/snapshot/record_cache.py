"""The candidates of a snapshot by id, so that a row is decoded once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ...base.fifo_cache import FifoCache
from ..candidate import Candidate

_MAX_RECORDS: Final = 12_288  # some 15 MB with what is read off their texts
_MAX_TEXT_CHARS: Final = 4_000  # a longer text would take the room of many


class RecordCache:
    """Candidates of one snapshot, in which none ever changes. Safe for any number of threads."""

    def __init__(self, candidates: FifoCache[str, Candidate] | None = None) -> None:
        """Hold these candidates, or nothing yet."""
        self._candidates = candidates or FifoCache(_MAX_RECORDS)

    def found(self, ids: Iterable[str]) -> dict[str, Candidate]:
        """Return the cached candidates among these ids."""
        return self._candidates.found(ids)

    def add(self, candidates: dict[str, Candidate]) -> None:
        """Hold these candidates, except those with a long text."""
        self._candidates.add(
            (id_, one) for id_, one in candidates.items() if len(one.record.text) <= _MAX_TEXT_CHARS
        )

    def without(self, ids: Collection[str]) -> RecordCache:
        """Return the cache of a snapshot in which these records changed."""
        return RecordCache(self._candidates.without(ids))
