"""The removal of memories for good: rows, old versions, copies, and all that was made of them.

First it is noted what is purged, so that nothing of it comes back and a purge that was killed is
finished by the next one. Then each row is overwritten by one without text, which every process sees
at once, and deleted. Deleted alone it would stay on the disk: LanceDB writes a file anew beside
which another one was written, and not for one deleted row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..backup.rewriting import rewrite_backups
from ..base.ledger import Ledger
from ..errors import UnknownRecord
from ..privacy import own_formats
from ..privacy.inventory import Treatment
from ..privacy.sought_text import MARK, SoughtText
from ..session_start.refresh import PageManager
from ..settings import Settings
from ..store.copies import with_copies
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row
from ..store.written_texts import written_rows
from ..transfer.exports import without_memories
from ..writing.lookup import named_records
from .erasure import clean_files, drop_derived, look_for_remains
from .remains import Place
from .scrub import MIN_CHARS

_EVERYWHERE: Final = (Treatment.DERIVED, Treatment.TABLE)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed, and the findings of its check.

    Attributes:
        ids: Of the memories that were removed, the named ones first.
        copies: How many of them only say the same as a named one.
        not_found: What was told and names no memory.
        known: What was told and was purged before.
        exports: Files of exports that were written anew.
        removed: What was removed whole, since nobody could say what is in it: copies of the table
            that a repair had kept, damaged parts of backups.
        derived: Ids of memories that were made from them, and stay.
        quoted: Ids of memories that hold the text of one within another text, and stay.
        left: Where a text of them still stands, a sentence each.
        unread: What could not be looked at or changed, a sentence each.
    """

    ids: list[str] = field(default_factory=list[str])
    copies: int = 0
    not_found: list[str] = field(default_factory=list[str])
    known: list[str] = field(default_factory=list[str])
    exports: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    derived: list[str] = field(default_factory=list[str])
    quoted: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    unread: list[str] = field(default_factory=list[str])

    @property
    def is_gone(self) -> bool:
        """Whether everything was looked at and nothing is left."""
        return not self.left and not self.unread


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a purge of some ids would remove.

    Attributes:
        records: The memories, the named ones first.
        named: How many were named.
        not_found: What was told and names no memory.
        known: What was told and was purged before.
    """

    records: list[Record]
    named: int
    not_found: list[str]
    known: list[str]


def chosen(store: Store, ids: Sequence[str]) -> Chosen:
    """Return what a purge of these ids would remove: with them, copies and what is folded into one.

    Raises:
        InvalidInput: An id is the beginning of several.
        StoreFault: The store could not be read.
    """
    reader = store.latest
    named = named_records(reader, ids, lambda record: True) if ids else {}
    told = list({record.id: record for record in named.values()}.values())
    missing = [id_ for id_ in ids if id_ not in named]
    purged = store.erasures.now().purged
    records = with_copies(reader, store.project_names, told, lambda record, copy: True)
    found = {record.id for record in records}
    folded = [one for one in reader.get(reader.folded_ids()) if one.folded_into in found]
    records += [one for one in folded if one.id not in found]
    return Chosen(
        records,
        len(told),
        [id_ for id_ in missing if id_ not in purged],
        [id_ for id_ in missing if id_ in purged],
    )


def purge(
    store: Store,
    pages: PageManager,
    ledger: Ledger,
    ids: Sequence[str],
    settings: Settings,
) -> Purged:
    """Remove memories for good, with all that say the same; finish a purge that was killed.

    Args:
        store: The store.
        pages: The session-start pages, rendered anew.
        ledger: Gets the ids.
        ids: Of memories, or the beginnings of their ids; none only finishes what was begun.
        settings: They say where the store's backups are.

    Raises:
        InvalidInput: An id is the beginning of several; nothing was changed.
        UnknownRecord: No id names a memory; nothing was changed.
        StoreFault: The store could not be written; another run does the rest.
    """
    what = chosen(store, ids)
    begun = store.erasures.now().unfinished
    if not what.records and not begun:
        if what.not_found:
            raise UnknownRecord(
                f"no memory has the id {what.not_found[0][:80]!r}: send an id that recall returned"
            )
        return Purged(known=what.known)
    records = {record.id: record for record in (*what.records, *store.latest.get(sorted(begun)))}
    gone = {*records, *begun}
    store.erasures.begin([one for one in records.values() if one.text], store.project_names)
    sought = SoughtText.of_texts(
        [one.text for one in records.values() if len(one.text.strip()) >= MIN_CHARS]
    )
    away = _take_away(store, ledger, settings, records, gone, sought)
    number = store.erasures.erased()
    pages.refresh("manual", force_rebuild=True)
    found = look_for_remains(store, sought, number, settings)
    quoted = {id_ for place in found.places for id_ in place.ids} - gone
    rows = _rows_of(store, gone)
    if not rows:
        store.erasures.erased(gone)
    return Purged(
        ids=[*(one.id for one in what.records), *sorted(gone - {one.id for one in what.records})],
        copies=len(what.records) - what.named,
        not_found=what.not_found,
        known=what.known,
        exports=away.exports,
        removed=away.removed,
        derived=sorted(_made_of(store, gone)),
        quoted=sorted(quoted),
        left=[
            *(str(one) for one in found.places if not _is_quotation(one, quoted)),
            *rows,
        ],
        unread=[*found.unread, *away.faults],
    )


@dataclass(frozen=True, slots=True)
class _TakenAway:
    """What went beside the rows; see `Purged`."""

    exports: list[str]
    removed: list[str]
    faults: list[str]


def _take_away(
    store: Store,
    ledger: Ledger,
    settings: Settings,
    records: Mapping[str, Record],
    gone: Set[str],
    sought: SoughtText,
) -> _TakenAway:
    """Remove the rows, and their texts from every file that this store wrote."""
    clean_files(store.paths, sought)  # before the rows: whoever finishes a purge knows no text
    _remove_rows(store, list(records))
    tables = drop_derived(store, kept=True)
    clean_files(store.paths, sought)
    ledger.write("purged", ids=sorted(gone))
    exports, faults = without_memories(store.paths, gone)
    backups = rewrite_backups(
        store.paths,
        settings,
        lambda record: None if record.id in gone else record,
        lambda text: own_formats.cleaned(text, lambda words: sought.without(words, MARK)),
        remove_damaged=True,
    )
    return _TakenAway(exports, [*tables, *backups.removed], [*faults, *backups.faults])


def _remove_rows(store: Store, ids: Sequence[str]) -> None:
    with store.writing() as writer:
        at = writer.now()
        present = writer.reader.get(ids)
        writer.update([Row(without_text(record, at), None) for record in present], at)
        writer.remove([record.id for record in present])


def without_text(record: Record, at: datetime) -> Record:
    """Return a forgotten record with nothing but the id and the times of this one."""
    return Record(
        id=record.id,
        text="",
        role=record.role,
        origin=record.origin,
        created_at=record.created_at,
        ingested_at=record.ingested_at,
        updated_at=at,
        valid_from=record.valid_from,
        tombstoned_at=at,
        idem="",
    )


def _made_of(store: Store, ids: Collection[str]) -> set[str]:
    everyone = store.latest.records_where("array_length(derived_from) > 0")
    return {one.id for one in everyone if not set(one.derived_from).isdisjoint(ids)}


def _is_quotation(place: Place, quoted: Collection[str]) -> bool:
    """Return whether a place may hold the text because a memory that stays quotes it."""
    if place.ids:
        return place.ids <= {*quoted}
    return bool(quoted) and place.treatment in _EVERYWHERE


def _rows_of(store: Store, ids: Collection[str]) -> list[str]:
    """Return a sentence for each row of these memories that still says something."""
    folder = store.paths.table
    return [
        f"{folder / 'data' / row.file}: {row.id}"
        for row in written_rows(folder, lambda fault: None)
        if row.id in ids and row.texts
    ]
