"""Memories that the store has already, by idempotency key, with what a second coming needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

_PLAIN: Final = ("idem", "id", "tombstoned_at", "superseded_by", "session_id")
_HASH: Final = "words"
_KEPT: Final = (*_PLAIN, _HASH)
KNOWN_COLUMNS: Final = (*_PLAIN, "role", "text")


@dataclass(frozen=True, slots=True)
class KnownMemory:
    """A stored memory without its text.

    Attributes:
        id: Its id.
        is_live: Whether it is not forgotten.
        is_current: Whether nothing superseded it.
        session_id: Its session.
        words: Of its role and its text, `hash_of_words`.
    """

    id: str
    is_live: bool
    is_current: bool
    session_id: str | None
    words: int


KnownMemories = Mapping[str, Sequence[KnownMemory]]
"""By idempotency key; of several with one key the live ones first, then the oldest."""


def hash_of_words(role: str, text: str) -> int:
    """Return a hash of who said what, for comparisons within this process: 64 bits, signed."""
    return hash((role, text))


def with_hashes(rows: pa.Table) -> pa.Table:
    """Return rows of `KNOWN_COLUMNS` with a hash in place of their roles and texts."""
    said = zip(rows["role"].to_pylist(), rows["text"].to_pylist(), strict=True)
    hashes = pa.array((hash_of_words(role, text) for role, text in said), pa.int64())
    return rows.drop_columns(["role", "text"]).append_column(_HASH, hashes)


def known_memories(parts: Iterable[pa.Table]) -> dict[str, list[KnownMemory]]:
    """Return the memories of tables that `with_hashes` returned, by key."""
    found: dict[str, list[KnownMemory]] = {}
    for part in parts:
        columns = (part[name].to_pylist() for name in _KEPT)
        for key, id_, tombstoned_at, superseded_by, session_id, words in zip(*columns, strict=True):
            known = KnownMemory(
                id_, tombstoned_at is None, superseded_by is None, session_id, words
            )
            found.setdefault(key, []).append(known)
    for same in found.values():
        same.sort(key=lambda one: (not one.is_live, one.id))
    return found
