"""Fields of a record that no iai-mcp wrote, and what stands for them where the record is kept."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ..store.record import ORIGINS, ROLES, Record
from ..store.trust import trust_of

DAMAGED: Final = "damaged"
"""Tag of a memory whose text may not be what was said: its file was damaged."""

_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# No store is older, and no clock that was wrong is further ahead than damage makes of a time.
_MIN_YEAR: Final = 2000
_MAX_YEARS_AHEAD: Final = 100


def mended(record: Record, now: datetime) -> tuple[Record, list[str]]:
    """Return the record without values that no iai-mcp wrote, and the names of the mended fields.

    A role becomes `note`, an origin `import`, which is trusted least; a time of storage that no
    clock had becomes another one of the record, and a link to no id none. When it was said an open
    store looks at by itself.
    """
    values: dict[str, Any] = {}
    if record.role not in ROLES:
        values["role"] = "note"
    if record.origin not in ORIGINS:
        values["origin"] = "import"
    role, origin = values.get("role", record.role), values.get("origin", record.origin)
    if not (math.isfinite(record.trust) and 0 <= record.trust <= 1):
        values["trust"] = trust_of(origin, role)
    elif values:
        values["trust"] = trust_of(origin, role, [record.trust])
    values |= _links(record)
    values |= _times(record, now)
    if record.table_version < 0:
        values["table_version"] = 0
    return replace(record, **values), sorted(values)


def _links(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if record.superseded_by is not None and not _ID.fullmatch(record.superseded_by):
        values["superseded_by"] = None
    if record.folded_into and not _ID.fullmatch(record.folded_into):
        values["folded_into"] = ""
    known = tuple(id_ for id_ in record.derived_from if id_ and _ID.fullmatch(id_))
    if known != record.derived_from:
        values["derived_from"] = known
    return values


def _times(record: Record, now: datetime) -> dict[str, Any]:
    """Return other values for times of storage that no clock had."""
    values: dict[str, Any] = {}
    arrived = record.ingested_at
    if not _may_be(arrived, now):
        others = [at for at in (record.created_at, record.updated_at) if _may_be(at, now)]
        arrived = values["ingested_at"] = min(others, default=now)
    if not _may_be(record.updated_at, now):
        values["updated_at"] = arrived
    return values


def _may_be(moment: datetime, now: datetime) -> bool:
    return _MIN_YEAR <= moment.year <= now.year + _MAX_YEARS_AHEAD
