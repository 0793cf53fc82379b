"""A query that is an id, or the beginning of one, and the memories that it names."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..store.id_prefix import with_prefix
from ..store.reader import TableReader
from .query import Query
from .ranked import Ranked

_MIN_LENGTH: Final = 8  # shorter ones may be numbers or words: "5544", "beef"
_AROUND: Final = " \t\n\"'`<>()[]:,."


def named_by_id(reader: TableReader, query: Query) -> list[Ranked]:
    """Return the memories whose ids begin as the whole query, also superseded ones.

    Raises:
        StoreFault: The store could not be read.
    """
    told = query.text.strip(_AROUND)
    if len(told) < _MIN_LENGTH:
        return []
    where = replace(query.where, include_superseded=True)
    found = [one for one in with_prefix(reader, told) if where.admits(one)]
    return [
        Ranked(where.at_time(one), 1.0, {"id": 1.0}, confidence=1.0) for one in found[: query.limit]
    ]
