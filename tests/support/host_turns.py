"""Turns of a session as a host stores them."""

from __future__ import annotations

from typing import Any

ASKED = "Should the list of books be sorted by title in the output?"
ANSWERED = "Sorting by title needs a locale. Shall I remove it?"


def turns(
    *dialogue: tuple[str, str], session: str = "s", hour: int = 9, **more: Any
) -> list[dict[str, Any]]:
    """The turns of one session of a host, a minute each."""
    return [
        {
            "text": text,
            "role": role,
            "host": "claude-code",
            "session_id": session,
            "turn_id": f"{session}-{hour}-{minute}",
            "created_at": f"2026-05-08T{hour:02}:{minute:02}:00Z",
            **more,
        }
        for minute, (role, text) in enumerate(dialogue)
    ]
