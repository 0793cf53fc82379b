"""The key by which the same turn, or the same dated text, is stored once."""

from __future__ import annotations

import hashlib
from datetime import datetime

from ..base.clock import iso


def idempotency_key(
    role: str,
    text: str,
    *,
    created_at: datetime | None = None,
    session_id: str | None = None,
    turn_id: str | None = None,
    project: str | None = None,
) -> str:
    """Return the sha256, in hex, of what identifies a memory.

    For a turn that its host numbered: session, role and number. For any other text with a time:
    role, time and text. For a text without a time: role, session, project and text.
    """
    if turn_id is not None:
        parts = ["turn", session_id or "", role, turn_id]
    elif created_at is not None:
        parts = ["dated", role, iso(created_at), text]
    else:
        parts = ["undated", role, session_id or "", project or "", text]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
