"""A draft: a new memory as the record that it would become, redacted and with its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..base.clock import utc_now
from ..privacy.redaction import redact
from ..store.idempotency import TurnIdentity, idempotency_key
from ..store.known import KnownMemories, KnownMemory
from ..store.reader import TableReader
from ..store.record import Record
from ..store.trust import role_of_caller, trust_of
from ..text.echo import pages_in
from ..text.fence import has_fence
from .new_memory import NewMemory

BY_THEMSELVES: Final = ("hook", "import")
"""Origins of what nobody stored on purpose."""

_PRIVATE_MARK: Final = "[redacted:private]"
_ALL_PRIVATE: Final = "nothing is left outside <private>"
_AS_NOTE: Final = "kept as a note: what the user said is noted by the host alone"
_OWN_PAYLOAD: Final = "repeats a page or an answer of this memory, which is never stored again"


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory on its way into the store.

    Attributes:
        record: The record to store, without its id.
        told: Its text as it came, before it was redacted.
        identity: What identifies it, if it is a turn of a transcript.
        undated: It came without a time and without the host's number of its turn.
        skip: Why it is not stored, or None.
        redacted: How many places of each kind were redacted.
        as_note: Its caller claimed a role that it could not vouch for.
        same: The stored memory that it is, where `turn_keys` found one.
    """

    record: Record
    told: str
    identity: TurnIdentity | None
    undated: bool
    skip: str | None
    redacted: dict[str, int]
    as_note: bool = False
    same: KnownMemory | None = None

    @property
    def key(self) -> str:
        return self.record.idem

    def duplicate_of(self, known: KnownMemories) -> KnownMemory | None:
        """Return the stored memory that it is; for an undated one only a current one.

        So a dated memory that was forgotten is not stored again, and an undated one is.
        """
        if self.same is not None or self.identity is not None:
            return self.same
        same = known.get(self.key, ())
        if self.undated:
            same = [one for one in same if one.is_live and one.is_current]
        return same[0] if same else None

    def remark(self, *, pending: bool) -> str | None:
        """Return the remark on a stored memory; None without one."""
        notes = [f"redacted {count} {kind}" for kind, count in sorted(self.redacted.items())]
        notes += [_AS_NOTE] if self.as_note else []
        notes += ["not yet embedded"] if pending else []
        return ", ".join(notes) or None


def draft_of(
    memory: NewMemory, origin: str, trust: Mapping[str, float], reader: TableReader
) -> Draft:
    """Return the memory as a draft.

    Args:
        memory: As it came.
        origin: Who vouches for it.
        trust: Of each of its sources, by id.
        reader: Of the table, for memories that the text may repeat.

    Raises:
        StoreFault: The table could not be read.
    """
    from .echoes import said_beside_memories  # no command but those that store needs it

    redacted = redact(memory.text)
    claimed = memory.role
    said = said_beside_memories(reader, redacted.text, claimed)
    if said and origin not in BY_THEMSELVES:
        said = redacted.text  # who states a text by itself means all of it
    told = memory.text if said == redacted.text else said
    memory = replace(memory, text=said or redacted.text, role=role_of_caller(claimed, origin))
    skip = _skip_reason(memory.text) if said else _OWN_PAYLOAD
    now = utc_now()
    created_at = memory.created_at or now
    record = Record(
        id="",
        text=memory.text,
        role=memory.role,
        origin=origin,
        host=memory.host,
        session_id=memory.session_id,
        turn_id=memory.turn_id,
        project=memory.project,
        cwd=memory.cwd,
        created_at=created_at,
        ingested_at=now,
        updated_at=now,
        valid_from=created_at,
        pinned=memory.pinned,
        tags=memory.tags,
        derived_from=memory.derived_from,
        trust=trust_of(origin, memory.role, [trust[id_] for id_ in memory.derived_from]),
        idem=_key(memory),
        changed_files=memory.changed_files,
    )
    undated = memory.created_at is None and memory.turn_id is None
    return Draft(
        record,
        told,
        memory.identity,
        undated,
        skip,
        redacted.counts,
        as_note=memory.role != claimed,
    )


def _key(memory: NewMemory) -> str:
    """Return the key of a redacted memory: no key may tell a secret by its hash."""
    if memory.identity is not None:
        return memory.identity.key(memory.text)
    return idempotency_key(
        memory.role,
        memory.text,
        created_at=memory.created_at,
        session_id=memory.session_id,
        turn_id=memory.turn_id,
        project=memory.project,
    )


def _skip_reason(text: str) -> str | None:
    if has_fence(text) and pages_in(text):
        return _OWN_PAYLOAD
    if not text.replace(_PRIVATE_MARK, "").strip():
        return _ALL_PRIVATE
    return None
