"""Records and candidates that no store made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from iai_memory import Record
from iai_memory.store.candidate import Candidate
from iai_memory.text.analyzer import document_terms

DAY = datetime(2026, 5, 8, tzinfo=UTC)


def record(id: str, text: str = "words", *, day: int = 0, **more: Any) -> Record:
    """A note of the 8th of May 2026, or `day` days later."""
    at = DAY + timedelta(days=day)
    fields: dict[str, Any] = {"role": "note", "origin": "cli", "idem": id, **more}
    return Record(
        id=id, text=text, created_at=at, ingested_at=at, updated_at=at, valid_from=at, **fields
    )


def candidate(one: Record) -> Candidate:
    """The record with its terms."""
    return Candidate(one, " ".join(document_terms(one.text)))
