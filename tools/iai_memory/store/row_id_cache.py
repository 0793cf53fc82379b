"""Where rows lay in the table when a search met them, to read them without looking them up."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import Final

from ..base.fifo_cache import drop_earliest

_MOST: Final = 10_000


class Addresses:
    """LanceDB's row ids, by the ids of records; the earliest go first.

    One may be out of date, which does no harm: a row that was changed, moved or deleted since lies
    elsewhere, its old place is given to no other, and LanceDB gives nothing for it. Only a table
    that was put in this one's place may have another record there, so who reads looks at the id.
    Safe for any number of threads.
    """

    def __init__(self) -> None:
        """Knows none yet."""
        self._held: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, ids: Iterable[str], rows: Iterable[int]) -> None:
        """These records were met in these rows."""
        with self._lock:
            self._held |= zip(ids, rows, strict=True)
            drop_earliest(self._held, _MOST)

    def of(self, ids: Collection[str]) -> list[int]:
        """Those that are known, in any order."""
        held = self._held
        return [row for id_ in ids if (row := held.get(id_)) is not None]
