"""Candidates that were made of their rows before; the earliest go first."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from ...base.fifo_cache import drop_earliest
from ..candidate import Candidate

_MOST: Final = 12_288  # some 15 MB with what is read off their texts
_LONG: Final = 4_000  # characters of a text that would take the room of many


class Decoded:
    """By place among the rows, where nothing ever changes. Safe for any number of threads."""

    def __init__(self) -> None:
        """Holds nothing yet."""
        self._held: dict[int, Candidate] = {}
        self._lock = threading.Lock()

    def find(self, places: Iterable[int]) -> dict[int, Candidate]:
        """Those of them that are held."""
        return {place: one for place in places if (one := self._held.get(place)) is not None}

    def keep(self, made: Mapping[int, Candidate]) -> None:
        """Holds these, but for long ones."""
        with self._lock:
            for place, one in made.items():
                if len(one.record.text) <= _LONG:
                    self._held[place] = one
            drop_earliest(self._held, _MOST)
