"""Turns that the capture hook saw and the table does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..privacy.redaction import redact
from ..projects.lookup import Places
from .hosts.markers import noise
from .spool import Doorbell


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn as its doorbell tells it."""

    created_at: datetime
    role: str
    text: str
    project: str | None


def waiting_turns(bells: Sequence[Doorbell]) -> list[Waiting]:
    """What the doorbells say themselves, newest first, under the same rules as captured turns."""
    places = Places()
    turns: list[Waiting] = []
    for bell in reversed(bells):
        cwd = bell.text("cwd")
        if cwd is not None and places.ignored(cwd):
            continue
        for field, role in (("last_assistant_message", "assistant"), ("prompt", "user")):
            text = redact(bell.text(field) or "").text
            if noise(text) is None:
                project = None if cwd is None else places.project(cwd)
                turns.append(Waiting(bell.rung_at, role, text, project))
    return turns
