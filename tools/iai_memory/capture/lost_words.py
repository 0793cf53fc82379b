"""Words that a host rang for and nobody can read: the ring names no transcript, or is none.

What is known of them stands among the sessions, as a transcript that was given up, under a name
that is no path: so the next page says it, and a later session that is whole ends that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..base.ledger import Ledger
from ..errors import one_line
from .given_up import GivenUp
from .ring import Ring, Rings, is_absolute
from .session_state import MAX_ATTEMPTS, Session, Sessions

_NO_RING: Final = "no ring"
_MAX_SHOWN_CHARS: Final = 100


def name_transcripts(rings: Rings, sessions: Mapping[str, Session]) -> list[Ring]:
    """Move the nameless rings of sessions whose transcript is known to that transcript.

    Returns:
        The other nameless rings.
    """
    known = _transcripts(rings, sessions)
    lost: list[Ring] = []
    for ring in rings.nameless.values():
        path = known.get(_session_id(ring))
        if not path:
            lost.append(ring)
        elif path not in rings.by_transcript:
            named = Ring(path, ring.session_id, ring.cwd, ring.event, ring.at)
            rings.by_transcript[path] = named
    return lost


def _transcripts(rings: Rings, sessions: Mapping[str, Session]) -> dict[str, str]:
    """Return the transcript of each session that has an id, the one that rang last."""
    oldest_first = sorted(sessions.items(), key=lambda item: item[1].queued_at)
    found = {one.session_id: path for path, one in oldest_first if is_absolute(path)}
    found |= {_session_id(ring): path for path, ring in rings.by_transcript.items()}
    return {session_id: path for session_id, path in found.items() if session_id}


def _session_id(ring: Ring) -> str:
    # Only a drain comes here, and a look whether there is work must stay light.
    from ..store.names import stored_id

    return stored_id(ring.session_id) or ""


class LostWords:
    """What is noted of lost words: among the sessions, in the ledger, and in `spool/failed`."""

    def __init__(self, store: Sessions, given_up: GivenUp, ledger: Ledger) -> None:
        """Bind the files of one store."""
        self._store = store
        self._given_up = given_up
        self._ledger = ledger

    def note(self, lost: Sequence[Ring], unreadable: int, sessions: dict[str, Session]) -> None:
        """Note rings that name no transcript, and how many lines of the spool were no ring.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        for ring in lost:
            fault = _fault(ring)
            session_id = _session_id(ring)
            self._note(_key(session_id), session_id, fault, sessions)
            if session_id:
                self._given_up.add(ring, fault, name=_key(session_id))
            self._ledger.write("capture_ring_nameless", session_id=session_id, error=fault)
        if unreadable:
            lines = "1 line" if unreadable == 1 else f"{unreadable} lines"
            fault = f"{lines} of the spool could not be read as a ring"
            self._note(_NO_RING, "", fault, sessions)
            self._ledger.write("capture_rings_unreadable", lines=unreadable, error=fault)
        if lost or unreadable:
            self._store.save(sessions)

    def _note(self, key: str, session_id: str, fault: str, sessions: dict[str, Session]) -> None:
        now = datetime.now(UTC)
        began_at = sessions[key].began_at if key in sessions else now
        sessions[key] = Session(
            transcript=Path(key),
            host=None,
            session_id=session_id,
            cwd=None,
            began_at=began_at,
            queued_at=now,
            attempts=MAX_ATTEMPTS,
            fault=fault,
            lost_at=now,
        )

    def settle(self, ring: Ring, sessions: dict[str, Session]) -> None:
        """Forget what was noted of a session that names its transcript now: all of it is there."""
        key = _key(_session_id(ring))
        if sessions.pop(key, None) is not None:
            self._given_up.remove(key)


def _key(session_id: str) -> str:
    """Return the name under which lost words are noted; no path, and as `Path` spells it."""
    return str(Path(f"no transcript of {session_id}")) if session_id else "no transcript"


def _fault(ring: Ring) -> str:
    if not ring.transcript_path:
        return "the host named no transcript"
    path = one_line(ring.transcript_path)[:_MAX_SHOWN_CHARS]
    return f"the host named no transcript but {path}, which is not an absolute path"
