"""What says the words of a forgotten memory and comes by itself: it is stored forgotten.

A later copy, from a fork, a resumed session or a second machine's transcript, would show what the
user had forgotten. It is stored all the same, so that `restore` brings all copies back. A text that
somebody states by `ingest` is a new statement; where one of its words is shown, later copies are,
too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..store.copies import copy_digest, with_copies
from ..store.record import Record
from ..store.table import Store
from ..store.writer import Writer


def as_forgotten(
    store: Store, writer: Writer, records: Sequence[Record], apart_from: Collection[str] = ()
) -> list[Record]:
    """Return the records in their order; those that say what was forgotten are forgotten.

    Args:
        store: The store.
        writer: Of a commit that stores the records.
        records: Which come by themselves.
        apart_from: Ids of forgotten memories that make no other text forgotten.
    """
    forgotten, names = store.forgotten_texts(), store.project_names
    if not forgotten:
        return list(records)
    returned = [
        one
        for one in records
        if one.is_live() and not forgotten.get(copy_digest(one, names), set[str]()) <= {*apart_from}
    ]
    if not returned:
        return list(records)
    now = writer.now()
    live = with_copies(writer.reader, names, returned, lambda one, copy: copy.is_live())
    shown = {copy_digest(one, names) for one in live if not any(one is mine for mine in returned)}
    hidden = {id(one) for one in returned if copy_digest(one, names) not in shown}
    return [replace(one, tombstoned_at=now) if id(one) in hidden else one for one in records]
