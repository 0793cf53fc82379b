"""Candidates by their place among the snapshot's rows, so that a row is decoded once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ...base.fifo_cache import FifoCache
from ..candidate import Candidate

_MAX_RECORDS: Final = 12_288  # some 15 MB with what is read off their texts
_MAX_TEXT_CHARS: Final = 4_000  # a longer text would take the room of many


class RecordCache:
    """Candidates by place, where nothing ever changes. Safe for any number of threads."""

    def __init__(self) -> None:
        """Holds nothing yet."""
        self._candidates = FifoCache[int, Candidate](_MAX_RECORDS)

    def found(self, places: Iterable[int]) -> dict[int, Candidate]:
        """The candidates at those of the places that are held."""
        return self._candidates.found(places)

    def add(self, candidates: Mapping[int, Candidate]) -> None:
        """Holds these, but for those with a long text."""
        self._candidates.add(
            (place, one)
            for place, one in candidates.items()
            if len(one.record.text) <= _MAX_TEXT_CHARS
        )
