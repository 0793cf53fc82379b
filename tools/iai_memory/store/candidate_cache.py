"""Candidates that were read before, up to a number of bytes; the longest unused one goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final

from .reader import Candidate

MAX_BYTES: Final = 16 << 20
"""Some thousand of usual length. A long text with all its passages is 4 MB by itself."""

_OBJECTS_BYTES: Final = 2_000


class CandidateCache:
    """Not safe for threads by itself."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Holds nothing yet."""
        self._held: OrderedDict[str, Candidate] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    def find(self, ids: Iterable[str]) -> dict[str, Candidate]:
        """Those of them that are held."""
        found = {id_: held for id_ in ids if (held := self._held.get(id_)) is not None}
        for id_ in found:
            self._held.move_to_end(id_)
        return found

    def keep(self, candidates: Collection[Candidate]) -> None:
        """Holds these, and lets go of others where there is no room."""
        self.drop(one.record.id for one in candidates)
        for one in candidates:
            self._held[one.record.id] = one
            self._bytes += _size(one)
        while self._bytes > self._max_bytes:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= _size(oldest)

    def drop(self, ids: Iterable[str]) -> None:
        """Holds none of these any more."""
        for id_ in ids:
            if (one := self._held.pop(id_, None)) is not None:
                self._bytes -= _size(one)

    def clear(self) -> None:
        """Holds nothing any more."""
        self._held.clear()
        self._bytes = 0


def _size(one: Candidate) -> int:
    vectors = 0 if one.vector is None else one.vector.nbytes
    parts = 0 if one.passages is None else one.passages.vectors.nbytes
    return 4 * len(one.record.text) + len(one.terms) + vectors + parts + _OBJECTS_BYTES
