"""Stores as version 2 of the schema left them: it knew a turn by its session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
from lancedb.table import LanceTable

from iai_memory.embedding.identity import DIMENSION, IDENTITY
from iai_memory.store.idempotency import idempotency_key
from iai_memory.store.schema import LATE_COLUMNS, table_schema

START = datetime(2026, 5, 8, 10, tzinfo=UTC)
UUID = "6f1d2c3b-0000-4000-8000-{:012x}"


def schema_of_version_2() -> pa.Schema:
    """Today's columns without those that came with version 3 and later."""
    schema = table_schema(DIMENSION, embedder=IDENTITY.key, metadata={"iai.schema_version": "2"})
    for name in ("folded_into", *LATE_COLUMNS):
        schema = schema.remove(schema.get_field_index(name))
    return schema


def turn(number: int, session: str, arrival: int, **fields: Any) -> dict[str, Any]:
    """A turn of Claude Code with this number, as version 2 stored it when it arrived."""
    at = START + timedelta(seconds=number)
    row: dict[str, Any] = {
        "id": f"01970000-0000-7000-8000-{arrival:012d}",
        "text": f"the lighthouse keeper wrote letter {number}",
        "terms": f"lighthous keeper wrote letter {number}",
        **dict.fromkeys(("vector", "passages", "passage_spans", "valid_to", "superseded_by")),
        "role": "user",
        "origin": "hook",
        "host": "claude-code",
        "session_id": session,
        "turn_id": UUID.format(number),
        "project": "harbour",
        "cwd": "/home/sam/harbour",
        **dict.fromkeys(("created_at", "ingested_at", "updated_at", "valid_from"), at),
        "tombstoned_at": None,
        "pinned": False,
        "tags": [],
        "entities": [],
        "derived_from": [],
        "trust": 1.0,
        "embedder": None,
        "history": None,
        "table_version": 2,
        **fields,
    }
    key = {name: row[name] for name in ("session_id", "turn_id")}
    return {"idem": idempotency_key(row["role"], row["text"], **key), **row}


def old_store(root: Path, *rows: dict[str, Any]) -> LanceTable:
    """A store of version 2 with these rows."""
    root.mkdir(mode=0o700)
    database = lancedb.connect(str(root / "lancedb"), read_consistency_interval=timedelta(0))
    table = database.create_table("memories", schema=schema_of_version_2())
    assert isinstance(table, LanceTable)
    if rows:
        table.add(pa.Table.from_pylist(list(rows), table.schema))
    return table


def forked(turns: int) -> list[dict[str, Any]]:
    """A session of so many turns, then its fork with the same turns and one of its own."""
    parent = [turn(number, "parent", number) for number in range(turns)]
    fork = [turn(number, "fork", 100 + number) for number in range(turns + 1)]
    return [*parent, *fork]
