"""Storing memories: checked, kept once, embedded, in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..base.checks import check_flag, check_name, check_tags, check_text
from ..base.clock import parse_time, utc_now
from ..embedding.encoder import Encoder
from ..errors import InvalidInput
from ..privacy.redaction import redact
from ..results import Ingested, IngestReport
from ..store.reader import TableReader
from ..store.record import ROLES, Record, idempotency_key
from ..store.table import Store
from ..store.trust import trust_of
from ..store.vector_rows import Row
from ..text.fence import FENCE_BEGIN, FENCE_END
from .embed_pending import embedded

MAX_BATCH = 10_000
MAX_SOURCES = 100
_PRIVATE_MARK = "[redacted:private]"
_ALL_PRIVATE = "nothing is left outside <private>"
_OWN_PAYLOAD = "carries the session-start payload, which is never stored again"


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory before it is stored.

    Attributes:
        text: Verbatim, at most 1 MB of UTF-8.
        role: user, assistant, tool or note.
        created_at: When it was said; None is now.
        project: The project it belongs to.
        session_id: The host's session.
        turn_id: The host's number of the turn; the same turn is stored once.
        host: The host that reported it.
        cwd: The folder the host worked in.
        tags: Names to filter by.
        pinned: Always among the pinned facts of the payload.
        derived_from: Ids of the memories that it was made from; it is trusted no more than they.
    """

    text: str
    role: str = "note"
    created_at: datetime | None = None
    project: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    host: str | None = None
    cwd: str | None = None
    tags: tuple[str, ...] = ()
    pinned: bool = False
    derived_from: tuple[str, ...] = ()


def new_memory(values: Any) -> NewMemory:
    """Reads one memory from plain data, as JSON gives it.

    Raises:
        InvalidInput: The text names the field and says what to send instead.
    """
    if isinstance(values, NewMemory):
        return _checked(values)
    if isinstance(values, str):
        return _checked(NewMemory(text=values))
    if not isinstance(values, dict):
        raise InvalidInput('a memory is not an object: send for example {"text": "…"}')
    known = set(NewMemory.__dataclass_fields__)
    if unknown := sorted(str(key) for key in values if key not in known):
        raise InvalidInput(f"a memory has no field {unknown[0]!r}: send {', '.join(sorted(known))}")
    given = {key: value for key, value in values.items() if value is not None}
    if "text" not in given:
        raise InvalidInput('a memory has no text: send for example {"text": "…"}')
    if "created_at" in given:
        if not isinstance(given["created_at"], str | datetime):
            raise InvalidInput('created_at is not text: send for example "2026-05-08T14:00:00Z"')
        given["created_at"] = parse_time(given["created_at"], "created_at")
    if "tags" in given:
        given["tags"] = check_tags(given["tags"], "tags")
    if "derived_from" in given:
        given["derived_from"] = _check_sources(given["derived_from"])
    return _checked(NewMemory(**given))


def ingest(
    store: Store, encoder: Encoder | None, memories: Sequence[NewMemory], *, origin: str
) -> IngestReport:
    """Stores the memories in one commit; what is there already is a duplicate.

    Args:
        store: Where to.
        encoder: None stores them with a pending vector.
        memories: At most 10,000.
        origin: Who vouches for them: hook, tool, import or cli.

    Raises:
        InvalidInput: One of them cannot be stored; then none was.
        StoreFault: They may not all be on disk; storing them again doubles none.
    """
    if len(memories) > MAX_BATCH:
        raise InvalidInput(f"{len(memories):,} memories in one call: send at most {MAX_BATCH:,}")
    trust = _trust_of_sources(store.latest, memories)
    drafts = [_draft(memory, origin, trust) for memory in memories]
    before = _known(store.holding(_keys(drafts)))
    fresh = _without_known(drafts, before)
    rows = _rows([draft.record for draft in fresh], encoder)
    with store.writing() as writer:
        known = _known(store.holding(_keys(drafts)))
        still = [row for row, draft in zip(rows, fresh, strict=True) if not draft.is_known(known)]
        stored = {record.idem: record for record in writer.insert(still)}
        version = writer.newest.version
    results = _results(drafts, stored, {**before, **known}, pending=encoder is None)
    return IngestReport(
        results=results,
        stored=sum(result.status in ("stored", "pending") for result in results),
        duplicates=sum(result.status == "duplicate" for result in results),
        table_version=version,
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    record: Record
    undated: bool
    skip: str | None
    redacted: dict[str, int]

    def note(self, *, pending: bool) -> str | None:
        """What the caller should know of a memory that was stored."""
        notes = [f"redacted {count} {kind}" for kind, count in sorted(self.redacted.items())]
        notes += ["not yet embedded"] if pending else []
        return ", ".join(notes) or None

    def is_known(self, known: dict[str, list[Record]]) -> bool:
        """A dated memory is known even when forgotten; an undated one only while it is current."""
        return self.known_as(known) is not None

    def known_as(self, known: dict[str, list[Record]]) -> Record | None:
        same = known.get(self.record.idem, [])
        if self.undated:
            same = [r for r in same if r.is_live() and r.is_current(self.record.created_at)]
        return same[0] if same else None


def _checked(memory: NewMemory) -> NewMemory:
    check_text(memory.text)
    if memory.role not in ROLES:
        raise InvalidInput(f"role is {memory.role!r}: send one of {', '.join(ROLES)}")
    for name in ("project", "session_id", "turn_id", "host", "cwd"):
        value = getattr(memory, name)
        if value is not None:
            check_name(value, name)
    check_flag(memory.pinned, "pinned")
    return memory


def _check_sources(ids: Any) -> tuple[str, ...]:
    listed = isinstance(ids, list | tuple) and all(isinstance(id_, str) for id_ in ids)
    if not listed or len(ids) > MAX_SOURCES:
        raise InvalidInput(
            f"derived_from is not a list of at most {MAX_SOURCES} ids: send ids that recall "
            f"returned"
        )
    return tuple(dict.fromkeys(ids))


def _trust_of_sources(reader: TableReader, memories: Sequence[NewMemory]) -> dict[str, float]:
    """The trust of every record that one of the memories was derived from.

    Raises:
        InvalidInput: There is none with that id, or it was forgotten.
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


def _draft(memory: NewMemory, origin: str, trust: Mapping[str, float]) -> _Draft:
    memory = new_memory(memory)
    redacted = redact(memory.text)
    memory = replace(memory, text=redacted.text)
    now = utc_now()
    said = memory.created_at or now
    idem = idempotency_key(
        memory.role,
        memory.text,
        created_at=memory.created_at,
        session_id=memory.session_id,
        turn_id=memory.turn_id,
        project=memory.project,
    )
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
        created_at=said,
        ingested_at=now,
        updated_at=now,
        valid_from=said,
        pinned=memory.pinned,
        tags=memory.tags,
        derived_from=memory.derived_from,
        trust=trust_of(origin, memory.role, [trust[id_] for id_ in memory.derived_from]),
        idem=idem,
    )
    undated = memory.created_at is None and memory.turn_id is None
    return _Draft(record, undated, _why_skipped(memory.text), redacted.counts)


def _why_skipped(text: str) -> str | None:
    if FENCE_BEGIN in text or FENCE_END in text:
        return _OWN_PAYLOAD
    if not text.replace(_PRIVATE_MARK, "").strip():
        return _ALL_PRIVATE
    return None


def _keys(drafts: Sequence[_Draft]) -> list[str]:
    return list({draft.record.idem for draft in drafts})


def _rows(records: Sequence[Record], encoder: Encoder | None) -> list[Row]:
    if encoder is None:
        return [Row(record, None) for record in records]
    key = encoder.identity.key
    made = embedded(encoder, [record.text for record in records])
    return [
        Row(replace(record, embedder=key), one.vector, one.passages)
        for record, one in zip(records, made, strict=True)
    ]


def _known(records: Sequence[Record]) -> dict[str, list[Record]]:
    known: dict[str, list[Record]] = {}
    for record in records:
        known.setdefault(record.idem, []).append(record)
    return known


def _without_known(drafts: Sequence[_Draft], known: dict[str, list[Record]]) -> list[_Draft]:
    """The first of each that is to be stored: a batch may hold the same memory twice."""
    fresh: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.skip is None and not draft.is_known(known):
            fresh.setdefault(draft.record.idem, draft)
    return list(fresh.values())


def _results(
    drafts: Sequence[_Draft],
    stored: dict[str, Record],
    known: dict[str, list[Record]],
    *,
    pending: bool,
) -> list[Ingested]:
    results: list[Ingested] = []
    first: set[str] = set()
    for draft in drafts:
        idem = draft.record.idem
        if draft.skip is not None:
            results.append(Ingested(id=None, status="skipped", reason=draft.skip))
        elif idem in stored and idem not in first:
            first.add(idem)
            results.append(
                Ingested(
                    id=stored[idem].id,
                    status="pending" if pending else "stored",
                    reason=draft.note(pending=pending),
                )
            )
        else:
            same = stored.get(idem) or draft.known_as(known)
            results.append(_duplicate(same))
    return results


def _duplicate(same: Record | None) -> Ingested:
    if same is None:
        raise AssertionError("a memory that was neither stored nor known")
    reason = "already stored" if same.is_live() else "forgotten before: `iai-mcp restore` undoes it"
    return Ingested(id=same.id, status="duplicate", reason=reason)
