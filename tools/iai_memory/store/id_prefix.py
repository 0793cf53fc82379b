"""Records by the beginning of their ids."""

from __future__ import annotations

import re
from typing import Final

from .reader import TableReader
from .record import Record
from .sql import sql_text

_PREFIX: Final = re.compile(r"[0-9a-f]{1,8}|[0-9a-f]{8}-[0-9a-f-]{0,27}", re.IGNORECASE)


def with_prefix(reader: TableReader, prefix: str) -> list[Record]:
    """Return the records whose ids begin so, forgotten ones too, oldest arrival first."""
    if not _PREFIX.fullmatch(prefix):
        return []
    begin = prefix.lower()
    # An id is of digits, letters up to f and hyphens, all of which are before "g".
    found = reader.records_where(f"id >= {sql_text(begin)} AND id < {sql_text(begin + 'g')}")
    return sorted(found, key=lambda record: record.id)
