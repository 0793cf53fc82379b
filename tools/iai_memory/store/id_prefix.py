"""Records by the beginning of their ids."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from .reader import TableReader
from .record import Record
from .sql import sql_text

_PREFIX: Final = re.compile(r"[0-9a-f]{1,8}|[0-9a-f]{8}-[0-9a-f-]{0,27}", re.IGNORECASE)
_PER_QUERY: Final = 100


def with_prefix(reader: TableReader, prefix: str) -> list[Record]:
    """Return the records whose ids begin so, forgotten ones too, oldest arrival first."""
    return with_prefixes(reader, [prefix])[prefix]


def with_prefixes(reader: TableReader, prefixes: Sequence[str]) -> dict[str, list[Record]]:
    """Return by prefix what `with_prefix` does; many of them cost few reads."""
    begins = sorted({prefix.lower() for prefix in prefixes if _PREFIX.fullmatch(prefix)})
    found: list[Record] = []
    for start in range(0, len(begins), _PER_QUERY):
        found += reader.records_where(" OR ".join(map(_range, begins[start : start + _PER_QUERY])))
    ordered = sorted({record.id: record for record in found}.values(), key=lambda one: one.id)
    ids = [record.id for record in ordered]
    return {
        prefix: ordered[bisect_left(ids, prefix.lower()) : bisect_left(ids, prefix.lower() + "g")]
        if _PREFIX.fullmatch(prefix)
        else []
        for prefix in prefixes
    }


def _range(begin: str) -> str:
    # An id is of digits, letters up to f and hyphens, all of which are before "g".
    return f"(id >= {sql_text(begin)} AND id < {sql_text(begin + 'g')})"
