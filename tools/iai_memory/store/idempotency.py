"""The key by which the same turn, or the same dated text, is stored once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..base.clock import iso

# The hosts whose transcripts are read. What a caller tells of a host says less than its transcript.
_HOSTS: Final = ("claude-code", "codex")
_ORIGINS: Final = ("hook", "import")
_REDACTED: Final = "[redacted:"
# Eight different digits of at least sixteen: a counter, however wide it is printed, has fewer.
_LONG_ID: Final = re.compile(r"(?:[0-9a-f]-?){16,}$", re.IGNORECASE)
_MIN_DIGITS: Final = 8

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TurnIdentity:
    """What identifies a turn of a host's transcript, in whatever file or session it stands.

    Attributes:
        host: The host that wrote it.
        parts: The id that the host gave it; with `with_text`, what stands in place of one.
        with_text: The parts may be those of another turn, so the text says which one it is.
        former: What else the store may know the turn by, if anything.
        unless_session: A stored turn of this session is another one.
    """

    host: str
    parts: tuple[str, ...]
    with_text: bool = False
    former: TurnIdentity | None = None
    unless_session: str | None = None

    @classmethod
    def of_id(cls, host: str, turn_id: str) -> TurnIdentity:
        """Return the identity of a turn whose id says enough by itself."""
        return cls(host, (turn_id.lower() if _UUID.fullmatch(turn_id) else turn_id,))

    @classmethod
    def within(
        cls, host: str, thread: str, role: str, *numbers: str, former: TurnIdentity | None = None
    ) -> TurnIdentity:
        """Return the identity of a turn whose id, or time, says enough within one thread only."""
        return cls(host, (thread, role, *numbers), with_text=True, former=former)

    def with_other_words(self, role: str) -> TurnIdentity:
        """Return the identity of a turn that says something else than a stored one of the same id.

        Nothing but a sanitised transcript gives one id to two turns; of a turn that a host wrote
        anew both wordings are kept.
        """
        return TurnIdentity(self.host, (*self.parts, role), with_text=True)

    def all_known(self) -> Iterator[TurnIdentity]:
        """Yield this identity, then what else the store may know the turn by."""
        one: TurnIdentity | None = self
        while one is not None:
            yield one
            one = one.former

    def key(self, text: str) -> str:
        """Return the idempotency key of the turn; `text` is what of it was, or will be, stored."""
        return _digest(["said", self.host, *self.parts, *([text] if self.with_text else [])])


def is_unique(turn_id: str) -> bool:
    """Return whether the id is long and random, so that hardly another turn of its host has it."""
    found = _LONG_ID.search(turn_id)
    return found is not None and len(set(found[0].lower()) - {"-"}) >= _MIN_DIGITS


def stored_identity(
    host: str | None,
    origin: str,
    session_id: str | None,
    role: str,
    turn_id: str | None,
    created_at: datetime,
) -> TurnIdentity | None:
    """Return the identity of a stored turn, by its columns; None if it came from no transcript.

    For stores and exports of versions that knew a turn by its session. An id that a scrub has
    changed identifies nothing.
    """
    if host not in _HOSTS or origin not in _ORIGINS or not turn_id or _REDACTED in turn_id:
        return None
    if is_unique(turn_id):
        return TurnIdentity.of_id(host, turn_id)
    if host == "codex":
        return TurnIdentity.within(host, session_id or "", role, turn_id)
    return TurnIdentity.within(host, session_id or "", role, iso(created_at), turn_id)


def idempotency_key(
    role: str,
    text: str,
    *,
    created_at: datetime | None = None,
    session_id: str | None = None,
    turn_id: str | None = None,
    project: str | None = None,
) -> str:
    """Return the sha256, in hex, of what identifies a memory that is no turn of a transcript.

    For a turn that its caller numbered: session, role and number. For any other text with a time:
    role, time and text. For a text without a time: role, session, project and text.
    """
    if turn_id is not None:
        return _digest(["turn", session_id or "", role, turn_id])
    if created_at is not None:
        return _digest(["dated", role, iso(created_at), text])
    return _digest(["undated", role, session_id or "", project or "", text])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
