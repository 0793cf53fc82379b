"""Turns that the capture hook queued and the table does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..privacy.redaction import redact
from ..projects.lookup import ProjectLookup
from .hosts.markers import skip_reason
from .spool import QueuedEvent


@dataclass(frozen=True, slots=True)
class QueuedTurn:
    """A turn, from the fields of its event.

    Attributes:
        created_at: When its event was queued.
        role: user or assistant.
        text: With secrets redacted.
        project: None for an event without a folder.
    """

    created_at: datetime
    role: str
    text: str
    project: str | None


def queued_turns(events: Sequence[QueuedEvent]) -> list[QueuedTurn]:
    """Return the turns that the events hold, newest first, by the rules of captured turns."""
    projects = ProjectLookup()
    turns: list[QueuedTurn] = []
    for event in reversed(events):
        cwd = event.text("cwd")
        if cwd is not None and projects.ignored(cwd):
            continue
        for field, role in (("last_assistant_message", "assistant"), ("prompt", "user")):
            text = redact(event.text(field) or "").text
            if skip_reason(text) is None:
                project = None if cwd is None else projects.project(cwd)
                turns.append(QueuedTurn(event.queued_at, role, text, project))
    return turns
