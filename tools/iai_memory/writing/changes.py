"""Changing what is stored without rewriting it: supersede, forget, restore, pin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..base.checks import check_ids, check_tags, check_text
from ..base.clock import iso
from ..embedding.encoder import Encoder
from ..errors import InvalidInput, UnknownRecord
from ..privacy.redaction import redact
from ..results import Forgotten, RecordView, Restored, Superseded
from ..store.reader import TableReader
from ..store.record import Record, idempotency_key
from ..store.supersession_chain import successors
from ..store.table import Store, Writer
from ..store.trust import trust_of
from ..store.vector_rows import Row
from .embed_pending import embedded


def supersede(
    store: Store,
    encoder: Encoder | None,
    id_: str,
    text: str,
    *,
    origin: str,
    at: datetime | None = None,
) -> Superseded:
    """Stores `text` as what is true since `at` in place of the record `id_`, in that order.

    Both stay: the old one with the end of its validity and a link to the new one. The new one takes
    over project, session, role, tags and pin. Its trust is its own: who corrects a fact vouches for
    the new text and does not borrow the name of who stated the old one.

    Args:
        store: Where both are.
        encoder: None stores the new one with a pending vector.
        id_: Of the old one.
        text: What holds instead.
        origin: Who vouches for the new one.
        at: The moment since when it holds; None is now.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
        InvalidInput: The text cannot be stored, the record was superseded already, or `at` is
            before the old one began to hold or in the future.
    """
    text = redact(check_text(text)).text
    made = None if encoder is None else embedded(encoder, [text])[0]
    with store.writing() as writer:
        row = _one_live(writer, id_)
        old = row.record
        now = writer.now()
        if not old.is_current(now):
            raise InvalidInput(_what_to_supersede(writer.reader, old))
        since = _since(old, at, now)
        new = replace(
            old,
            text=text,
            origin=origin,
            created_at=since,
            valid_from=since,
            turn_id=None,
            valid_to=None,
            superseded_by=None,
            entities=(),
            derived_from=(),
            trust=trust_of(origin, old.role),
            history=(),
            embedder=encoder.identity.key if encoder is not None else None,
            idem=idempotency_key(old.role, text, created_at=since),
        )
        stored, _ = writer.replace(
            Row(new, None) if made is None else Row(new, made.vector, made.passages),
            lambda inserted: replace(
                row, record=old.changed(now, valid_to=since, superseded_by=inserted.id)
            ),
            now,
        )
    return Superseded(old_id=old.id, new_id=stored.id)


def forget(store: Store, ids: Sequence[str]) -> Forgotten:
    """Hides the records from everything at once; `restore` undoes it.

    Ids of nothing, and of what was forgotten before, come back as `not_found`.
    """
    wanted = check_ids(ids)
    done = _change(store, wanted, lambda r, at: r.is_live(), lambda at: {"tombstoned_at": at})
    return Forgotten(
        forgotten=done,
        not_found=[id_ for id_ in wanted if id_ not in done],
        undo=f"iai-mcp restore {' '.join(done)}" if done else None,
    )


def restore(store: Store, ids: Sequence[str]) -> Restored:
    """Brings forgotten records back as they were, and makes superseded ones current again.

    What had superseded a record stays; only the old one's validity is opened again.
    """
    wanted = check_ids(ids)
    back = {"tombstoned_at": None, "valid_to": None, "superseded_by": None}
    done = _change(store, wanted, lambda r, at: not r.is_live(), lambda at: {"tombstoned_at": None})
    rest = [id_ for id_ in wanted if id_ not in done]
    done += _change(store, rest, lambda r, at: not r.is_current(at), lambda at: back)
    return Restored(restored=done, not_found=[id_ for id_ in wanted if id_ not in done])


def pin(
    store: Store,
    id_: str,
    *,
    pinned: bool,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
) -> RecordView:
    """Sets the pin and the tags of one record.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
        InvalidInput: A tag cannot be used.
    """
    added, removed = check_tags(add_tags, "add_tags"), check_tags(remove_tags, "remove_tags")
    with store.writing() as writer:
        row = _one_live(writer, id_)
        record = row.record
        kept = [tag for tag in dict.fromkeys([*record.tags, *added]) if tag not in removed]
        at = writer.now()
        changed = record.changed(at, pinned=pinned, tags=tuple(kept))
        if changed.history == record.history:
            return RecordView.of(record)
        return RecordView.of(writer.update([replace(row, record=changed)], at)[0])


def one_live(reader: TableReader, id_: str) -> Record:
    """The record with that id.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
    """
    [wanted] = check_ids([id_])
    records = reader.get([wanted])
    if not records:
        raise UnknownRecord(
            f"no memory has the id {wanted[:80]!r}: send an id that recall returned"
        )
    if not records[0].is_live():
        raise UnknownRecord(f"{wanted} was forgotten: run `iai-mcp restore {wanted}` first")
    return records[0]


def _since(old: Record, at: datetime | None, now: datetime) -> datetime:
    """The moment since when the new fact holds.

    Raises:
        InvalidInput: It is before the old one began to hold, or in the future.
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


def _what_to_supersede(reader: TableReader, old: Record) -> str:
    """What to say of a record that something replaced: what holds in its place now."""
    [chain] = successors(reader, [old]).values()
    if chain and chain[-1].superseded_by is None:
        return f"{old.id} was already superseded: supersede {chain[-1].id} instead"
    return (
        f"{old.id} was superseded by a memory that was forgotten: run `iai-mcp restore {old.id}` "
        f"first"
    )


def _one_live(writer: Writer, id_: str) -> Row:
    record = one_live(writer.reader, id_)
    return writer.reader.rows([record.id])[0]


def _change(
    store: Store,
    ids: Sequence[str],
    wanted: Callable[[Record, datetime], bool],
    values: Callable[[datetime], dict[str, Any]],
) -> list[str]:
    """Changes the records that are `wanted` in one commit; returns their ids in the order given."""
    if not ids:
        return []
    with store.writing() as writer:
        at = writer.now()
        rows = [
            replace(row, record=row.record.changed(at, **values(at)))
            for row in writer.reader.rows(ids)
            if wanted(row.record, at)
        ]
        changed = {record.id for record in writer.update(rows, at)}
    return [id_ for id_ in ids if id_ in changed]
