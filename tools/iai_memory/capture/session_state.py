"""State of each transcript: how far it was read, failed attempts, and its counts."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..base.clock import iso, parse_time
from ..base.fifo_cache import FifoCache
from ..base.files import make_private_folder, replace_file
from ..base.foreign_file import within
from ..base.json_file import read_object
from ..base.machine_faults import machine_fault
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..errors import ForeignFileFault, StoreUnavailable
from .given_up import GivenUp
from .hosts.last_line import Place, place_in
from .jsonl_tail import FileCursor, is_at_rest
from .ring import Ring
from .spool import Spool
from .turn import Host
from .turn_counts import TurnCounts

_FILE: Final = "sessions.json"
_MAX_BYTES: Final = 64 << 20  # of some 500 bytes a transcript
KEPT_FOR: Final = timedelta(days=60)
MAX_ATTEMPTS: Final = 3
# Of no folder: what one of them owes keeps the others from being asked together, not one by one.
_EVERY_TRANSCRIPT: Final = "the transcripts of all sessions"
_BETWEEN_ATTEMPTS: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Session:
    """One transcript.

    Attributes:
        transcript: Its path.
        host: Who writes it; None until it could be read.
        session_id: The host's id.
        cwd: The folder that was worked in.
        began_at: When its first ring was rung.
        queued_at: When its last ring was rung.
        cursor: How far it was read; None before the first read.
        read_size: Size of its file when nothing more could be read of it; None where that is not
            known. The end of it may be half a line.
        attempts: Failed attempts since the last success, of those within a minute one.
        tried_at: When the last of them was counted.
        tried: What its file was when the last attempt failed, see `state_of`; empty where it was
            not there.
        fault: Why the last attempt failed; empty for none.
        counts: Its turns by outcome.
        lost_at: When turns of it were last found that could not be kept, or it was given up.
        branches: The count of its branches when the turns that were taken back were last tagged;
            None before the first time.
    """

    transcript: Path
    host: Host | None
    session_id: str
    cwd: str | None
    began_at: datetime
    queued_at: datetime
    cursor: FileCursor | None = None
    read_size: int | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    tried: str = ""
    fault: str = ""
    counts: TurnCounts = field(default_factory=TurnCounts)
    lost_at: datetime | None = None
    branches: int | None = None

    def add(self, counts: TurnCounts) -> None:
        """Count what became of more of its lines."""
        self.counts.add(counts)
        if counts.lost:
            self.lost_at = datetime.now(UTC)

    def could_not_be_read(self, fault: str) -> None:
        """Count a failed attempt: a mount or a home that is away for seconds must not use up all.

        The clock may have gone back since the one before.
        """
        now = datetime.now(UTC)
        self.fault = fault
        self.tried = states_of([self.transcript]).get(self.transcript, "")
        if self.attempts >= MAX_ATTEMPTS:
            return
        if self.tried_at is not None and timedelta(0) <= now - self.tried_at < _BETWEEN_ATTEMPTS:
            return
        self.attempts, self.tried_at = self.attempts + 1, now
        if self.attempts == MAX_ATTEMPTS:
            self.lost_at = now

    def was_read(self) -> None:
        """Forget failed attempts."""
        self.attempts, self.tried_at, self.tried, self.fault = 0, None, "", ""

    def unread_bytes(self) -> int:
        """Return how many bytes the transcript grew by since it was read; 0 if it is gone."""
        try:
            size = within(str(self.transcript), self.transcript.stat).st_size
        except ForeignFileFault:
            return 0
        return max(0, size - (self.cursor.offset if self.cursor else 0))

    def has_grown(self, size: int) -> bool:
        """Return whether a file of that size may have something that was not read."""
        if self.read_size is not None:
            return size != self.read_size
        return size > (self.cursor.offset if self.cursor else 0)

    def note_read(self, about: os.stat_result) -> None:
        """Note that nothing more can be read of the file, as it was before it was read.

        Of a file that was being written, half a last line may be a whole one a moment later.
        """
        is_read = self.cursor is not None and self.cursor.offset == about.st_size
        self.read_size = about.st_size if is_read or is_at_rest(about) else None


# By the path, inode, size and time of change of the file, which is replaced and never rewritten.
_parsed: Final = FifoCache[tuple[str, int, int, int], "dict[str, Session]"](2)


class Sessions:
    """The transcripts with events, kept in one file of the spool."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the sessions of the store at `paths`; nothing is created."""
        self._paths = paths
        self._path = paths.spool / _FILE
        self._written = b""
        self._shown: tuple[object, ...] | None = None

    def load(self) -> dict[str, Session]:
        """Return the known transcripts by path; none if the file is damaged."""
        noted = read_object(self._path, _MAX_BYTES) or {}
        try:
            return {str(Path(path)): _from_fields(path, fields) for path, fields in noted.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            # Transcripts are then read again from the start, which stores nothing twice.
            return {}

    def save(self, sessions: dict[str, Session]) -> None:
        """Replace the file; transcripts without an event for 60 days are dropped.

        Not one that is to be tried again: with its attempts, their end would be forgotten. Where
        the notice becomes another one, or a session is broken off, the pages are marked: they say
        it.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        oldest = datetime.now(UTC) - KEPT_FOR
        kept = {
            path: session
            for path, session in sessions.items()
            if session.queued_at >= oldest or 0 < session.attempts < MAX_ATTEMPTS
        }
        fields = {path: _to_fields(session) for path, session in kept.items()}
        content = json.dumps(fields, ensure_ascii=False, indent=1).encode()
        if content == self._written:
            return
        if self._shown is None:
            self._shown = _shown(self.load().values())
        shown = _shown(kept.values())
        changes = shown != self._shown
        try:
            make_private_folder(self._path.parent)
            with page_change(self._paths) if changes else nullcontext():
                replace_file(self._path, content)
            self._written, self._shown = content, shown
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{self._path} cannot be written")) from exc


def known_sessions(paths: StorePaths) -> Mapping[str, Session]:
    """Return what `Sessions.load` does, only to read; the file is parsed where it was replaced.

    Costs a `stat`, where a server asks before each answer.
    """
    path = paths.spool / _FILE
    try:
        about = path.lstat()
    except OSError:
        return {}
    key = (str(path), about.st_ino, about.st_size, about.st_mtime_ns)
    found = _parsed.found([key])
    if key not in found:
        found = {key: Sessions(paths).load()}
        _parsed.add(list(found.items()))
    return found[key]


def note_ring(ring: Ring, sessions: dict[str, Session]) -> None:
    """Note a ring with its transcript; ids and folder as a record would have them."""
    # Only a drain comes here, and a look whether there is work must stay light.
    from ..store.names import stored_id, stored_place

    session = sessions.get(ring.transcript_path)
    if session is None:
        path = Path(ring.transcript_path)
        session = sessions[ring.transcript_path] = Session(
            transcript=path,
            host=None,
            session_id=stored_id(ring.session_id) or stored_id(path.stem) or "",
            cwd=stored_place(ring.cwd),
            began_at=ring.at,
            queued_at=ring.at,
        )
    session.queued_at = max(session.queued_at, ring.at)
    session.cwd = stored_place(ring.cwd) or session.cwd


def to_read_again(sessions: Mapping[str, Session]) -> list[Session]:
    """Return the transcripts that grew after they were read, or whose last attempt failed.

    A host may write after its last hook: the end of a turn that was broken off rings for nobody.
    """
    found = stats_of(one.transcript for one in sessions.values() if one.attempts < MAX_ATTEMPTS)
    return [
        session
        for session in sessions.values()
        if (about := found.get(session.transcript)) and session.has_grown(about.st_size)
    ]


def to_take_up(sessions: Mapping[str, Session], noted: Mapping[str, Ring]) -> list[str]:
    """Return the transcripts that were given up and that are there now, other than they were."""
    states = states_of(Path(path) for path in noted)
    return [
        str(path)
        for path, state in states.items()
        if (known := sessions.get(str(path))) is None or known.tried != state
    ]


def states_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Return of each file that is there what changes when it is mended."""
    return {
        path: f"{about.st_ino}:{about.st_size}:{about.st_mode:o}:{about.st_mtime_ns}"
        for path, about in stats_of(paths).items()
    }


def stats_of(paths: Iterable[Path]) -> dict[Path, os.stat_result]:
    """Return `stat` of the files that are there; of a folder that does not answer none."""
    listed = list(paths)
    if not listed:
        return {}
    with suppress(ForeignFileFault):  # all at once: each wait for a worker costs more than a `stat`
        return within(_EVERY_TRANSCRIPT, partial(_stats, listed))
    folders: dict[Path, list[Path]] = {}
    for path in listed:
        folders.setdefault(path.parent, []).append(path)
    found: dict[Path, os.stat_result] = {}
    for folder, files in folders.items():
        with suppress(ForeignFileFault):
            found |= within(str(folder / "*"), partial(_stats, files))
    return found


def _stats(files: Iterable[Path]) -> dict[Path, os.stat_result]:
    found: dict[Path, os.stat_result] = {}
    for path in files:
        with suppress(OSError, ValueError):
            found[path] = path.stat()
    return found


def has_work(paths: StorePaths) -> bool:
    """Return whether a drain of the store at `paths` would find something to read.

    Costs two listings, one small file, and a `stat` for each transcript that rang in sixty days or
    was given up.
    """
    given_up = GivenUp(paths)
    if Spool(paths).has_rings() or given_up.has_foreign():
        return True
    sessions = known_sessions(paths)
    return bool(to_read_again(sessions) or to_take_up(sessions, given_up.rings()))


def capture_notice(sessions: Iterable[Session]) -> str:
    """Return what the next session must know of turns that could not be kept; empty for none.

    It is said until a session that began later lost nothing.
    """
    news = _with_news(sessions)
    if lost := sum(session.counts.lost for session in news):
        return f"{lost} of your turns could not be kept: `iai-mcp events`"
    return "a session's transcript could not be read: `iai-mcp events`" if news else ""


def places_of(sessions: Iterable[Session]) -> dict[str, tuple[Place, str | None]]:
    """Return by session where a transcript ends in the middle of something, and its folder.

    Behind an answer, or a prompt that waits for one, the turns themselves say so.
    """
    found: dict[str, tuple[Place, str | None]] = {}
    for session in sessions:
        state = (session.cursor and session.cursor.state) or {}
        place = place_in(state.get("place"))
        if place in (Place.AT_WORK, Place.STOPPED):
            found[session.session_id] = (place, session.cwd)
    return found


def lost_turns(sessions: Iterable[Session]) -> int:
    """Return how many turns the notice tells of."""
    return sum(session.counts.lost for session in _with_news(sessions))


def _shown(sessions: Iterable[Session]) -> tuple[object, ...]:
    """Return what pages show of the sessions."""
    listed = list(sessions)
    return capture_notice(listed), places_of(listed)


def _with_news(sessions: Iterable[Session]) -> list[Session]:
    """Return the sessions that lost something, and none that began later was whole."""
    known, now = list(sessions), datetime.now(UTC)
    # Of what began later than now the clock was wrong; it would hide every loss until then.
    began = [one.began_at for one in known if not one.lost_at and not one.fault]
    whole = max((at for at in began if at <= now), default=None)
    return [one for one in known if one.lost_at and (whole is None or one.lost_at >= whole)]


def _to_fields(session: Session) -> dict[str, Any]:
    cursor = session.cursor
    return {
        "host": session.host,
        "session_id": session.session_id,
        "cwd": session.cwd,
        "began_at": iso(session.began_at),
        "rung_at": iso(session.queued_at),
        "cursor": cursor and [cursor.inode, cursor.size, cursor.offset, cursor.mark, cursor.state],
        "read_size": session.read_size,
        "attempts": session.attempts,
        "tried_at": session.tried_at and iso(session.tried_at),
        "tried": session.tried,
        "fault": session.fault,
        "books": session.counts.to_fields(),
        "lost_at": session.lost_at and iso(session.lost_at),
        "branches": session.branches,
    }


def _from_fields(path: str, fields: dict[str, Any]) -> Session:
    counts = fields["books"]
    # Earlier versions noted neither the first ring nor a loss.
    began_at, lost_at = fields.get("began_at") or fields["rung_at"], fields.get("lost_at")
    tried_at = fields.get("tried_at")
    return Session(
        transcript=Path(path),
        host=fields["host"],
        session_id=fields["session_id"],
        cwd=fields["cwd"],
        began_at=parse_time(began_at, "began_at"),
        queued_at=parse_time(fields["rung_at"], "rung_at"),
        cursor=FileCursor(*fields["cursor"]) if fields["cursor"] else None,
        read_size=None if fields.get("read_size") is None else int(fields["read_size"]),
        attempts=int(fields["attempts"]),
        tried_at=None if tried_at is None else parse_time(tried_at, "tried_at"),
        tried=str(fields.get("tried", "")),
        fault=fields["fault"],
        counts=TurnCounts(
            stored=int(counts["stored"]),
            duplicate=int(counts["duplicate"]),
            failed=int(counts["failed"]),
            skipped=Counter(counts["skipped"]),
        ),
        lost_at=None if lost_at is None else parse_time(lost_at, "lost_at"),
        branches=None if fields.get("branches") is None else int(fields["branches"]),
    )
