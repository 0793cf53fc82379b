"""Records as a store has them, by number."""

from __future__ import annotations

from datetime import datetime

from iai_memory.embedding.identity import IDENTITY
from iai_memory.store.record import Record, Role

PROJECTS = 20


def numbered_record(number: int, text: str, role: Role, at: datetime) -> Record:
    """A captured record: 200 of them make a session, and projects take turns."""
    return Record(
        id="",
        text=text,
        role=role,
        origin="hook",
        created_at=at,
        ingested_at=at,
        updated_at=at,
        valid_from=at,
        idem=f"{number:064d}",
        project=f"project-{number % PROJECTS}",
        session_id=f"session-{number // 200}",
        embedder=IDENTITY.key,
    )
