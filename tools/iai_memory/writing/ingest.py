"""The ingest of new memories in one commit: redacted, each once, embedded or left pending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..embedding.encoder import Encoder
from ..errors import InvalidInput
from ..results import Ingested, IngestReport
from ..store.known import KnownMemories, KnownMemory
from ..store.reader import TableReader
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row
from ..store.writer import ChangeGroup
from .draft import BY_THEMSELVES, Draft, draft_of
from .embed_pending import MAX_AT_ONCE, embed_texts
from .lookup import named_records
from .new_memory import NewMemory
from .return_of_forgotten import as_forgotten
from .return_of_purged import without_purged
from .turn_keys import keys_of, known_by_words, with_keys

MAX_BATCH: Final = 10_000

_SAME_AS_FORGOTTEN: Final = "says what was forgotten before: `iai-mcp restore` brings all back"


def ingest(
    store: Store,
    encoder: Encoder | None,
    memories: Sequence[NewMemory],
    *,
    origin: str,
    group: ChangeGroup | None = None,
) -> IngestReport:
    """Store the memories in one commit; one that the store has already is a duplicate.

    Args:
        store: The store that gets them.
        encoder: None leaves their vectors pending; with one, those of long texts.
        memories: At most 10,000, checked.
        origin: Who vouches for them: hook, tool, import or cli.
        group: The change that it is part of; None makes it one of its own.

    Raises:
        InvalidInput: One of them cannot be stored; then none was.
        StoreFault: They may not all be on disk; storing them again doubles none.
    """
    if len(memories) > MAX_BATCH:
        raise InvalidInput(f"{len(memories):,} memories in one call: send at most {MAX_BATCH:,}")
    sources = _sources(store.latest, memories)
    trust = {record.id: record.trust for record in sources.values()}
    memories = [_with_whole_ids(memory, sources) for memory in memories]
    # A turn that is known costs no redaction.
    early = [keys_of(memory.identity, memory.text) for memory in memories]
    known = store.by_keys(list({key for keys in early for _, key in keys}))
    same = [known_by_words(*one, known) for one in zip(memories, early, strict=True)]
    drafts = {
        number: draft_of(memory, origin, trust, store.latest)
        for number, memory in enumerate(memories)
        if same[number] is None
    }
    keys = list({key for draft in drafts.values() for key in _keys_of(draft)})
    # Embedding takes long, so it happens before the lock is taken, and what another process stored
    # meanwhile is looked up once more under the lock.
    known |= store.by_keys(keys)
    drafts = with_keys(store, drafts, known)
    rows = _rows(_new_records(drafts.values(), known), encoder)
    with store.writing(group=group) as writer:
        arrived = store.by_keys(keys)
        if any(known.get(key) != found for key, found in arrived.items()):
            known |= arrived
            drafts = with_keys(store, drafts, known)
        drafts = without_purged(store, drafts, by_itself=origin in BY_THEMSELVES)
        records = _new_records(drafts.values(), known)
        if origin in BY_THEMSELVES:
            records = as_forgotten(store, writer, records)
        new = [_with_record(rows.get(record.text), record) for record in records]
        stored = {record.idem: record for record in writer.insert(new)}
        version = writer.newest.version
    results = _Results(stored, known)
    return _report(
        [
            results.of_draft(drafts[number]) if one is None else _duplicate(one)
            for number, one in enumerate(same)
        ],
        version,
    )


def _report(results: list[Ingested], version: int) -> IngestReport:
    return IngestReport(
        results=results,
        stored=sum(result.status in ("stored", "pending") for result in results),
        duplicates=sum(result.status == "duplicate" for result in results),
        table_version=version,
    )


def _sources(reader: TableReader, memories: Sequence[NewMemory]) -> dict[str, Record]:
    """Return by what was told, an id or its beginning, every record a memory was derived from.

    Raises:
        InvalidInput: There is no record with such an id, or several, or it was forgotten.
    """
    ids = list(dict.fromkeys(id_ for memory in memories for id_ in memory.derived_from))
    found = named_records(reader, ids, lambda record: True) if ids else {}
    for id_ in ids:
        if id_ not in found:
            raise InvalidInput(
                f"derived_from names {id_[:80]!r}, and no memory has that id: send ids that recall "
                f"returned"
            )
        if not found[id_].is_live():
            raise InvalidInput(
                f"derived_from names {id_}, which was forgotten: leave it out, or run "
                f"`iai-mcp restore {id_}` first"
            )
    return found


def _with_whole_ids(memory: NewMemory, sources: Mapping[str, Record]) -> NewMemory:
    if not memory.derived_from:
        return memory
    return replace(memory, derived_from=tuple(sources[id_].id for id_ in memory.derived_from))


def _keys_of(draft: Draft) -> list[str]:
    """Return the keys under which the store may have a draft already."""
    return [key for _, key in keys_of(draft.identity, draft.record.text)] or [draft.key]


def _new_records(drafts: Iterable[Draft], known: KnownMemories) -> list[Record]:
    """Return the records to store; of equal ones in a batch the first."""
    new: dict[str, Record] = {}
    for draft in drafts:
        if draft.skip is None and draft.duplicate_of(known) is None:
            new.setdefault(draft.key, draft.record)
    return list(new.values())


def _rows(records: Sequence[Record], encoder: Encoder | None) -> dict[str, Row]:
    """Return by text the rows with their vectors; without them where a caller would wait long."""
    rows = {record.text: Row(record, None) for record in records}
    if encoder is not None:
        at_once = [row.record for row in rows.values() if len(row.record.text) <= MAX_AT_ONCE]
        vectors = embed_texts(encoder, [record.text for record in at_once])
        rows |= {one.text: made.row(one) for one, made in zip(at_once, vectors, strict=True)}
    return rows


def _with_record(row: Row | None, record: Record) -> Row:
    """Return the row with another record of the same text; pending if nothing was embedded."""
    if row is None:
        return Row(record, None)
    return replace(row, record=replace(record, embedder=row.record.embedder))


class _Results:
    """The outcomes of a batch, asked for in the order given."""

    def __init__(self, stored: Mapping[str, Record], known: KnownMemories) -> None:
        self._stored = stored
        self._known = known
        self._told = set[str]()

    def of_draft(self, draft: Draft) -> Ingested:
        """Return the outcome of a draft; of equal ones in a batch the first is the stored one."""
        key = draft.key
        if draft.skip is not None:
            return Ingested(id=None, status="skipped", reason=draft.skip)
        if key in self._stored and key not in self._told:
            self._told.add(key)
            if not self._stored[key].is_live():
                return Ingested(id=self._stored[key].id, status="stored", reason=_SAME_AS_FORGOTTEN)
            pending = self._stored[key].embedder is None
            return Ingested(
                id=self._stored[key].id,
                status="pending" if pending else "stored",
                reason=draft.remark(pending=pending),
            )
        if key in self._stored:
            return _known_as(self._stored[key].id, is_live=True)
        known = draft.duplicate_of(self._known)
        if known is None:
            raise AssertionError("a memory that was neither stored nor known")
        return _duplicate(known)


def _duplicate(known: KnownMemory) -> Ingested:
    return _known_as(known.id, is_live=known.is_live)


def _known_as(id_: str, *, is_live: bool) -> Ingested:
    reason = "already stored" if is_live else "forgotten before: `iai-mcp restore` undoes it"
    return Ingested(id=id_, status="duplicate", reason=reason)
