"""Import of exported lines: each record as it was."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ..base.clock import parse_time
from ..embedding.identity import DIMENSION
from ..embedding.passages import Passages, may_have_several
from ..errors import InvalidInput
from ..privacy.redaction import redact
from ..store.changed_files import change_from_text, last_changes, to_texts
from ..store.folding import fold, identity_of, say_the_same, with_other_words
from ..store.names import stored_place, stored_tags
from ..store.reader import TableReader
from ..store.record import ORIGINS, ROLES, Change, Record
from ..store.record_rows import from_row, record_columns
from ..store.table import Store
from ..store.trust import trust_of
from ..store.vector_rows import Row
from ..store.writer import ChangeGroup
from ..writing.return_of_forgotten import as_forgotten
from .end_line import end_of
from .jsonl_export import ALIAS, FORMAT, OF_ONE_STORE, TIMES

BATCH: Final = 500
_OF_NO_STORE: Final = {"table_version": 0, "arrival": None, "arrived_at": None}
_ALIAS_WITHIN: Final = 64
_KEY: Final = re.compile("[0-9a-f]{64}")

# Fields that lines of a store of schema version 1 lack.
_SINCE_SCHEMA_2: Final[dict[str, Any]] = {"derived_from": [], "trust": 1.0}
# The field that lines of earlier versions lack.
_LATER: Final[dict[str, Any]] = {"changed_files": None}
# The field that lines of schema versions 1 and 2 lack; they know a turn by its session.
_SINCE_SCHEMA_3: Final = "folded_into"


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Counts of one batch: records stored, known before, and folded as copies of one turn."""

    stored: int
    known: int
    folded: int = 0


def import_lines(store: Store, lines: Iterable[str], *, embedder: str) -> Iterator[ImportCounts]:
    """Store exported records as they were: ids, times, links, pins and tombstones.

    A record that the store holds already, by id or as the same turn, is left alone. Copies of one
    turn, which versions exported that knew a turn by its session, are folded. What says the words
    of a memory that was forgotten here, and not in the file, is forgotten too. Vectors are kept if
    this store's embedder made them; otherwise they are pending.

    An alias of a project counts from its line on, unless this store has memories under its name, or
    undid the same one: what has the same path on two machines may be two projects. What was purged
    here does not come back.

    Yields:
        The counts of each batch of up to 500 lines; each batch is one commit.

    Raises:
        InvalidInput: A line is no exported record; the batches before it were stored.
        StoreFault: The store could not be written.
    """
    batch: list[Row] = []
    brought, group = set[str](), ChangeGroup()
    for number, line in enumerate(lines, 1):
        if end_of(line) is not None:
            continue  # `CheckedLines` compares it with the others
        if (alias := _alias(line, number)) is not None:
            _link(store, *alias)
        elif line.strip():
            batch.append(_from_line(line, number, embedder))
        if len(batch) == BATCH:
            yield _store_batch(store, batch, brought, group)
            batch = []
    if batch:
        yield _store_batch(store, batch, brought, group)


def _alias(line: str, number: int) -> tuple[str, str] | None:
    """Return the alias and the project of a line that is an alias; None for any other line.

    Raises:
        InvalidInput: It names no two projects.
    """
    if f'"{ALIAS}"' not in line[:_ALIAS_WITHIN]:
        return None
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None  # the reader of memories says what is wrong with it
    if not isinstance(fields, dict) or ALIAS not in fields:
        return None
    _check_format(fields.get("iai_mcp"), number)
    names = [fields.get(ALIAS), fields.get("project")]
    stored = [stored_place(name) for name in names if isinstance(name, str)]
    if len(stored) != len(names) or not all(stored):
        raise InvalidInput(f"line {number} is an alias without two names: leave it out")
    alias, project = (name or "" for name in stored)
    return alias, project


def _link(store: Store, alias: str, project: str) -> None:
    names, changes = store.project_names, store.aliases.changes()
    told = [name for one in changes if one.counts for name in (one.alias, one.name)]
    is_taken = names.names_of(alias, [*told, *store.latest.names("project")])
    was_made = any((one.alias, one.name) == (alias, project) for one in changes)
    if not (is_taken or was_made or names.same(alias, project)):
        store.aliases.link(alias, project, "import")


def _store_batch(
    store: Store, batch: Sequence[Row], brought: set[str], group: ChangeGroup
) -> ImportCounts:
    """Store the rows that are not known, and fold copies of one turn as a migration does.

    Args:
        store: The store.
        batch: Rows of the lines.
        brought: Holds, and gets, the ids of the lines so far that are stored as they are.
        group: Of all batches: an import is one change.
    """
    told = len(batch)
    with store.writing(group=group) as writer:
        names = store.project_names
        batch = [row for row in batch if not store.erasures.holds(row.record, names)]
        present = {one.id: one for one in writer.reader.get([row.record.id for row in batch])}
        # A turn that was forgotten here stays forgotten, whatever its copies in the file are.
        brought.update(
            row.record.id
            for row in batch
            if row.record.id in present and present[row.record.id].is_live() == row.record.is_live()
        )
        turns = _Turns(writer.reader, batch, brought)
        fresh: dict[str, Row] = {}
        for row in batch:
            if row.record.id not in present and row.record.id not in fresh:
                record = turns.added(row.record)
                if record is not None:
                    fresh[record.id] = replace(row, record=record)
        arriving = [row.record for row in fresh.values()]
        for record in as_forgotten(store, writer, arriving, brought):
            fresh[record.id] = replace(fresh[record.id], record=record)
        at = writer.now()
        folded = {one.id: one for group in turns.copies() for one in fold(group, at)}
        # Those that were stored before come first: what is killed in between begins again.
        old = writer.reader.rows([id_ for id_ in folded if id_ not in fresh])
        writer.update([replace(row, record=folded[row.record.id]) for row in old], at)
        writer.insert_as_is(
            [replace(row, record=folded.get(id_, row.record)) for id_, row in fresh.items()], at
        )
    brought.update(fresh)
    hidden = sum(bool(one.folded_into) for one in folded.values())
    return ImportCounts(len(fresh), told - len(fresh), hidden)


class _Turns:
    """The turns of a batch, and those of the store with their keys, by key."""

    def __init__(self, reader: TableReader, batch: Sequence[Row], brought: Collection[str]) -> None:
        keys = {row.record.idem for row in batch if _is_turn(row.record)}
        keys |= {with_other_words(row.record).idem for row in batch if _is_turn(row.record)}
        self._brought = brought
        self._own = set[str]()
        self._groups: dict[str, list[Record]] = {}
        for record in reader.by_column("idem", list(keys)):
            if not record.folded_into:
                self._groups.setdefault(record.idem, []).append(record)

    def added(self, record: Record) -> Record | None:
        """Return the record with the key that it gets; None for a turn that the store has."""
        if not _is_turn(record):
            return record
        held = self._groups.get(record.idem, [])
        if held and not any(say_the_same(one, record) for one in held):
            record = with_other_words(record)
        group = self._groups.setdefault(record.idem, [])
        if any(one.id not in self._own and one.id not in self._brought for one in group):
            return None
        group.append(record)
        self._own.add(record.id)
        return record

    def copies(self) -> Iterator[list[Record]]:
        """Yield the records of each turn that came in several."""
        for group in self._groups.values():
            if len(group) > 1 and any(one.id in self._own for one in group):
                yield group


def _is_turn(record: Record) -> bool:
    # Two undated notes may share a key: a fact that became true again.
    from_transcript = record.host is not None and record.origin in ("hook", "import")
    return not record.folded_into and (record.turn_id is not None or from_transcript)


def _from_line(line: str, number: int, embedder: str) -> Row:
    try:
        fields: dict[str, Any] = json.loads(line)
        _check_format(fields["iai_mcp"], number)
        keyed_by_session = _SINCE_SCHEMA_3 not in fields
        fields = {**_SINCE_SCHEMA_2, _SINCE_SCHEMA_3: "", **_LATER, **fields}
        values = {name: fields[name] for name in record_columns() if name not in OF_ONE_STORE}
        for name in TIMES:
            values[name] = None if values[name] is None else parse_time(values[name], name)
        record = from_row({**values, **_OF_NO_STORE})
        _check_names(record)
        vouched = replace(
            record,
            text=redact(record.text).text,
            history=tuple(_checked_change(change) for change in record.history),
            changed_files=_checked_files(record.changed_files),
            # A file may vouch for less than its records' origins allow, never for more.
            trust=trust_of(record.origin, record.role, [record.trust]),
        )
        if keyed_by_session:
            vouched = _rekeyed(vouched)
        ours = record.embedder == embedder and record.text == vouched.text
        return _with_vectors(vouched, fields, embedder) if ours else _pending(vouched)
    except InvalidInput:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidInput(
            f"line {number} is no exported memory: send lines of `iai-mcp export jsonl`"
        ) from exc


def _rekeyed(record: Record) -> Record:
    """Return the record with the key that its turn would have if it came today."""
    identity = identity_of(record)
    return record if identity is None else replace(record, idem=identity.key(record.text))


def _check_names(record: Record) -> None:
    """Refuse an id, a key, a role, an origin or a past that no store of ours writes.

    Ids are ordered as UUIDs, and roles and origins are printed.

    Raises:
        ValueError: One of them is something else.
    """
    for id_ in (record.id, record.superseded_by, record.folded_into or None, *record.derived_from):
        _check_id(id_)
    if record.role not in ROLES or record.origin not in ORIGINS:
        raise ValueError("role or origin")
    if not _KEY.fullmatch(record.idem):
        raise ValueError("idem")
    names = (record.host, record.session_id, record.turn_id, record.project, record.cwd)
    if not all(isinstance(name, str | None) for name in (*names, *record.tags)):
        raise ValueError("a name that is no text")
    record.text.encode()  # half of a surrogate pair is no text


def _check_id(value: str | None) -> None:
    if value is not None and str(UUID(value)) != value:
        raise ValueError("id")


def _checked_change(change: Change) -> Change:
    """Return a change of a record's past, its tags as they are stored.

    Raises:
        ValueError: No change of ours is of that field, or none had that value before.
    """
    before = change.before
    change = replace(change, number=None)  # of a backup's line: this store counts its own
    if change.by and change.by not in ORIGINS:
        raise ValueError("history")
    match change.field:
        case "tags":
            return replace(change, before=stored_tags(before))
        case "superseded_by" | "folded_into":
            _check_id(before or None)
        case "pinned" if isinstance(before, bool):
            pass
        case "valid_to" | "tombstoned_at" if before is None or isinstance(before, datetime):
            pass
        case _:
            raise ValueError("history")
    return change


def _checked_files(texts: Sequence[Any]) -> tuple[str, ...]:
    """Return what a record says of changed files, their paths as they are stored.

    Raises:
        ValueError: One of them is nothing that a store of ours writes.
    """
    changes = [change_from_text(text) for text in texts]
    if any(change is None for change in changes):
        raise ValueError("changed_files")
    stored = [(change, stored_place(change.path)) for change in changes if change is not None]
    return to_texts(last_changes(replace(one, path=path) for one, path in stored if path))


def _check_format(found: object, number: int) -> None:
    if found != FORMAT:
        raise InvalidInput(
            f"line {number} has export format {found!r}, this iai-mcp reads {FORMAT}: export it "
            f"again with this version"
        )


def _pending(record: Record) -> Row:
    return Row(replace(record, embedder=None), None)


def _with_vectors(record: Record, fields: dict[str, Any], embedder: str) -> Row:
    if fields.get("vector") is None:
        return _pending(record)
    [vector] = _from_base64(fields["vector"], "<f4")
    if "passages" not in fields and may_have_several(record.text):
        # Of a store of schema version 1: the whole text can be searched, its passages wait.
        return Row(replace(record, embedder=None), vector)
    passages: Passages | None = None
    if fields.get("passages") is not None:
        vectors = _from_base64(fields["passages"], "<f2")
        spans = tuple((int(start), int(end)) for start, end in fields["passage_spans"])
        if len(spans) != len(vectors) or not all(
            0 <= start < end <= len(record.text) for start, end in spans
        ):
            raise ValueError("passages that are not of this text")
        passages = Passages(vectors, spans)
    return Row(replace(record, embedder=embedder), vector, passages)


def _from_base64(text: str, kind: str) -> NDArray[np.float32]:
    """Return the vectors, float32, (n, dim)."""
    found = np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
    return found.astype(np.float32).reshape(-1, DIMENSION)
