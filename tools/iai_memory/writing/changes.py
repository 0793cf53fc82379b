"""Changes of a record that leave its text as it is: forget, restore, pin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..base.checks import check_ids, check_tags
from ..results import Forgotten, RecordView, Restored
from ..store.folding import unfold
from ..store.names import stored_tags
from ..store.record import REWOUND, Record
from ..store.record_view import view_of
from ..store.table import Store
from .lookup import live_row


def forget(store: Store, ids: Sequence[str]) -> Forgotten:
    """Hide the records from everything at once; `restore` undoes it.

    Ids without a record, and of records that were forgotten before, are `not_found`.

    Raises:
        InvalidInput: `ids` is not a list of ids.
        StoreFault: The store could not be written.
    """
    wanted = check_ids(ids)
    done = _change(
        store, wanted, lambda record, at: record.is_live(), lambda at: {"tombstoned_at": at}
    )
    return Forgotten(
        forgotten=done,
        not_found=[id_ for id_ in wanted if id_ not in done],
        undo=f"iai-mcp restore {' '.join(done)}" if done else None,
    )


def restore(store: Store, ids: Sequence[str]) -> Restored:
    """Bring forgotten records back as they were, and make superseded ones current again.

    The record that had superseded another one stays; only the old one has no end any more.

    Raises:
        InvalidInput: `ids` is not a list of ids.
        StoreFault: The store could not be written.
    """
    wanted = check_ids(ids)
    back = {"tombstoned_at": None, "folded_into": ""}
    done = _change(store, wanted, lambda record, at: not record.is_live(), lambda at: back)
    rest = [id_ for id_ in wanted if id_ not in done]
    reopened = {"tombstoned_at": None, "valid_to": None, "superseded_by": None}
    done += _change(store, rest, lambda record, at: not record.is_current(), lambda at: reopened)
    return Restored(restored=done, not_found=[id_ for id_ in wanted if id_ not in done])


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
) -> RecordView:
    """Set the pin and the tags of one record.

    Raises:
        UnknownRecord: No such record, or it was forgotten.
        InvalidInput: A tag cannot be used.
    """
    added, removed = check_tags(add_tags, "add_tags"), check_tags(remove_tags, "remove_tags")
    with store.writing() as writer:
        row = live_row(writer, id_)
        record = row.record
        gone = {*removed, *stored_tags(removed)}
        kept = [
            tag for tag in dict.fromkeys([*record.tags, *stored_tags(added)]) if tag not in gone
        ]
        at = writer.now()
        changed = record.changed(at, pinned=pinned, tags=tuple(kept))
        if changed.history == record.history:
            return view_of(record)
        return view_of(writer.update([replace(row, record=changed)], at)[0])


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


def _change(
    store: Store,
    ids: Sequence[str],
    wanted: Callable[[Record, datetime], bool],
    values: Callable[[datetime], dict[str, Any]],
) -> list[str]:
    """Give the `wanted` records these values in one commit; return their ids in the order given."""
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
