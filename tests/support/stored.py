"""Memories of a store under test: stored one by one, and read as the table holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from iai_memory import Memory, Record


def stored(memory: Memory, text: str, **fields: Any) -> str:
    """Stores one memory; returns its id."""
    [result] = memory.ingest({"text": text, **fields}).results
    return str(result.id)


def raw(memory: Memory, id_: str) -> Record:
    """The record as the table holds it, forgotten or not."""
    [record] = memory.store.latest.get([id_])
    return record


def now() -> datetime:
    """A moment after every commit so far and before every one to come."""
    return datetime.now(UTC)
