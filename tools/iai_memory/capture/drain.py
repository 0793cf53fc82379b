"""Drain of the spool: new lines of the transcripts become memories, each turn exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ..base.ledger import Ledger
from ..base.locks import held
from ..base.paths import StorePaths
from ..errors import MemoryFault, StoreBusy, TranscriptFault
from ..projects.lookup import ProjectLookup
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .history_import import BATCH
from .selection import Selection, selected_memory
from .session_state import Session, Sessions
from .spool import QueuedEvent, Spool
from .transcript import detect_host, read_transcript
from .turn_counts import TurnCounts

MAX_ATTEMPTS: Final = 3
# A host may write the last lines of a turn after it called its hook; they are read this long.
WATCHED_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Drained:
    """Counts of one drain: events acknowledged, turns stored."""

    events: int
    stored: int


class Drain:
    """The drain of one spool; over all processes one drain at a time runs on a store."""

    def __init__(
        self,
        paths: StorePaths,
        ledger: Ledger,
        ingest: Callable[[list[NewMemory]], IngestReport],
    ) -> None:
        """Bind a store.

        Args:
            paths: The store's folder.
            ledger: Gets the counts of each transcript.
            ingest: Stores a batch and returns only when it is on disk.
        """
        self._paths = paths
        self._ledger = ledger
        self._ingest = ingest
        self._spool = Spool(paths)
        self._sessions = Sessions(paths)

    def run(self) -> Drained:
        """Read the transcripts of pending events, and those with events of the last ten minutes.

        Does nothing while another process drains.

        Raises:
            StoreFault: The spool or the table could not be used; every event is still pending.
        """
        events = self._spool.pending()
        if not events and not self._grown(self._sessions.load()):
            return Drained(0, 0)
        try:
            with held(self._paths.lock("drain"), timeout=0):
                return self._run_alone()
        except StoreBusy:
            return Drained(0, 0)

    def _run_alone(self) -> Drained:
        events = self._spool.pending()
        sessions = self._sessions.load()
        for event in events:
            _note(event, sessions)
        named = {str(event.text("transcript_path")) for event in events}
        grown = self._grown(sessions)
        due = [one for path, one in sessions.items() if path in named or one in grown]
        stored = sum(self._read(session, sessions) for session in due)
        done = self._finished(events, sessions)
        self._sessions.save(sessions)
        self._spool.acknowledge(done)
        return Drained(len(done), stored)

    def _grown(self, sessions: dict[str, Session]) -> list[Session]:
        recent = datetime.now(UTC) - WATCHED_FOR
        return [
            one
            for one in sessions.values()
            if (one.queued_at >= recent or one.attempts) and one.unread_bytes()
        ]

    def _read(self, session: Session, sessions: dict[str, Session]) -> int:
        """Read one transcript to its end; return how many turns were stored."""
        before = session.counts.stored
        counts = TurnCounts()
        session.counts.failed = 0
        try:
            session.host = session.host or detect_host(session.transcript)
            self._read_batches(session, sessions, counts)
            session.attempts, session.fault = 0, ""
        except MemoryFault as exc:
            session.attempts += 1
            session.fault = str(exc)
            session.counts.failed = counts.failed
        if counts.total or session.fault:
            self._log(session, counts)
        return session.counts.stored - before

    def _read_batches(
        self, session: Session, sessions: dict[str, Session], counts: TurnCounts
    ) -> None:
        if session.host is None:
            raise TranscriptFault(f"{session.transcript} is of no known host")
        batch: list[NewMemory] = []
        part, projects = TurnCounts(), ProjectLookup()
        cursor = session.cursor
        for parsed in read_transcript(session.transcript, session.host, session.cursor):
            memory = selected_memory(parsed, Selection(), part, projects)
            if memory is not None:
                batch.append(memory)
            cursor = parsed.cursor
            if len(batch) < BATCH:
                continue
            self._commit(session, batch, part, counts)
            session.cursor = cursor
            self._sessions.save(sessions)
            batch, part = [], TurnCounts()
        self._commit(session, batch, part, counts)
        session.cursor = cursor

    def _commit(
        self, session: Session, batch: list[NewMemory], part: TurnCounts, counts: TurnCounts
    ) -> None:
        """Store one batch; the cursor moves only after this returned."""
        if batch:
            try:
                part.count(self._ingest(batch))
            except MemoryFault:
                counts.failed += len(batch)
                raise
        counts.add(part)
        session.counts.add(part)

    def _finished(
        self, events: list[QueuedEvent], sessions: dict[str, Session]
    ) -> list[QueuedEvent]:
        """Return the events to acknowledge: read, or given up after three attempts.

        Of a file of lines only the first events can be acknowledged. An event that must be tried
        again keeps those behind it pending; their transcripts then have nothing new.
        """
        done: list[QueuedEvent] = []
        blocked: set[Path] = set()
        for event in events:
            session = sessions.get(str(event.text("transcript_path")))
            if session is not None and 0 < session.attempts < MAX_ATTEMPTS:
                blocked.add(event.file)
            if event.file in blocked:
                continue
            if session is not None and session.attempts >= MAX_ATTEMPTS:
                self._spool.give_up(event, session.fault)
            done.append(event)
        return done

    def _log(self, session: Session, counts: TurnCounts) -> None:
        self._ledger.write_changed(
            "capture_failed" if session.fault else "capture_drained",
            (str(session.transcript), session.fault, "" if session.fault else str(counts.total)),
            session_id=session.session_id,
            host=session.host,
            transcript=str(session.transcript),
            **counts.to_fields(),
            **(
                {"error": session.fault[:200], "attempt": session.attempts} if session.fault else {}
            ),
        )


def _note(event: QueuedEvent, sessions: dict[str, Session]) -> None:
    path = event.text("transcript_path")
    if path is None:
        return
    session = sessions.get(path)
    if session is None:
        session = sessions[path] = Session(
            transcript=Path(path),
            host=None,
            session_id=event.text("session_id") or Path(path).stem,
            cwd=event.text("cwd"),
            queued_at=event.queued_at,
        )
    session.queued_at = max(session.queued_at, event.queued_at)
    session.cwd = event.text("cwd") or session.cwd
