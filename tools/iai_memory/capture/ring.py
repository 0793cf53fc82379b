"""A ring: what one call of the capture hook said, and the reading of its line.

A ring says that a transcript grew, without any text of the conversation:

    {"event":"Stop","session_id":"…","transcript_path":"…","cwd":"…","at":1764500000}

Earlier versions wrote the host's whole JSON; it is read for the same fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MAX_RING_BYTES: Final = 64 << 10
"""A longer line is read by its beginning."""

_MAX_PATH_CHARS: Final = 16 << 10
_NAMES: Final = ("session_id", "transcript_path")
_RINGS: Final = frozenset({*_NAMES, "event", "hook_event_name"})
_AFTER_VALUE: Final = (",", "}", "{", " ", "\t", "\r", "\n")
_MEMBER: Final = re.compile(r'[\s,{]*("(?:[^"\\]|\\.)*")\s*:\s*')


@dataclass(frozen=True, slots=True)
class Ring:
    """What one call of the capture hook said.

    Attributes:
        transcript_path: Absolute path of the transcript; of a nameless ring what stood in its
            place, or nothing.
        session_id: The host's id; None where it gave none.
        cwd: The folder that was worked in; None where the host gave none.
        event: The host's name of the event; None where it gave none.
        at: When the hook rang, UTC.
    """

    transcript_path: str
    session_id: str | None
    cwd: str | None
    event: str | None
    at: datetime

    def to_fields(self) -> dict[str, Any]:
        """Return the ring as the hook writes it."""
        return {
            "event": self.event,
            "session_id": self.session_id,
            "transcript_path": self.transcript_path or None,
            "cwd": self.cwd,
            "at": int(self.at.timestamp()),
        }

    def to_line(self) -> bytes:
        """Return the ring as a line of the spool."""
        return json.dumps(self.to_fields(), separators=(",", ":")).encode() + b"\n"


@dataclass(slots=True)
class Rings:
    """The rings of several files, folded: one for each transcript, the newest.

    Attributes:
        by_transcript: By path of the transcript.
        nameless: Rings that name no transcript, one for each session.
        count: How many rings, the nameless included.
        since: When the oldest was rung.
        unreadable: Lines that are no ring.
    """

    by_transcript: dict[str, Ring] = field(default_factory=dict[str, Ring])
    nameless: dict[str | None, Ring] = field(default_factory=dict[str | None, Ring])
    count: int = 0
    since: datetime | None = None
    unreadable: int = 0

    def add(self, line: bytes, *, written_at: datetime) -> None:
        """Add the rings of one line.

        Args:
            line: The line, or its first 64 KiB.
            written_at: When its file was last written: the time of a ring that names none.
        """
        objects = rings_in(line.decode("utf-8", "replace"))
        self.unreadable += not objects
        for fields in objects:
            self.count += 1
            at = time_of(fields, min(written_at, datetime.now(UTC)))
            self.since = at if self.since is None else min(self.since, at)
            self._add(_ring(fields, at))

    def _add(self, ring: Ring) -> None:
        if not is_absolute(ring.transcript_path):
            self.nameless[ring.session_id] = ring
            return
        known = self.by_transcript.get(ring.transcript_path)
        if known is None or known.at <= ring.at:
            self.by_transcript[ring.transcript_path] = ring


def rings_in(line: str) -> list[dict[str, Any]]:
    """Return the rings of a line, half a one too where it names its session or transcript."""
    return [
        fields
        for fields, is_whole in _objects(line)
        if (is_whole and _RINGS & fields.keys()) or any(text_of(fields, name) for name in _NAMES)
    ]


def objects_in(line: str) -> list[dict[str, Any]]:
    """Return the whole objects of a line: behind half an object of a killed hook, the next too."""
    return [fields for fields, is_whole in _objects(line) if is_whole and fields]


def _objects(line: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the objects of a line, and whether each is whole."""
    decode = json.JSONDecoder().raw_decode
    start = line.find("{")
    while start >= 0:
        try:
            fields, end = decode(line, start)
        except (ValueError, RecursionError):
            fields, end = _leading_members(line, start)
            yield fields, False
            # No text holds these two characters: JSON escapes the second one.
            start = line.find('{"', max(start + 1, end))
            continue
        yield fields, True
        start = line.find("{", end)


def _leading_members(line: str, start: int) -> tuple[dict[str, Any], int]:
    """Return the members of an object whose end is missing, and where the whole ones end.

    Hosts name session, transcript, folder and event before their long texts.
    """
    fields: dict[str, Any] = {}
    decode = json.JSONDecoder().raw_decode
    at = start
    while member := _MEMBER.match(line, at):
        try:
            value, end = decode(line, member.end())
        except (ValueError, RecursionError):
            break
        if end < len(line) and not line.startswith(_AFTER_VALUE, end):
            break  # a string that goes on into the object behind this one
        if isinstance(value, dict) and _RINGS & value.keys():
            break  # the ring behind this one
        fields[json.loads(member[1])] = value
        at = end
    return fields, at


def ring_of(fields: dict[str, Any], at: datetime) -> Ring | None:
    """Return the ring; None where it names no transcript that could be read."""
    ring = _ring(fields, at)
    return ring if is_absolute(ring.transcript_path) else None


def is_absolute(transcript_path: str) -> bool:
    """Return whether that can be the path of a transcript: nobody knows where others begin."""
    return transcript_path.startswith("/")


def _ring(fields: dict[str, Any], at: datetime) -> Ring:
    path = text_of(fields, "transcript_path") or ""
    return Ring(
        # Spelled as `Path` spells it: one transcript has one name among the sessions.
        transcript_path=str(Path(path)) if is_absolute(path) else path,
        session_id=text_of(fields, "session_id"),
        cwd=text_of(fields, "cwd"),
        event=text_of(fields, "event") or text_of(fields, "hook_event_name"),
        at=at,
    )


def text_of(fields: dict[str, Any], name: str) -> str | None:
    """Return a member that can be a path or a name; None for anything else."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_PATH_CHARS or "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None  # half of a surrogate pair names no file
    return value


def time_of(fields: dict[str, Any], written_at: datetime) -> datetime:
    """Return when a ring was rung; where it does not say so, `written_at`."""
    value = fields.get("at")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return written_at
    try:
        return min(datetime.fromtimestamp(value, UTC), datetime.now(UTC))
    except (ValueError, OverflowError, OSError):
        return written_at
