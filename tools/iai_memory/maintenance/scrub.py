"""Removal of a text from every file of a store, and the check that it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ..backup.restoring import RESTORED_INTO
from ..backup.rewriting import rewrite_backups
from ..base.ledger import Ledger
from ..errors import InvalidInput
from ..privacy import own_formats
from ..privacy.sought_text import MARK, SoughtText
from ..session_start.refresh import PageManager
from ..settings import Settings
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row
from ..store.writer import Writer
from ..transfer.exports import exports_that_say
from .erasure import clean_files, drop_derived, look_for_remains
from .remains import Place, Remains, look_into_store

_TEXT_FIELDS: Final = ("text", "session_id", "turn_id", "project", "cwd", "host")
_IDS_AT_ONCE: Final = 1_000
_MOST_RESTORED: Final = 1_000

MIN_CHARS: Final = 12
"""A text of fewer is said by chance."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Counts of changes by a scrub, and the findings of its check.

    Attributes:
        records: Memories that were changed.
        files: Plain files that were changed.
        left: Where the text still stands, a sentence each.
        unread: What could not be looked at, and why, a sentence each.
        copies: What was removed whole, since nobody could say what is in it: copies of the table
            that a repair had kept, damaged parts of backups.
        states: Memories that were changed in backups, each state of each one.
    """

    records: int
    files: int
    left: list[str] = field(default_factory=list[str])
    unread: list[str] = field(default_factory=list[str])
    copies: list[str] = field(default_factory=list[str])
    states: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether everything was looked at and nothing is left."""
        return not self.left and not self.unread


def scrub(
    store: Store,
    sought: SoughtText,
    pages: PageManager,
    settings: Settings,
    *,
    remove_unknown: bool = False,
) -> Scrubbed:
    """Replace a text by a mark: in records, old versions, indexes, spool, caches and logs.

    Changed records are pending until they are embedded again, because their vectors were made of
    the old text. Their history is dropped. Readers of old versions are moved to the latest.

    Args:
        store: The store to clean.
        sought: The text.
        pages: The session-start pages, rendered anew once the table is clean.
        settings: They say where the store's backups are.
        remove_unknown: Whether former tables that were kept and damaged parts of backups go, too:
            nobody can say what is in them. Else they are named.

    Raises:
        StoreFault: The store could not be written; another run does the rest.
    """
    with store.writing() as writer:
        changed = _clean_rows(store, writer, sought)
    files = clean_files(store.paths, sought)
    copies = drop_derived(store, kept=remove_unknown)
    Ledger(store.paths).write("scrubbed", ids=changed)
    backups = rewrite_backups(
        store.paths,
        settings,
        lambda record: _cleaned(record, sought) if _holds(record, sought) else record,
        lambda text: own_formats.cleaned(text, lambda words: sought.without(words, MARK)),
        remove_damaged=remove_unknown,
    )
    number = store.erasures.erased()
    pages.refresh("manual", force_rebuild=True)
    found = look_for_remains(store, sought, number, settings)
    _look_elsewhere(store, sought, found)
    return Scrubbed(
        records=len(changed),
        files=files,
        states=backups.states,
        left=found.left,
        unread=[*found.unread, *backups.faults],
        copies=[*copies, *backups.removed],
    )


def _look_elsewhere(store: Store, sought: SoughtText, found: Remains) -> None:
    """Look into exports of the store, and into the stores that were made of its backups."""
    exports, faults = exports_that_say(store.paths, sought.is_in)
    found.places += map(Place, exports)
    found.unread += faults
    events = Ledger(store.paths).newest(_MOST_RESTORED, event=RESTORED_INTO)
    for folder in sorted({str(event.get("folder")) for event in events}):
        look_into_store(Path(folder), sought, found)


def sayable(record: Record) -> str:
    """Return the text of a memory that may be replaced wherever it stands.

    Raises:
        InvalidInput: It is short, so that it stands in other texts for itself, or it is our mark.
    """
    text = record.text.strip()
    if len(text) < MIN_CHARS or text == MARK:
        raise InvalidInput(
            f"{record.id} says too little to be looked for elsewhere: remove the memory with "
            f"`iai-mcp purge {record.id}`"
        )
    return text


def _clean_rows(store: Store, writer: Writer, sought: SoughtText) -> list[str]:
    """Clean every row, and note what it said; return the ids of those that changed."""
    reader = writer.reader
    ids, retired = reader.ids(), reader.retired_values()
    before: list[Record] = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        before += [
            record
            for record in reader.get(ids[start : start + _IDS_AT_ONCE])
            if _holds(record, sought, retired.get(record.id, ()))
        ]
    after = [_cleaned(record, sought) for record in before]
    pairs = zip(before, after, strict=True)
    told = [one for one, clean in pairs if one.text != clean.text]
    store.erasures.note_words(told, store.project_names)
    writer.update([Row(record, None) for record in after], writer.now())
    return [record.id for record in before]


def _holds(record: Record, sought: SoughtText, retired: Sequence[str] = ()) -> bool:
    values = [getattr(record, name) or "" for name in _TEXT_FIELDS]
    values += [*record.tags, *record.changed_files, *retired]
    values += [str(change.before) for change in record.history]
    return any(map(sought.is_in, values))


def _cleaned(record: Record, sought: SoughtText) -> Record:
    def clean(value: str | None) -> str | None:
        return None if value is None else sought.without(value, MARK)

    fields: dict[str, Any] = {name: clean(getattr(record, name)) for name in _TEXT_FIELDS}
    return replace(
        record,
        **fields,
        tags=tuple(sought.without(tag, MARK) for tag in record.tags),
        changed_files=tuple(sought.without(one, MARK) for one in record.changed_files),
        history=(),
        embedder=None,
    )
