"""Changes of a record that leave its text as it is: forget, restore, pin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from ..base.checks import check_ids, check_tags
from ..results import Forgotten, Pinned, Restored
from ..store.copies import with_copies
from ..store.folding import unfold
from ..store.names import stored_tags
from ..store.record import BY_TOOL, REWOUND, Record
from ..store.record_view import view_of
from ..store.table import Store
from ..store.writer import Writer
from .lookup import live_record, named_records


def forget(store: Store, ids: Sequence[str], by: str = "") -> Forgotten:
    """Hide the records, and all that say the same words, from everything; `restore` undoes it.

    A replaced wording takes only replaced copies along: what holds today stays. Ids without a
    record, and of records that were forgotten before, are `not_found`.

    Args:
        store: Their store.
        ids: Of the records.
        by: Which way the wish came, see `Origin`; here and below.

    Raises:
        InvalidInput: `ids` is not a list of ids, or one is the beginning of several.
        StoreFault: The store could not be written.
    """
    wanted = check_ids(ids)
    with store.writing() as writer:
        named = named_records(writer.reader, wanted, Record.is_live)
        told = list(named.values())
        gone = with_copies(writer.reader, store.project_names, told, _is_hidden_with)
        done = _update(writer, gone, lambda record, at: record.changed(at, by, tombstoned_at=at))
    undo = [one.id for one in told]
    return Forgotten(
        forgotten=done,
        not_found=[id_ for id_ in wanted if id_ not in named],
        undo=f"iai-mcp restore {' '.join(undo)}" if undo else None,
        copies=len(done) - len(set(undo)),
    )


def restore(store: Store, ids: Sequence[str], by: str = "") -> Restored:
    """Bring forgotten records back as they were, and make superseded ones current again.

    All that were forgotten, or replaced, with the same words come back with them. The record that
    had superseded another one stays; only the old one has no end any more.

    Raises:
        InvalidInput: `ids` is not a list of ids, or one is the beginning of several.
        StoreFault: The store could not be written.
    """
    wanted = check_ids(ids)
    with store.writing() as writer:
        named = named_records(
            writer.reader, wanted, lambda one: not (one.is_live() and one.is_current())
        )
        told = list(named.values())
        hidden = [one for one in told if not one.is_live()]
        replaced = [one for one in told if one.is_live()]
        names = store.project_names
        back = [
            *with_copies(writer.reader, names, hidden, lambda one, copy: _is_forgotten(copy)),
            *with_copies(writer.reader, names, replaced, _was_replaced_with),
        ]
        first = {one.id for one in told}
        back.sort(key=lambda one: one.id not in first)
        done = _update(writer, back, lambda record, at: _as_before(record, at, by))
    return Restored(
        restored=done,
        not_found=[id_ for id_ in wanted if id_ not in named],
        copies=len(done) - len(first),
    )


def restore_folded(store: Store) -> Restored:
    """Undo the folding of copies: all records are as before, but for what was changed since.

    Raises:
        StoreFault: The store could not be written.
    """
    with store.writing() as writer:
        at = writer.now()
        ids = writer.reader.folded_ids()
        folded = writer.reader.rows(ids)
        kept = writer.reader.rows(list({row.record.folded_into for row in folded}))
        records = [row.record for row in folded]
        undone = {one.id: one for one in unfold(records, [row.record for row in kept], at)}
        writer.update([replace(row, record=undone[row.record.id]) for row in (*folded, *kept)], at)
    return Restored(restored=sorted(ids), not_found=[])


def pin(
    store: Store,
    id_: str,
    *,
    pinned: bool,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    by: str = "",
) -> Pinned:
    """Set the pin and the tags of one record and of all that say the same words.

    Where the user sets what a model had set, it is the user's from then on.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
        InvalidInput: A tag cannot be used.
    """
    added, removed = check_tags(add_tags, "add_tags"), check_tags(remove_tags, "remove_tags")
    with store.writing() as writer:
        record = live_record(writer.reader, id_)
        all_copies = with_copies(writer.reader, store.project_names, [record], is_shown_with)

        def marked(one: Record, at: datetime) -> Record:
            tags = _retagged(one.tags, added, removed)
            changed = one.changed(at, by, pinned=pinned, tags=tags)
            return changed if by == BY_TOOL else _made_own(one, changed, added, at, by)

        _update(writer, all_copies, marked)
        [now] = writer.reader.get([record.id])
    return Pinned(**view_of(now).model_dump(), copies=len(all_copies) - 1)


def _made_own(before: Record, now: Record, added: Sequence[str], at: datetime, by: str) -> Record:
    """Return the record with the user standing by what a model had pinned or tagged before."""
    if before.pinned_by and now.pinned_by:
        now = now.affirmed(at, by, "pinned")
    if any(before.tagged_by(tag) and now.tagged_by(tag) for tag in stored_tags(added)):
        now = now.affirmed(at, by, "tags")
    return now


def _retagged(tags: Sequence[str], added: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """Return the tags without the removed ones; of one tag in several cases the first stays."""
    gone = {tag.casefold() for tag in (*removed, *stored_tags(removed))}
    kept: dict[str, str] = {}
    for tag in (*tags, *stored_tags(added)):
        kept.setdefault(tag.casefold(), tag)
    return tuple(tag for key, tag in kept.items() if key not in gone)


def tag_rewound(store: Store, rewound: Collection[str], others: Collection[str]) -> int:
    """Give stored turns the tag `rewound`, or take it, in one commit; return how many changed.

    Args:
        store: The store; keys that it does not know are left out.
        rewound: Idempotency keys of the turns that the user took back.
        others: Those of turns that hold, of which some may have been taken back before.

    Raises:
        StoreFault: The store could not be written.
    """
    if not rewound and not others:
        return 0
    with store.writing() as writer:
        tagged = set(writer.reader.ids_tagged(REWOUND))
        taken_back = _ids_of_turns(store, rewound)
        hold = _ids_of_turns(store, others) if tagged else set[str]()
        wanted = (taken_back - tagged) | ((hold & tagged) - taken_back)
        at = writer.now()
        rows = [
            replace(row, record=_toggled(row.record, at))
            for row in writer.reader.rows(list(wanted))
        ]
        return len(writer.update(rows, at))


def _ids_of_turns(store: Store, keys: Collection[str]) -> set[str]:
    known = store.by_keys(list(keys))
    return {one.id for same in known.values() for one in same}


def _toggled(record: Record, at: datetime) -> Record:
    kept = tuple(tag for tag in record.tags if tag != REWOUND)
    return record.changed(at, tags=(*kept, REWOUND) if kept == record.tags else kept)


def is_shown_with(record: Record, copy: Record) -> bool:
    """Return whether a live copy is of the same state: both hold today, or both were replaced."""
    return copy.is_live() and copy.is_current() == record.is_current()


def _is_hidden_with(record: Record, copy: Record) -> bool:
    return copy.is_live() and (record.is_current() or not copy.is_current())


def _is_forgotten(copy: Record) -> bool:
    return not copy.is_live() and not copy.folded_into


def _was_replaced_with(record: Record, copy: Record) -> bool:
    return copy.is_live() and copy.superseded_by == record.superseded_by


def _as_before(record: Record, at: datetime, by: str) -> Record:
    if not record.is_live():
        return record.changed(at, by, tombstoned_at=None, folded_into="")
    return record.changed(at, by, valid_to=None, superseded_by=None)


def _update(
    writer: Writer, records: Sequence[Record], change: Callable[[Record, datetime], Record]
) -> list[str]:
    """Change the records in one commit; return their ids in the order given."""
    at = writer.now()
    rows = {row.record.id: row for row in writer.reader.rows([one.id for one in records])}
    changed = [replace(rows[one.id], record=change(one, at)) for one in records]
    news = [row for row in changed if row.record.history != rows[row.record.id].record.history]
    writer.update(news, at)
    return [one.id for one in records]
