"""Memories that the store has already, by idempotency key, with what a second coming needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa

KNOWN_COLUMNS: Final = ("idem", "id", "tombstoned_at", "valid_to")


@dataclass(frozen=True, slots=True)
class KnownMemory:
    """A stored memory without its text.

    Attributes:
        id: Its id.
        is_live: Whether it is not forgotten.
        valid_to: When something else became true instead; None while it is true.
    """

    id: str
    is_live: bool
    valid_to: datetime | None

    def is_current(self, moment: datetime) -> bool:
        """Return whether it is not superseded at `moment`."""
        return self.valid_to is None or self.valid_to > moment


KnownMemories = Mapping[str, Sequence[KnownMemory]]
"""By idempotency key; of several with one key the live ones first, then the oldest."""


def known_memories(parts: Iterable[pa.Table]) -> dict[str, list[KnownMemory]]:
    """Return the memories of tables with `KNOWN_COLUMNS`, by key."""
    found: dict[str, list[KnownMemory]] = {}
    for part in parts:
        columns = (part[name].to_pylist() for name in KNOWN_COLUMNS)
        for key, id_, tombstoned_at, valid_to in zip(*columns, strict=True):
            known = KnownMemory(id_, tombstoned_at is None, valid_to)
            found.setdefault(key, []).append(known)
    for same in found.values():
        same.sort(key=lambda one: (not one.is_live, one.id))
    return found
