"""Reading of several transcripts in turns: one batch of each, those with least to read first.

So that one transcript's length never holds up another's, and a process that lives for two seconds
still moves the work on.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..base.foreign_file import within
from ..base.ledger import Ledger
from ..base.page_mark import hasten_page
from ..base.paths import StorePaths
from ..errors import (
    EmptyTranscript,
    ForeignFileFault,
    InvalidInput,
    MemoryFault,
    StoreFault,
    TranscriptFault,
    one_line,
)
from ..projects.lookup import ProjectLookup
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .jsonl_tail import FileCursor
from .rewinds import TagRewound, branch_count, branches_of, must_look
from .selection import Selection, selected_memory, with_changes_behind
from .session_state import Session, Sessions
from .transcript import detect_host, read_transcript
from .turn_counts import TurnCounts

_log = logging.getLogger(__name__)
BATCH_TURNS: Final = 256
BATCH_TEXT_CHARS: Final = 100_000
BATCH_FILE_BYTES: Final = 16 << 20


@dataclass(slots=True)
class _Batch:
    """Turns of one transcript that are stored in one commit.

    Attributes:
        cursor: Where the next batch begins.
        memories: The turns.
        text_chars: Length of their texts together.
        counts: The other lines, by the reason why they are no turn to store.
        has_more: Whether the file goes on at the cursor.
    """

    cursor: FileCursor | None
    memories: list[NewMemory] = field(default_factory=list[NewMemory])
    text_chars: int = 0
    counts: TurnCounts = field(default_factory=TurnCounts)
    has_more: bool = False

    def is_full(self, start: int) -> bool:
        """Return whether it is enough for one commit; `start` is where it began in the file."""
        read = self.cursor.offset - start if self.cursor else 0
        return (
            len(self.memories) >= BATCH_TURNS
            or self.text_chars >= BATCH_TEXT_CHARS
            or read >= BATCH_FILE_BYTES
        )


class RoundRobin:
    """The reader of a store's transcripts; the caller holds the `drain` lock."""

    def __init__(
        self,
        paths: StorePaths,
        ledger: Ledger,
        ingest: Callable[[list[NewMemory]], IngestReport],
        tag_rewound: TagRewound,
        reading: Callable[[Path], None],
        projects: ProjectLookup,
    ) -> None:
        """Bind a store; the arguments are those of `Drain`."""
        self._paths = paths
        self._ledger = ledger
        self._ingest = ingest
        self._tag_rewound = tag_rewound
        self._reading = reading
        self._projects = projects
        self._sessions = Sessions(paths)

    def read(
        self, due: Iterable[Session], sessions: dict[str, Session], ends: float
    ) -> tuple[int, bool]:
        """Read transcripts to their ends, and save how far each was read after every commit.

        A transcript that cannot be read fails by itself.

        Args:
            due: Those to read.
            sessions: All that are known, for their file.
            ends: Time (monotonic) after which no other batch is begun.

        Returns:
            How many turns were stored, and whether everything was read.

        Raises:
            StoreFault: The table or the spool cannot be used.
        """
        turns = deque(sorted(due, key=Session.unread_bytes))
        counts = {str(session.transcript): TurnCounts() for session in turns}
        try:
            while turns and time.monotonic() < ends:
                session = turns.popleft()
                if self._read_batch(session, counts[str(session.transcript)]):
                    turns.append(session)
                self._sessions.save(sessions)
        finally:
            for path, part in counts.items():
                self._log_counts(sessions[path], part)
        return sum(part.stored for part in counts.values()), not turns

    def _read_batch(self, session: Session, counts: TurnCounts) -> bool:
        """Store the next batch of one transcript; return whether there is another one."""
        self._reading(session.transcript)
        try:
            about = within(str(session.transcript), session.transcript.stat)
            try:
                session.host = session.host or detect_host(session.transcript)
            except EmptyTranscript:
                # Nothing to read is an answer. What comes later is read like any other growth.
                session.was_read()
                session.note_read(about)
                return False
            batch = self._next_batch(session)
            self._store(batch, session)
            if not batch.has_more:
                self._tag_turns(session, batch)
        except StoreFault:
            raise
        except Exception as exc:  # noqa: BLE001 - one transcript must not end the capture of others
            if not isinstance(exc, (MemoryFault, OSError)):
                _log.exception("%s could not be read", session.transcript)
            session.could_not_be_read(one_line(str(exc)) or type(exc).__name__)
            return False
        session.was_read()
        session.cursor = batch.cursor
        if not batch.has_more:
            session.note_read(about)
        session.add(batch.counts)
        counts.add(batch.counts)
        return batch.has_more

    def _next_batch(self, session: Session) -> _Batch:
        assert session.host is not None
        batch = _Batch(session.cursor)
        start = session.cursor.offset if session.cursor else 0
        try:
            for parsed in read_transcript(session.transcript, session.host, session.cursor):
                # A line may hold several turns; only behind its last one may a batch end.
                if parsed.cursor is not batch.cursor and batch.is_full(start):
                    batch.has_more = True
                    break
                memory = selected_memory(parsed, Selection(), batch.counts, self._projects)
                if memory is not None:
                    batch.memories.append(memory)
                    batch.text_chars += len(memory.text)
                batch.cursor = parsed.cursor
        except (ForeignFileFault, TranscriptFault):
            if batch.cursor is session.cursor:
                raise
            batch.has_more = True  # what stands before the damage is stored; the next batch fails
        if batch.memories and not batch.has_more:
            batch.memories[-1] = with_changes_behind(batch.memories[-1], batch.cursor)
        return batch

    def _store(self, batch: _Batch, session: Session) -> None:
        """Commit a batch, and count what became of each turn."""
        if not batch.memories:
            return
        try:
            batch.counts.count(self._ingest(batch.memories))
        except InvalidInput:
            # Nothing of the batch was stored: the others must not pay for the one that is wrong.
            for memory in batch.memories:
                self._store_one(memory, batch.counts, session)
        # Also where every turn was known: a drain may have been killed between its commit and this.
        hasten_page(self._paths)

    def _tag_turns(self, session: Session, batch: _Batch) -> None:
        """Tag the turns that the person took back, where that may have changed."""
        count = branch_count(batch.cursor)
        known_turns = session.counts.duplicate + batch.counts.duplicate
        if must_look(session.host, session.branches, count, known_turns):
            found = branches_of(session.transcript, session.host)
            if self._tag_rewound(found.rewound_keys(), found.held_keys()):
                hasten_page(self._paths)
        session.branches = count

    def _store_one(self, memory: NewMemory, counts: TurnCounts, session: Session) -> None:
        try:
            counts.count(self._ingest([memory]))
        except InvalidInput as exc:
            counts.failed += 1
            self._ledger.write(
                "capture_turn_failed",
                session_id=session.session_id,
                transcript=str(session.transcript),
                turn_id=memory.turn_id,
                error=str(exc)[:200],
            )

    def _log_counts(self, session: Session, counts: TurnCounts) -> None:
        if not counts.total and not session.fault:
            return
        failed = {"error": session.fault[:200], "attempt": session.attempts}
        self._ledger.write_changed(
            "capture_failed" if session.fault else "capture_drained",
            (str(session.transcript), session.fault, "" if session.fault else str(counts.total)),
            session_id=session.session_id,
            host=session.host,
            transcript=str(session.transcript),
            **counts.to_fields(),
            **(failed if session.fault else {}),
        )
