"""The ingest of new memories in one commit: redacted, each once, embedded or left pending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..base.clock import utc_now
from ..embedding.encoder import Encoder
from ..errors import InvalidInput
from ..privacy.redaction import redact
from ..results import Ingested, IngestReport
from ..store.idempotency import idempotency_key
from ..store.known import KnownMemories, KnownMemory
from ..store.reader import TableReader
from ..store.record import Record
from ..store.table import Store
from ..store.trust import trust_of
from ..store.vector_rows import Row
from ..text.fence import has_fence
from .embed_pending import MAX_AT_ONCE, embed_texts
from .new_memory import NewMemory

MAX_BATCH: Final = 10_000
_PRIVATE_MARK: Final = "[redacted:private]"
_ALL_PRIVATE: Final = "nothing is left outside <private>"
_OWN_PAYLOAD: Final = "carries the session-start payload, which is never stored again"


def ingest(
    store: Store, encoder: Encoder | None, memories: Sequence[NewMemory], *, origin: str
) -> IngestReport:
    """Store the memories in one commit; one that the store has already is a duplicate.

    Args:
        store: The store that gets them.
        encoder: None leaves their vectors pending; with one, those of long texts.
        memories: At most 10,000, checked.
        origin: Who vouches for them: hook, tool, import or cli.

    Raises:
        InvalidInput: One of them cannot be stored; then none was.
        StoreFault: They may not all be on disk; storing them again doubles none.
    """
    if len(memories) > MAX_BATCH:
        raise InvalidInput(f"{len(memories):,} memories in one call: send at most {MAX_BATCH:,}")
    trust = _trust_of_sources(store.latest, memories)
    # A turn that is known costs no redaction.
    early = [one.identity.early_keys(one.text) if one.identity else [] for one in memories]
    known = store.by_keys(list(dict.fromkeys(key for keys in early for key in keys)))
    told = [next((key for key in keys if key in known), None) for keys in early]
    drafts = {
        number: _draft(memory, origin, trust)
        for number, (memory, key) in enumerate(zip(memories, told, strict=True))
        if key is None
    }
    keys = list({draft.key for draft in drafts.values()})
    # Embedding takes long, so it happens before the lock is taken, and what another process stored
    # meanwhile is looked up once more under the lock.
    known |= store.by_keys(keys)
    new = _new_drafts(drafts.values(), known)
    rows = _rows([draft.record for draft in new], encoder)
    with store.writing() as writer:
        known |= store.by_keys(keys)
        missing = [
            row for row, draft in zip(rows, new, strict=True) if draft.duplicate_of(known) is None
        ]
        stored = {record.idem: record for record in writer.insert(missing)}
        version = writer.newest.version
    results = _Results(stored, known)
    listed = [
        results.of_draft(drafts[number]) if key is None else results.of_known(key)
        for number, key in enumerate(told)
    ]
    return IngestReport(
        results=listed,
        stored=sum(result.status in ("stored", "pending") for result in listed),
        duplicates=sum(result.status == "duplicate" for result in listed),
        table_version=version,
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A memory on its way into the store.

    Attributes:
        record: The record to store, without its id.
        undated: It came without a time and without the host's number of its turn.
        skip: Why it is not stored, or None.
        redacted: How many places of each kind were redacted.
    """

    record: Record
    undated: bool
    skip: str | None
    redacted: dict[str, int]

    @property
    def key(self) -> str:
        return self.record.idem

    def duplicate_of(self, known: KnownMemories) -> KnownMemory | None:
        """Return the stored memory of the same key; for an undated one only a current one.

        So a dated memory that was forgotten is not stored again, and an undated one is.
        """
        same = known.get(self.key, ())
        if self.undated:
            now = self.record.created_at
            same = [one for one in same if one.is_live and one.is_current(now)]
        return same[0] if same else None

    def remark(self, *, pending: bool) -> str | None:
        """Return the remark on a stored memory; None without one."""
        notes = [f"redacted {count} {kind}" for kind, count in sorted(self.redacted.items())]
        notes += ["not yet embedded"] if pending else []
        return ", ".join(notes) or None


def _draft(memory: NewMemory, origin: str, trust: Mapping[str, float]) -> _Draft:
    """Return the memory as a record; `trust` is that of each source, by id."""
    redacted = redact(memory.text)
    memory = replace(memory, text=redacted.text)
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
    )
    undated = memory.created_at is None and memory.turn_id is None
    return _Draft(record, undated, _skip_reason(memory.text), redacted.counts)


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
    if has_fence(text):
        return _OWN_PAYLOAD
    if not text.replace(_PRIVATE_MARK, "").strip():
        return _ALL_PRIVATE
    return None


def _trust_of_sources(reader: TableReader, memories: Sequence[NewMemory]) -> dict[str, float]:
    """Return by id the trust of every record that a memory was derived from.

    Raises:
        InvalidInput: There is no record with such an id, or it was forgotten.
    """
    ids = list(dict.fromkeys(id_ for memory in memories for id_ in memory.derived_from))
    found = {record.id: record for record in (reader.get(ids) if ids else [])}
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
    return {id_: record.trust for id_, record in found.items()}


def _new_drafts(drafts: Iterable[_Draft], known: KnownMemories) -> list[_Draft]:
    """Return the drafts to store; of equal ones in a batch the first."""
    new: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.skip is None and draft.duplicate_of(known) is None:
            new.setdefault(draft.key, draft)
    return list(new.values())


def _rows(records: Sequence[Record], encoder: Encoder | None) -> list[Row]:
    """Return the records with their vectors; without them where a caller would wait for seconds."""
    rows = {record.idem: Row(record, None) for record in records}
    if encoder is not None:
        at_once = [record for record in records if len(record.text) <= MAX_AT_ONCE]
        vectors = embed_texts(encoder, [record.text for record in at_once])
        rows |= {one.idem: made.row(one) for one, made in zip(at_once, vectors, strict=True)}
    return list(rows.values())


class _Results:
    """The outcomes of a batch, asked for in the order given."""

    def __init__(self, stored: Mapping[str, Record], known: KnownMemories) -> None:
        self._stored = stored
        self._known = known
        self._told = set[str]()

    def of_draft(self, draft: _Draft) -> Ingested:
        """Return the outcome of a draft; of equal ones in a batch the first is the stored one."""
        key = draft.key
        if draft.skip is not None:
            return Ingested(id=None, status="skipped", reason=draft.skip)
        if key in self._stored and key not in self._told:
            self._told.add(key)
            pending = self._stored[key].embedder is None
            return Ingested(
                id=self._stored[key].id,
                status="pending" if pending else "stored",
                reason=draft.remark(pending=pending),
            )
        if key in self._stored:
            return _duplicate(self._stored[key].id, is_live=True)
        known = draft.duplicate_of(self._known)
        if known is None:
            raise AssertionError("a memory that was neither stored nor known")
        return _duplicate(known.id, is_live=known.is_live)

    def of_known(self, key: str) -> Ingested:
        """Return the outcome of a turn that was known before its text was redacted."""
        known = self._known[key][0]
        return _duplicate(known.id, is_live=known.is_live)


def _duplicate(id_: str, *, is_live: bool) -> Ingested:
    reason = "already stored" if is_live else "forgotten before: `iai-mcp restore` undoes it"
    return Ingested(id=id_, status="duplicate", reason=reason)
