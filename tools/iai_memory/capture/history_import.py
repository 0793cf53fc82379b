"""Whole transcripts into the memory, in batches, as history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..projects.lookup import Places
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .accounting import Books
from .transcript import read_transcript
from .turn import Host, Parsed, Skipped, Turn

BATCH = 256


@dataclass(frozen=True, slots=True)
class Selection:
    """Which turns of a transcript are wanted.

    Attributes:
        since: Said at or after; None is all.
        project: Only of this project; None is all.
    """

    since: datetime | None = None
    project: str | None = None


def import_transcript(
    path: Path,
    host: Host,
    ingest: Callable[[list[NewMemory]], IngestReport],
    *,
    selection: Selection,
    advanced: Callable[[int], None],
) -> Books:
    """Stores every turn of one transcript once, however often it is imported.

    Args:
        path: The transcript.
        host: Which host wrote it.
        ingest: Stores a batch; what it raises ends the import, and the batches before it stay.
        selection: Which turns.
        advanced: Called with the bytes that were read since the last call.

    Raises:
        TranscriptFault: The file cannot be read.
    """
    books, places = Books(), Places()
    batch: list[NewMemory] = []
    offset = 0
    for parsed in read_transcript(path, host):
        memory = wanted(parsed, selection, books, places)
        if memory is not None:
            batch.append(memory)
        if len(batch) == BATCH:
            books.enter(ingest(batch))
            batch = []
            advanced(parsed.end_offset - offset)
            offset = parsed.end_offset
    if batch:
        books.enter(ingest(batch))
    advanced(path.stat().st_size - offset)
    return books


def to_memory(turn: Turn, places: Places) -> NewMemory:
    """The turn as a memory of its project."""
    return NewMemory(
        text=turn.text,
        role=turn.role,
        created_at=turn.created_at,
        project=None if turn.cwd is None else places.project(turn.cwd),
        session_id=turn.session_id,
        turn_id=turn.turn_id,
        host=turn.host,
        cwd=turn.cwd,
    )


def wanted(parsed: Parsed, selection: Selection, books: Books, places: Places) -> NewMemory | None:
    """The memory of this line, or None; why a turn is not wanted is entered into the books."""
    outcome = parsed.outcome
    if isinstance(outcome, Skipped):
        books.skipped[outcome.reason] += 1
        return None
    if outcome is None:
        return None
    if outcome.cwd is not None and places.ignored(outcome.cwd):
        books.skipped["ignored_project"] += 1
        return None
    if selection.since is not None and outcome.created_at < selection.since:
        books.skipped["before_since"] += 1
        return None
    memory = to_memory(outcome, places)
    if selection.project is not None and memory.project != selection.project:
        books.skipped["other_project"] += 1
        return None
    return memory
