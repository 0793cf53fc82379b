"""Migrations: a table of an older schema version is rewritten as today's in a single commit.

The rewrite is the next version of the same table: a process that is killed before its commit leaves
the old table as it was, and no other process ever sees half of the work.

Version 2 gave each text its terms, passages, sources and trust. Version 3 knows a turn by its
host's id alone, in whatever session it stands; copies of one turn are folded (`folding`). Within
version 3 came the digests of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa
from lancedb.db import DBConnection
from lancedb.table import LanceTable
from numpy.typing import NDArray

from ..base.clock import utc_now
from ..embedding.passages import may_have_several
from ..errors import StoreMismatch
from ..text.analyzer import document_terms
from .arrow import pc
from .folding import by_words, fold
from .fork_copies import ThreadTurn, copies_by_order
from .idempotency import stored_identity
from .record import Record
from .record_rows import from_table, history_to_json, record_columns
from .row_digest import with_digests
from .schema import EMBEDDER_FIELD_KEY, LATE_COLUMNS, table_schema
from .sql import sql_in
from .store_identity import store_id_of, with_store_id
from .trust import trust_of

SCHEMA_KEY: Final = "iai.schema_version"
# To be raised also when `document_terms` changes: stored terms stay as they are otherwise.
SCHEMA_VERSION: Final = "3"
_MAX_DIGITS: Final = 4  # of a schema version; more are damage
_OUTDATED: Final = ("1", "2")
# A store that cannot be written is read as it is, from this version on.
_READABLE: Final = ("2",)
_BATCH_ROWS: Final = 1_000
_IDENTITY_COLUMNS: Final = ("host", "origin", "session_id", "role", "turn_id", "created_at")


def schema_version(table: LanceTable) -> str:
    """Return the schema version that the table was made with; "?" where it names none."""
    return version_in(table.schema)


def version_in(schema: pa.Schema) -> str:
    """Return the schema version that a schema names; "?" where it names none."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    return metadata.get(SCHEMA_KEY.encode(), b"?").decode(errors="replace")


def is_known_version(schema: pa.Schema) -> bool:
    """Return whether rows of that schema are today's, or can be migrated."""
    return version_in(schema) in (*_OUTDATED, SCHEMA_VERSION)


def require_no_later_version(schema: pa.Schema) -> None:
    """Refuse a schema that this iai-mcp does not know yet.

    Raises:
        StoreMismatch: A later one wrote it.
    """
    version = version_in(schema)
    if version.isdecimal() and len(version) < _MAX_DIGITS and int(version) > int(SCHEMA_VERSION):
        raise StoreMismatch(
            f"the table has schema version {version}, this iai-mcp reads {SCHEMA_VERSION}: install "
            f"the iai-mcp that wrote it"
        )


def is_outdated(table: LanceTable) -> bool:
    """Return whether the table has a schema version that `migrate` can bring to today's."""
    return schema_version(table) in _OUTDATED


def is_readable(table: LanceTable) -> bool:
    """Return whether an outdated table has all that a read needs."""
    return schema_version(table) in _READABLE


def embedder_of(table: LanceTable) -> str:
    """Return the key of the embedder whose vectors the table holds; "?" where it names none."""
    return embedder_in(table.schema)


def embedder_in(schema: pa.Schema) -> str:
    """Return the key of the embedder that a schema names; "?" where it names none."""
    metadata: dict[bytes, bytes] = schema.field("vector").metadata or {}
    return metadata.get(EMBEDDER_FIELD_KEY.encode(), b"?").decode(errors="replace")


def lacks_columns(table: LanceTable) -> bool:
    """Return whether the table is older than some of the `LATE_COLUMNS`."""
    return not set(LATE_COLUMNS) <= set(table.schema.names)


def add_columns(table: LanceTable) -> None:
    """Add the missing columns, null in every row: one commit of a manifest, whatever the size.

    The schema version stays, as earlier versions read and write such a table, see `row_digest`.
    """
    wanted = [name for name in LATE_COLUMNS if name not in table.schema.names]
    today = table_schema(1, embedder="", metadata={})
    table.add_columns([today.field(name) for name in wanted])


def migrate(database: DBConnection, table: LanceTable) -> int:
    """Rewrite all rows under today's schema; return how many copies of turns were folded.

    Every value stays, but for keys and what a folding changes; new columns are filled in. A text of
    version 1 that may have passages becomes pending, because its passages have to be embedded;
    until then its vector is searched as before.

    Afterwards the table has no indexes; the caller makes them anew. Runs under the write lock.
    """
    schema = table_schema(
        table.schema.field("vector").type.list_size,
        embedder=embedder_of(table),
        metadata={SCHEMA_KEY: SCHEMA_VERSION},
    )
    schema = with_store_id(schema, store_id_of(table))
    changed = {one.id: one for one in _folded(table)}
    fillers = [*([_fill_in] if schema_version(table) == "1" else []), _rekeyed]
    rows = table.search().limit(None).to_batches(batch_size=_BATCH_ROWS)
    database.create_table(
        table.name,
        data=pa.RecordBatchReader.from_batches(
            schema, _rewritten(rows, schema, fillers, changed, table.version + 1)
        ),
        mode="overwrite",
        on_bad_vectors="null",
    )
    return sum(bool(one.folded_into) for one in changed.values())


def _rewritten(
    rows: pa.RecordBatchReader,
    schema: pa.Schema,
    fillers: Sequence[Callable[[pa.RecordBatch], dict[str, Any]]],
    changed: Mapping[str, Record],
    version: int,
) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        new: dict[str, Any] = {}
        for filler in fillers:
            new |= filler(batch)
        new |= _of_changed(batch, new["idem"], changed, version)
        kept = set(batch.schema.names) - set(new)
        columns = [
            batch[field.name]
            if field.name in kept
            else pa.array(new.get(field.name, [None] * batch.num_rows), field.type)
            for field in schema
        ]
        rows_of_today = pa.Table.from_arrays(columns, schema=schema)
        yield from with_digests(rows_of_today).to_batches()


def _fill_in(batch: pa.RecordBatch) -> dict[str, Any]:
    """Return the columns that version 1 lacks."""
    texts = batch["text"].to_pylist()
    ways = zip(batch["origin"].to_pylist(), batch["role"].to_pylist(), strict=True)
    return {
        "terms": [" ".join(document_terms(text)) for text in texts],
        "embedder": [
            None if may_have_several(text) else key
            for text, key in zip(texts, batch["embedder"].to_pylist(), strict=True)
        ],
        "derived_from": [[]] * batch.num_rows,
        "trust": [trust_of(origin, role) for origin, role in ways],
    }


def _rekeyed(batch: pa.RecordBatch) -> dict[str, Any]:
    """Return the columns that version 2 lacks, and the keys: of turns the new ones."""
    keys = zip(_turn_keys(batch), batch["idem"].to_pylist(), strict=True)
    return {"folded_into": [""] * batch.num_rows, "idem": [new or old for new, old in keys]}


def _turn_keys(batch: pa.RecordBatch) -> Iterator[str | None]:
    """Yield the key of each row that is a turn of a transcript, else None."""
    columns = [batch[name].to_pylist() for name in _IDENTITY_COLUMNS]
    for text, *values in zip(batch["text"].to_pylist(), *columns, strict=True):
        identity = stored_identity(*values)
        yield None if identity is None else identity.key(text)


def _of_changed(
    batch: pa.RecordBatch, keys: Sequence[str], changed: Mapping[str, Record], version: int
) -> dict[str, Any]:
    """Return the columns that a folding changes, if it changes rows of this batch."""
    found = [changed.get(id_) for id_ in batch["id"].to_pylist()]
    if not any(found):
        return {}
    names = ("pinned", "tags", "valid_to", "superseded_by", "tombstoned_at", "updated_at")
    columns: dict[str, list[Any]] = {name: batch[name].to_pylist() for name in names}
    columns |= {name: batch[name].to_pylist() for name in ("history", "table_version")}
    columns["idem"] = [*keys]
    columns["folded_into"] = [""] * batch.num_rows
    for row, record in enumerate(found):
        if record is None:
            continue
        for name in (*names, "folded_into"):
            columns[name][row] = getattr(record, name)
        columns["idem"][row] = record.idem
        columns["history"][row] = history_to_json(record.history)
        columns["table_version"][row] = version
    return columns


def _folded(table: LanceTable) -> list[Record]:
    """Return the records that change when the copies of each turn are folded."""
    hashes, ids, newest = _scan(table)
    values, counts = np.unique(hashes, return_counts=True)
    several = np.isin(hashes, values[counts > 1]) & (hashes != 0)
    copies = _turns(table, [ids[row] for row in np.flatnonzero(several).tolist()])
    now = utc_now()
    at = now if newest is None or newest < now else newest + timedelta(microseconds=1)
    changed: list[Record] = []
    for key, group in groupby(sorted(copies, key=itemgetter(0)), key=itemgetter(0)):
        records = [replace(record, idem=key) for _, record in group]
        for same in by_words(records) if len(records) > 1 else ():
            folded = {one.id: one for one in (fold(same, at) if len(same) > 1 else ())}
            rekeyed = [one for one in same if one.idem != key and one.id not in folded]
            changed += [*folded.values(), *rekeyed]
    known = {one.id for one in changed}
    for ids_of_turn in copies_by_order(_codex_turns(table, known)):
        found = _turns(table, ids_of_turn)
        changed += fold([replace(one, idem=key or one.idem) for key, one in found], at)
    return changed


def _codex_turns(table: LanceTable, known: Collection[str]) -> Iterator[ThreadTurn]:
    """Yield the turns of Codex without an id that says enough by itself, of no known copies."""
    names = ["id", "text", *_IDENTITY_COLUMNS]
    rows = table.search().where("host = 'codex'").select(names).limit(None)
    for batch in rows.to_batches(batch_size=_BATCH_ROWS):
        for row in batch.to_pylist():
            identity = stored_identity(*(row[name] for name in _IDENTITY_COLUMNS))
            if identity is None or row["id"] in known:
                continue
            by_line = identity.parts[0].startswith("line-")
            if identity.with_text or by_line:
                number = "" if by_line else row["turn_id"]
                said = (row["role"], number, hash(row["text"]))
                yield ThreadTurn(row["id"], row["session_id"] or "", row["created_at"], said)


def _scan(table: LanceTable) -> tuple[NDArray[np.int64], list[str], datetime | None]:
    """Return a hash of each turn's key, 0 for any other row, the ids, and the newest change."""
    hashes, ids, newest = list[int](), list[str](), list[datetime]()
    names = ["id", "text", "updated_at", *_IDENTITY_COLUMNS]
    for batch in table.search().select(names).limit(None).to_batches(batch_size=_BATCH_ROWS):
        hashes += [0 if key is None else hash(key) for key in _turn_keys(batch)]
        ids += batch["id"].to_pylist()
        if batch.num_rows:
            newest.append(pc.max(batch["updated_at"]).as_py())
    return np.array(hashes, np.int64), ids, max(newest, default=None)


def _turns(table: LanceTable, ids: Sequence[str]) -> list[tuple[str, Record]]:
    """Return the records with these ids, which are turns, each with its key."""
    names = [name for name in record_columns() if name in table.schema.names]
    found: list[tuple[str, Record]] = []
    for start in range(0, len(ids), _BATCH_ROWS):
        where = sql_in("id", ids[start : start + _BATCH_ROWS])
        rows = table.search().where(where).select(names).limit(None).to_arrow()
        for batch in rows.combine_chunks().to_batches():
            keys = [key or "" for key in _turn_keys(batch)]
            found += zip(keys, from_table(pa.table(batch)), strict=True)
    return found
