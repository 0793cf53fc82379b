"""Records of which some columns cannot be read: the text is there, other fields are not known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from .folding import identity_of
from .record import Record
from .record_rows import from_table
from .schema import table_schema
from .trust import trust_of

NEEDED: Final = ("id", "text", "table_version")
"""Columns without which there is no record."""

STATE: Final = frozenset({"valid_to", "superseded_by", "tombstoned_at", "folded_into"})
"""Columns that say whether a memory is shown."""

_ARRIVAL: Final = ("created_at", "ingested_at", "updated_at", "valid_from")
# What claims least: nobody's words but a model's, by a way that anybody may have used.
_DEFAULTS: Final[dict[str, Any]] = {
    "role": "assistant",
    "origin": "import",
    "idem": "",
    "folded_into": "",
    "pinned": False,
    "trust": 0.0,
    "tags": [],
    "derived_from": [],
}
_BELOW_THE_TIME: Final = 80  # bits of a UUIDv7


def records_without(found: pa.Table, lost: Collection[str]) -> list[Record]:
    """Return the records of rows without some columns.

    A time is that of the arrival, which the id holds; a key is that of the turn, or one of its own.

    Args:
        found: Rows with all other columns of a record.
        lost: Names of the columns that are not there.
    """
    schema = table_schema(1, embedder="", metadata={})
    ids = found["id"].to_pylist()
    for name in lost:
        if name in _ARRIVAL:
            values: list[Any] = [_arrival(id_) for id_ in ids]
        else:
            values = [_DEFAULTS.get(name)] * len(ids)
        found = found.append_column(name, pa.array(values, schema.field(name).type))
    return [_completed(record, lost) for record in from_table(found)]


def _completed(record: Record, lost: Collection[str]) -> Record:
    values: dict[str, Any] = {}
    if "trust" in lost or "role" in lost or "origin" in lost:
        values["trust"] = trust_of(record.origin, record.role)
    if "idem" in lost:
        identity = identity_of(record)
        own = sha256(record.id.encode()).hexdigest()
        values["idem"] = own if identity is None else identity.key(record.text)
    return replace(record, **values)


def _arrival(id_: str) -> datetime:
    return datetime.fromtimestamp((UUID(id_).int >> _BELOW_THE_TIME) / 1000, UTC)
