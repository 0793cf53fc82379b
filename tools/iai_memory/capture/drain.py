"""Answering doorbells: what the transcripts grew by goes into the memory, exactly once."""

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
from ..projects.lookup import Places
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .accounting import Books
from .history_import import BATCH, Selection, wanted
from .session_state import Session, Sessions
from .spool import Doorbell, Spool
from .transcript import detect_host, read_transcript

MAX_ATTEMPTS: Final = 3
# A host may write the last lines of a turn after its hook rang; they are looked for this long.
WATCHED_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did: doorbells answered, turns stored."""

    answered: int
    stored: int


class Drain:
    """Empties the spool of one store; one at a time runs per store, over all processes."""

    def __init__(
        self,
        paths: StorePaths,
        ledger: Ledger,
        ingest: Callable[[list[NewMemory]], IngestReport],
    ) -> None:
        """Binds a store.

        Args:
            paths: The store's folder.
            ledger: Where each transcript's books are entered.
            ingest: Stores a batch and returns only when it is on disk.
        """
        self._paths = paths
        self._ledger = ledger
        self._ingest = ingest
        self._spool = Spool(paths)
        self._sessions = Sessions(paths)

    def run(self) -> Drained:
        """Answers every doorbell, and looks after transcripts that rang in the last minutes.

        Returns without doing anything while another process drains.

        Raises:
            StoreFault: The spool or the table could not be used; every doorbell still waits.
        """
        bells = self._spool.unanswered()
        if not bells and not self._grown(self._sessions.load()):
            return Drained(0, 0)
        try:
            with held(self._paths.lock("drain"), timeout=0):
                return self._run_alone()
        except StoreBusy:
            return Drained(0, 0)

    def _run_alone(self) -> Drained:
        bells = self._spool.unanswered()
        sessions = self._sessions.load()
        for bell in bells:
            _note(bell, sessions)
        rung = {str(bell.text("transcript_path")) for bell in bells}
        due = [s for path, s in sessions.items() if path in rung or s in self._grown(sessions)]
        stored = sum(self._read(session, sessions) for session in due)
        done = self._settle(bells, sessions)
        self._sessions.save(sessions)
        self._spool.answered(done)
        return Drained(len(done), stored)

    def _grown(self, sessions: dict[str, Session]) -> list[Session]:
        recent = datetime.now(UTC) - WATCHED_FOR
        return [
            s for s in sessions.values() if (s.rung_at >= recent or s.attempts) and s.unread_bytes()
        ]

    def _read(self, session: Session, sessions: dict[str, Session]) -> int:
        """Reads one transcript to its end; returns how many turns were stored."""
        before = session.books.stored
        books = Books()
        session.books.failed = 0
        try:
            session.host = session.host or detect_host(session.transcript)
            self._read_batches(session, sessions, books)
            session.attempts, session.fault = 0, ""
        except MemoryFault as exc:
            session.attempts += 1
            session.fault = str(exc)
            session.books.failed = books.failed
        if books.seen or session.fault:
            self._enter(session, books)
        return session.books.stored - before

    def _read_batches(self, session: Session, sessions: dict[str, Session], books: Books) -> None:
        if session.host is None:
            raise TranscriptFault(f"{session.transcript} is of no known host")
        batch: list[NewMemory] = []
        part, places = Books(), Places()
        cursor = session.cursor
        for parsed in read_transcript(session.transcript, session.host, session.cursor):
            memory = wanted(parsed, Selection(), part, places)
            if memory is not None:
                batch.append(memory)
            cursor = parsed.cursor
            if len(batch) < BATCH:
                continue
            self._commit(session, batch, part, books)
            session.cursor = cursor
            self._sessions.save(sessions)
            batch, part = [], Books()
        self._commit(session, batch, part, books)
        session.cursor = cursor

    def _commit(self, session: Session, batch: list[NewMemory], part: Books, books: Books) -> None:
        """One batch: the offset moves only after this returned."""
        if batch:
            try:
                part.enter(self._ingest(batch))
            except MemoryFault:
                books.failed += len(batch)
                raise
        books.add(part)
        session.books.add(part)

    def _settle(self, bells: list[Doorbell], sessions: dict[str, Session]) -> list[Doorbell]:
        """The doorbells that are done with: read, or given up after three attempts.

        Of a file of lines only the first ones can be done with, so a doorbell that must be tried
        again keeps those behind it, whose transcripts then have nothing new.
        """
        done: list[Doorbell] = []
        blocked: set[Path] = set()
        for bell in bells:
            session = sessions.get(str(bell.text("transcript_path")))
            if session is not None and 0 < session.attempts < MAX_ATTEMPTS:
                blocked.add(bell.file)
            if bell.file in blocked:
                continue
            if session is not None and session.attempts >= MAX_ATTEMPTS:
                self._spool.give_up(bell, session.fault)
            done.append(bell)
        return done

    def _enter(self, session: Session, books: Books) -> None:
        self._ledger.write_changed(
            "capture_failed" if session.fault else "capture_drained",
            (str(session.transcript), session.fault, "" if session.fault else str(books.seen)),
            session_id=session.session_id,
            host=session.host,
            transcript=str(session.transcript),
            **books.to_fields(),
            **(
                {"error": session.fault[:200], "attempt": session.attempts} if session.fault else {}
            ),
        )


def _note(bell: Doorbell, sessions: dict[str, Session]) -> None:
    path = bell.text("transcript_path")
    if path is None:
        return
    session = sessions.get(path)
    if session is None:
        session = sessions[path] = Session(
            transcript=Path(path),
            host=None,
            session_id=bell.text("session_id") or Path(path).stem,
            cwd=bell.text("cwd"),
            rung_at=bell.rung_at,
        )
    session.rung_at = max(session.rung_at, bell.rung_at)
    session.cwd = bell.text("cwd") or session.cwd
