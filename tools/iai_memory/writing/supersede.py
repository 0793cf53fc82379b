"""The replacement of a fact: the old one stays, with the end of its validity and a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..base.checks import check_text
from ..base.clock import iso
from ..embedding.encoder import Encoder
from ..errors import InvalidInput
from ..privacy.redaction import redact
from ..results import Superseded
from ..store.copies import with_copies
from ..store.idempotency import idempotency_key
from ..store.reader import TableReader
from ..store.record import Record
from ..store.supersession_chain import successors
from ..store.table import Store
from ..store.trust import role_of_caller, trust_of
from ..store.vector_rows import Row
from .changes import is_shown_with
from .embed_pending import MAX_AT_ONCE, embed_texts
from .lookup import live_record


def supersede(
    store: Store,
    encoder: Encoder | None,
    id_: str,
    text: str,
    *,
    origin: str,
    at: datetime | None = None,
) -> Superseded:
    """Store `text` as true from `at` on in place of the record `id_`, in one commit.

    All that hold today and say the same words are replaced with it.

    Args:
        store: The store of both.
        encoder: None leaves the new one's vectors pending; so does a long text.
        id_: The id of the old one.
        text: The text that is true instead.
        origin: Who vouches for the new one.
        at: When it began to be true; None is now.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
        InvalidInput: The text cannot be stored, the record was superseded already, or `at` is
            before the old one began to be true or in the future.
    """
    text = redact(check_text(text)).text
    at_once = encoder if len(text) <= MAX_AT_ONCE else None
    vectors = None if at_once is None else embed_texts(at_once, [text])[0]
    with store.writing() as writer:
        old = live_record(writer.reader, id_)
        now = writer.now()
        if not old.is_current():
            raise InvalidInput(_already_superseded(writer.reader, old))
        since = _valid_from(old, at, now)
        new = _successor(old, text, origin, since)
        all_copies = with_copies(writer.reader, store.project_names, [old], is_shown_with)
        rows = writer.reader.rows([one.id for one in all_copies])
        stored = writer.replace(
            Row(new, None) if vectors is None else vectors.row(new),
            lambda inserted: [
                replace(row, record=_ended(row.record, now, since, inserted, origin))
                for row in rows
            ],
            now,
        )
    return Superseded(old_id=old.id, new_id=stored.id, copies=len(rows) - 1)


def _ended(old: Record, now: datetime, since: datetime, new: Record, origin: str) -> Record:
    # A copy may have been said after the new fact began to hold.
    return old.changed(now, origin, valid_to=max(since, old.valid_from), superseded_by=new.id)


def _successor(old: Record, text: str, origin: str, since: datetime) -> Record:
    """Return the new record, pending: project, session, role, tags and pin are the old one's.

    It is of no host, for it is no turn: nobody answered with it what the session's last turn asks.

    Its trust is its own: the author of the correction vouches for the new text, not the author of
    the old one. So the words that a model puts in the place of the user's are a note.
    """
    role = role_of_caller(old.role, origin)
    return replace(
        old,
        text=text,
        role=role,
        origin=origin,
        host=None,
        created_at=since,
        valid_from=since,
        turn_id=None,
        valid_to=None,
        superseded_by=None,
        derived_from=(),
        trust=trust_of(origin, role),
        history=(),
        embedder=None,
        idem=idempotency_key(role, text, created_at=since),
    )


def _valid_from(old: Record, at: datetime | None, now: datetime) -> datetime:
    """Return when the new fact began to be true.

    Raises:
        InvalidInput: It is before the old one began to be true, or in the future.
    """
    if at is None:
        return now
    if at > now:
        raise InvalidInput(f"at is {iso(at)}, which is in the future: send when it began to hold")
    if at < old.valid_from:
        raise InvalidInput(
            f"at is {iso(at)}, before {old.id} began to hold: send {iso(old.valid_from)} or later"
        )
    return at


def _already_superseded(reader: TableReader, old: Record) -> str:
    """Return the error for a record that was superseded; it names the current one."""
    [chain] = successors(reader, [old]).values()
    if chain and chain[-1].superseded_by is None:
        return f"{old.id} was already superseded: supersede {chain[-1].id} instead"
    return (
        f"{old.id} was superseded by a memory that was forgotten: run `iai-mcp restore {old.id}` "
        f"first"
    )
