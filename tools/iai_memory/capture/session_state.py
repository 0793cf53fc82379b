"""State of each transcript: how far it was read, failed attempts, and its counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ..base.clock import iso, parse_time
from ..base.files import make_private_folder, replace_file
from ..base.json_file import read_object
from ..base.paths import StorePaths
from ..errors import StoreUnavailable
from .jsonl_tail import FileCursor
from .turn import Host
from .turn_counts import TurnCounts

_FILE: Final = "sessions.json"
_MAX_BYTES: Final = 64 << 20  # of some 500 bytes a transcript
KEPT_FOR: Final = timedelta(days=60)


@dataclass(slots=True)
class Session:
    """One transcript.

    Attributes:
        transcript: Its path.
        host: Who writes it; None until it could be read.
        session_id: The host's id.
        cwd: The folder that was worked in.
        queued_at: When its last event was queued.
        cursor: How far it was read; None before the first read.
        attempts: Failed attempts since the last success.
        fault: Why the last attempt failed; empty for none.
        counts: Its turns by outcome.
    """

    transcript: Path
    host: Host | None
    session_id: str
    cwd: str | None
    queued_at: datetime
    cursor: FileCursor | None = None
    attempts: int = 0
    fault: str = ""
    counts: TurnCounts = field(default_factory=TurnCounts)

    def unread_bytes(self) -> int:
        """Return how many bytes the transcript grew by since it was read; 0 if it is gone."""
        try:
            size = self.transcript.stat().st_size
        except OSError:
            return 0
        return max(0, size - (self.cursor.offset if self.cursor else 0))


class Sessions:
    """The transcripts with events, kept in one file of the spool."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the sessions of the store at `paths`; nothing is created."""
        self._path = paths.spool / _FILE

    def load(self) -> dict[str, Session]:
        """Return the known transcripts by path; none if the file is damaged."""
        noted = read_object(self._path, _MAX_BYTES) or {}
        try:
            return {path: _from_fields(path, fields) for path, fields in noted.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            # Transcripts are then read again from the start, which stores nothing twice.
            return {}

    def save(self, sessions: dict[str, Session]) -> None:
        """Replace the file; transcripts without an event for 60 days are dropped.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        oldest = datetime.now(UTC) - KEPT_FOR
        kept = {
            path: _to_fields(session)
            for path, session in sessions.items()
            if session.queued_at >= oldest
        }
        try:
            make_private_folder(self._path.parent)
            replace_file(self._path, json.dumps(kept, ensure_ascii=False, indent=1).encode())
        except OSError as exc:
            raise StoreUnavailable(
                f"{self._path} cannot be written ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc


def last_capture_notice(sessions: dict[str, Session]) -> str:
    """Return a warning that the last session's capture lost turns; empty if all were stored."""
    if not sessions:
        return ""
    last = max(sessions.values(), key=lambda session: session.queued_at)
    if not last.fault:
        return ""
    counts = last.counts
    kept = counts.stored + counts.duplicate
    total = kept + counts.failed
    if total == 0:
        return "the last session's transcript could not be read: run iai-mcp doctor"
    return f"{kept} of {total} turns of the last session were stored: run iai-mcp doctor"


def _to_fields(session: Session) -> dict[str, Any]:
    cursor = session.cursor
    return {
        "host": session.host,
        "session_id": session.session_id,
        "cwd": session.cwd,
        "rung_at": iso(session.queued_at),
        "cursor": cursor and [cursor.inode, cursor.size, cursor.offset, cursor.mark, cursor.state],
        "attempts": session.attempts,
        "fault": session.fault,
        "books": session.counts.to_fields(),
    }


def _from_fields(path: str, fields: dict[str, Any]) -> Session:
    counts = fields["books"]
    return Session(
        transcript=Path(path),
        host=fields["host"],
        session_id=fields["session_id"],
        cwd=fields["cwd"],
        queued_at=parse_time(fields["rung_at"], "rung_at"),
        cursor=FileCursor(*fields["cursor"]) if fields["cursor"] else None,
        attempts=int(fields["attempts"]),
        fault=fields["fault"],
        counts=TurnCounts(
            stored=int(counts["stored"]),
            duplicate=int(counts["duplicate"]),
            failed=int(counts["failed"]),
            skipped=Counter(counts["skipped"]),
        ),
    )
